/** Values that the browser keeps; of a page in another site's frame it may keep nothing. */

type Place = "localStorage" | "sessionStorage";

/** A value that was kept; "" where none was. */
export function recall(place: Place, name: string): string {
  try {
    return window[place].getItem(name) ?? "";
  } catch {
    return ""; // it may not be looked at
  }
}

/** Keeps a value, or forgets an empty one. */
export function keep(place: Place, name: string, value: string): void {
  try {
    if (value) window[place].setItem(name, value);
    else window[place].removeItem(name);
  } catch {
    // this page goes on without
  }
}
