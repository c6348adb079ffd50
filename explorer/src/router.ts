/** Where the reader is: the address behind the `#`, as a signal.
 *
 * `#/concept/K_%E6%A0%88?up=2` is the place `concept`, the argument `K_栈` and the query `up=2`, so
 * that every view can be shared by its address.
 */

import { signal } from "@preact/signals";
import "./api/handed"; // which may change the address that is read below

export interface Route {
  /** The view's name; "" at home. */
  place: string;
  /** What follows it, decoded. */
  argument: string;
  query: URLSearchParams;
}

export type Query = Record<string, string | number | boolean | null | undefined | string[]>;

/** Reads an address behind the `#`. */
function parseRoute(hash: string): Route {
  const [path = "", query = ""] = hash.replace(/^#?\/?/, "").split(/\?(.*)/s);
  const [place = "", ...rest] = path.split("/");
  return {
    place,
    argument: rest.map(decoded).join("/"),
    query: new URLSearchParams(query),
  };
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part; // typed by hand, with a bare %
  }
}

/** The address of a view, for a link. */
export function href(place: string, argument = "", query: Query = {}): string {
  const asked = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (Array.isArray(value)) for (const each of value) asked.append(name, each);
    else if (value !== null && value !== undefined && value !== false && value !== "")
      asked.set(name, value === true ? "1" : String(value));
  }
  const path = argument ? `${place}/${encodeURIComponent(argument)}` : place;
  return `#/${path}${asked.size ? `?${asked}` : ""}`;
}

export const route = signal<Route>(parseRoute(location.hash));

addEventListener("hashchange", () => {
  route.value = parseRoute(location.hash);
});

/** Goes to a view, as a link would. */
export function go(place: string, argument = "", query: Query = {}): void {
  location.hash = href(place, argument, query);
}

/** Changes the query of the present view without a new entry in the history. */
export function refine(changes: Query): void {
  const { place, argument, query } = route.value;
  const now: Query = {};
  for (const name of new Set(query.keys())) {
    const all = query.getAll(name);
    now[name] = all.length > 1 ? all : (all[0] ?? "");
  }
  history.replaceState(null, "", href(place, argument, { ...now, ...changes }));
  route.value = parseRoute(location.hash);
}
