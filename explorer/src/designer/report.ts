/** What there is to mend in the graph, and what of it a picture of the graph can mark. */

import type { Schemas } from "../api/client";

export type Edge = Schemas["NamedEdge"];

/** A pair is two edges, which the client reads as a list. */
export type Report = Omit<Schemas["GraphHealth"], "contradictory_pairs"> & {
  contradictory_pairs: Edge[][];
};

export const MARKS = ["cycles", "bottlenecks", "orphans", "chain"] as const;
export type Mark = (typeof MARKS)[number];
