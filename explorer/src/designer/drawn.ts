/** What the service says of concepts and prerequisites, as a picture takes it. */

import type { Schemas } from "../api/client";
import type { DrawnEdge, DrawnNode, Look } from "../graph/canvas";
import { naming } from "../i18n";

export function drawnNode(concept: Schemas["Place"], column: number, look: Look): DrawnNode {
  return { id: concept.id, label: naming(concept).main, column, look };
}

export function drawnEdge({ before, after, strength, group }: Schemas["PlacedEdge"]): DrawnEdge {
  return { before, after, soft: strength < 1, any: group > 0 };
}
