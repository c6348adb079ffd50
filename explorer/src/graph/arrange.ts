/** The layout of a graph: at once where it is small, else in a worker. */

import {
  type LaidEdge,
  type LaidNode,
  layered,
  type LayoutOptions,
  type Positions,
} from "./layout";
import type { Asked } from "./layout.worker";

const SMALL = 200; // nodes that are laid out within a frame

/** The centre of every node. */
export function arranged(
  nodes: LaidNode[],
  edges: LaidEdge[],
  options: LayoutOptions,
): Promise<Positions> {
  if (nodes.length <= SMALL) return Promise.resolve(layered(nodes, edges, options));
  const worker = new Worker(new URL("./layout.worker.ts", import.meta.url), { type: "module" });
  return new Promise<Positions>((resolve, reject) => {
    worker.onmessage = (event: MessageEvent<Positions>) => resolve(event.data);
    worker.onerror = (event) => reject(new Error(event.message));
    const asked: Asked = [nodes, edges, options];
    worker.postMessage(asked);
  }).finally(() => worker.terminate());
}
