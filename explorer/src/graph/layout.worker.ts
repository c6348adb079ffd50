/** The layout of a large graph, beside the page's own thread. */

import { type LaidEdge, type LaidNode, layered, type LayoutOptions } from "./layout";

export type Asked = [nodes: LaidNode[], edges: LaidEdge[], options: LayoutOptions];

addEventListener("message", (event: MessageEvent<Asked>) => {
  postMessage(layered(...event.data));
});
