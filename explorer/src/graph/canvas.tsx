/** A picture of concepts and prerequisites that can be moved and zoomed.
 *
 * A canvas says nothing to a screen reader: each view shows the same concepts and edges as a list
 * beside it, and `chosen` keeps the two in step.
 */

import type { Signal } from "@preact/signals";
import { useSignalEffect } from "@preact/signals";
import type { Core, EventObject, EventObjectNode, StylesheetJson } from "cytoscape";
import { useEffect, useRef, useState } from "preact/hooks";
import { isDark } from "../shell/preferences";
import { IconButton } from "../ui/icons";
import { arranged } from "./arrange";
import type { Place } from "./layout";
import { texts } from "./texts";

/** What a concept is in the picture; each has its colours in `styles`. */
export type Look = "plain" | "focus" | "before" | "after" | "marked" | "faint";

export interface DrawnNode {
  id: string;
  label: string;
  column: number;
  look: Look;
  /** The place of its field of study among the largest, from 1; its colour where `look` is plain. */
  field?: number;
}

export interface DrawnEdge {
  before: string;
  after: string;
  /** Whether it can be done without: stated as less than needed, or only predicted. */
  soft: boolean;
  /** Whether it is of a group of alternatives, any one of which will do. */
  any: boolean;
  marked?: boolean;
}

export interface Drawn {
  nodes: DrawnNode[];
  edges: DrawnEdge[];
}

const FONT_PX = 13;
const ROW_PX = 34;
const GAP_PX = 76;
const LARGE = 300; // nodes, from which edges are straight and names wait for a closer look
const STYLES = "__________cytoscape_stylesheet";

/** What an edge is called in the picture. */
export function edgeId(before: string, after: string): string {
  return `${before}\n${after}`;
}

/** Draws concepts in columns.
 *
 * @param chosen the concept that the reader looks at, in the picture or in the list; "" for none.
 * @param onOpen is told the concept that was clicked twice.
 */
