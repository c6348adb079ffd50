/** What there is to open, by its kind. */

/** What an item is; "mixed" of several. */
export type Kind = "video" | "exercise" | "text" | "mixed";

/** The kind of items of these kinds; of what is not known, a video. */
export function kindOf(of: readonly (string | null | undefined)[]): Kind {
  const kinds = new Set(of.map((kind) => kind ?? "video"));
  const [kind] = kinds;
  if (kinds.size > 1) return "mixed";
  return kind === "exercise" || kind === "text" ? kind : "video";
}