export function GraphCanvas(props: {
  drawn: Drawn;
  label: string;
  chosen: Signal<string>;
  onOpen: (id: string) => void;
}) {
  const say = texts();
  const { drawn, chosen, onOpen } = props;
  const box = useRef<HTMLDivElement>(null);
  const graph = useRef<Core | null>(null);
  const opened = useRef(onOpen);
  opened.current = onOpen;
  const [ready, setReady] = useState(false);
  const large = drawn.nodes.length > LARGE;

  useEffect(() => {
    let gone = false;
    void import("cytoscape").then(({ default: cytoscape }) => {
      if (gone || !box.current) return;
      keepStylesOut();
      const made = cytoscape({
        container: box.current,
        minZoom: 0.05,
        maxZoom: 2.5,
        boxSelectionEnabled: false,
        autoungrabify: true,
        selectionType: "single",
        hideEdgesOnViewport: large, // until it rests
        pixelRatio: large ? 1 : "auto",
      });
      made.on("tap", "node", (event: EventObjectNode) => (chosen.value = event.target.id()));
      made.on("tap", (event: EventObject) => {
        if (event.target === made) chosen.value = "";
      });
      made.on("dbltap", "node", (event: EventObjectNode) => opened.current(event.target.id()));
      graph.current = made;
      setReady(true);
    });
    return () => {
      gone = true;
      graph.current?.destroy();
      graph.current = null;
      setReady(false);
    };
  }, [large]);

  useEffect(() => {
    const made = graph.current;
    if (!ready || !made) return;
    let late = false;
    box.current?.removeAttribute("data-drawn");
    const widths = widthsOf(drawn.nodes);
    const nodes = drawn.nodes.map((node, k) => ({ ...node, width: widths[k] ?? 0 }));
    const aspect = made.width() / Math.max(made.height(), 1);
    const options = { row: ROW_PX, gap: GAP_PX, aspect };
    const column = new Map(drawn.nodes.map((node) => [node.id, node.column]));
    const bare = nodes.map(({ id, column, width }) => ({ id, column, width }));
    performance.mark("kgplan:layout");
    void arranged(bare, drawn.edges, options).then((positions) => {
      if (late) return;
      performance.measure("kgplan:layout", "kgplan:layout");
      made.batch(() => {
        made.elements().remove();
        made.add(
          nodes.map(({ id, label, width, look, field }) => ({
            group: "nodes" as const,
            data: { id, label, width },
            classes: field ? `${look} field-${field}` : look,
            position: positions[id] ?? { x: 0, y: 0 },
          })),
        );
        made.add(
          drawn.edges.map(({ before, after, soft, any, marked }) => ({
            group: "edges" as const,
            data: {
              id: edgeId(before, after),
              source: before,
              target: after,
              bow: bowOf(positions[before], positions[after]),
            },
            classes: [
              soft ? "soft" : "",
              any ? "any" : "",
              marked ? "marked" : "",
              column.get(before) === column.get(after) ? "side" : "",
            ].join(" "),
          })),
        );
      });
      made.style(styles(large));
      show(made, chosen.peek());
      made.fit(undefined, 28);
      if (made.zoom() > 1.15) {
        made.zoom(1.15);
        made.center();
      }
      box.current?.setAttribute("data-drawn", String(drawn.nodes.length));
    });
    return () => {
      late = true;
    };
  }, [ready, drawn]);

  useEffect(() => {
    const made = graph.current;
    if (!ready || !made) return undefined;
    const watch = new ResizeObserver(() => {
      made.resize();
    });
    if (box.current) watch.observe(box.current);
    return () => watch.disconnect();
  }, [ready]);

  useSignalEffect(() => {
    const dark = isDark.value;
    const made = graph.current;
    box.current?.setAttribute("data-dark", String(dark));
    if (made) requestAnimationFrame(() => made.style(styles(made.nodes().length > LARGE)));
  });

  useSignalEffect(() => {
    const id = chosen.value;
    if (graph.current) show(graph.current, id);
  });

  function zoom(factor: number): void {
    const made = graph.current;
    if (!made) return;
    const middle = { x: made.width() / 2, y: made.height() / 2 };
    made.zoom({ level: made.zoom() * factor, renderedPosition: middle });
  }

  return (
    <div class="canvas">
      <div ref={box} class="canvas-box" role="img" aria-label={`${props.label} ${say.beside}`} />
      <div class="canvas-tools" role="group" aria-label={say.view}>
        <IconButton icon="plus" label={say.closer} onClick={() => zoom(1.3)} />
        <IconButton icon="minus" label={say.farther} onClick={() => zoom(1 / 1.3)} />
        <IconButton
          icon="fit"
          label={say.whole}
          onClick={() => graph.current?.fit(undefined, 28)}
        />
      </div>
    </div>
  );
}

/** How far an edge inside a column stands off its straight line, to the left of the column. */
function bowOf(from: Place | undefined, to: Place | undefined): number {
  const down = (to?.y ?? 0) - (from?.y ?? 0);
  return Math.sign(down) * Math.min(60 + 0.15 * Math.abs(down), 150);
}

/** Tells Cytoscape that its style sheet is there: designer.css has its one rule, as the page's
 * security policy allows no style element.
 */
function keepStylesOut(): void {
  if (document.getElementById(STYLES)) return;
  const mark = document.createElement("template");
  mark.id = STYLES;
  document.head.append(mark);
}

/** Marks a concept with its neighbours, and brings it into sight.
 *
 * From one concept to another only their neighbours change: what is far from both stays as it is.
 */
function show(made: Core, id: string): void {
  const node = made.getElementById(id);
  made.batch(() => {
    const last = made.elements(".near").removeClass("chosen near");
    if (node.empty()) {
      if (last.nonempty()) made.elements().removeClass("far");
      return;
    }
    const near = node.closedNeighborhood();
    (last.nonempty() ? last : made.elements()).difference(near).addClass("far");
    near.removeClass("far").addClass("near");
    node.addClass("chosen");
  });
  if (node.empty()) return;
  const { x, y } = node.renderedPosition();
  const inside = x > 0 && y > 0 && x < made.width() && y < made.height();
  if (!inside) made.center(node);
}

function widthsOf(nodes: readonly DrawnNode[]): number[] {
  const pen = document.createElement("canvas").getContext("2d");
  if (!pen) return nodes.map((node) => node.label.length * FONT_PX);
  pen.font = `${FONT_PX}px ${token("--font", "font-family")}`;
  return nodes.map((node) => Math.ceil(pen.measureText(node.label).width) + 24);
}

/** A design token as the browser computes it, for what is not styled by CSS. */
function token(name: string, property: "color" | "font-family"): string {
  const probe = document.createElement("span");
  probe.style.setProperty(property, `var(${name})`);
  document.body.append(probe);
  const found = getComputedStyle(probe).getPropertyValue(property);
  probe.remove();
  return found;
}

function styles(large: boolean): StylesheetJson {
  const colour = (name: string) => token(name, "color");
  const node = (look: string, back: string, line: string, ink: string) => ({
    selector: `node.${look}`,
    style: { "background-color": colour(back), "border-color": colour(line), color: colour(ink) },
  });
  return [
    {
      selector: "node",
      style: {
        shape: "round-rectangle",
        width: "data(width)",
        height: 26,
        "border-width": 1.5,
        label: "data(label)",
        "font-size": FONT_PX,
        "font-family": token("--font", "font-family"),
        "text-valign": "center",
        "text-halign": "center",
        "min-zoomed-font-size": large ? 7 : 4,
        "overlay-opacity": 0,
      },
    },
    node("plain", "--card", "--strong-line", "--ink"),
    ...[1, 2, 3, 4, 5].map((k) => node(`field-${k}`, `--field-${k}`, `--field-${k}`, "--ink")),
    node("focus", "--accent", "--accent", "--on-accent"),
    node("before", "--before-soft", "--before", "--ink"),
    node("after", "--after-soft", "--after", "--ink"),
    node("marked", "--bad-soft", "--bad", "--ink"),
    node("faint", large ? "--line" : "--sunk", "--line", "--soft"),
    ...(large ? [node("marked", "--bad", "--bad", "--card")] : []),
    {
      selector: "edge",
      style: {
        width: large ? 1 : 1.5,
        "line-color": colour("--strong-line"),
        "target-arrow-color": colour("--strong-line"),
        "target-arrow-shape": large ? "none" : "triangle",
        "arrow-scale": 0.8,
        "curve-style": large ? "haystack" : "bezier",
        "line-opacity": large ? 0.25 : 0.65,
        // whatever the pointer may be on is searched for at each of its moves
        events: large ? "no" : "yes",
        "overlay-opacity": 0,
      },
    },
    {
      selector: "edge.side",
      style: large
        ? {}
        : {
            "curve-style": "unbundled-bezier",
            "control-point-distances": "data(bow)",
            "control-point-weights": [0.5],
          },
    },
    { selector: "edge.soft", style: large ? {} : { "line-style": "dashed" } },
    {
      selector: "edge.any",
      style: large ? {} : { "line-style": "dotted", "target-arrow-fill": "hollow", width: 2.5 },
    },
    {
      selector: "edge.marked",
      style: {
        "line-color": colour("--bad"),
        "target-arrow-color": colour("--bad"),
        "line-opacity": 0.9,
        width: 2,
      },
    },
    { selector: "node.far", style: { opacity: 0.35 } },
    { selector: "edge.far", style: { opacity: large ? 0.3 : 0.2 } },
    {
      selector: "edge.near",
      style: {
        "line-color": colour("--accent"),
        "target-arrow-color": colour("--accent"),
        "line-opacity": 1,
        width: 2,
      },
    },
    { selector: "node.chosen", style: { "border-width": 3.5, "border-color": colour("--focus") } },
  ];
}
