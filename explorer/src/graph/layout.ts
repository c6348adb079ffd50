/** Where do concepts stand, so that what comes before is left of what builds on it?
 *
 * A layered drawing in three steps (Sugiyama, Tagawa and Toda, 1981): columns are given, rows are
 * ordered by the mean of their neighbours' rows to lessen crossings, then each column moves as near
 * to its neighbours as its order allows. A column too high to look at is broken into several; what
 * has no edge stands below.
 * Sizes: N nodes, E edges; time O(rounds · (N log N + E)).
 */

export interface LaidNode {
  id: string;
  /** Column, from the left; any whole numbers. */
  column: number;
  /** Pixels. */
  width: number;
}

export interface LaidEdge {
  before: string;
  after: string;
}

export interface LayoutOptions {
  /** Pixels from row to row, and between columns. */
  row: number;
  gap: number;
  /** Width by height that the drawing shall come near to. */
  aspect: number;
}

/** Pixels. */
export interface Place {
  x: number;
  y: number;
}

export type Positions = Record<string, Place>;

const ROUNDS = 12;
const FEWEST_ROWS = 24; // of a column, before it is broken
const STRETCH = 2.2; // of the gaps at most, where the drawing is higher than wanted

/** The centre of every node, in pixels. */
export function layered(
  nodes: readonly LaidNode[],
  edges: readonly LaidEdge[],
  options: LayoutOptions,
): Positions {
  const at = new Map(nodes.map((node, k) => [node.id, k]));
  const near: number[][] = nodes.map(() => []);
  for (const { before, after } of edges) {
    const [a, b] = [at.get(before), at.get(after)];
    if (a === undefined || b === undefined || a === b) continue;
    near[a]?.push(b);
    near[b]?.push(a);
  }
  const connected = nodes.map((_, k) => k).filter((k) => near[k]?.length);
  const columns = columnsOf(nodes, connected);
  const rows = rowsFor(nodes, columns, options);
  const broken = columns.some((column) => column.length > rows);
  const y = new Float64Array(nodes.length);
  for (const column of columns) stack(column, y, options.row);
  for (let round = 0; round < ROUNDS; round++) {
    const sweep = round % 2 ? columns.toReversed() : columns;
    for (const column of sweep) {
      const wanted = new Map(column.map((k) => [k, mean(near[k] ?? [], y) ?? y[k] ?? 0]));
      column.sort((a, b) => (wanted.get(a) ?? 0) - (wanted.get(b) ?? 0));
      if (broken) stack(column, y, options.row);
      else {
        const places = spread(
          column.map((k) => wanted.get(k) ?? 0),
          options.row,
        );
        column.forEach((k, row) => (y[k] = places[row] ?? 0));
      }
    }
  }
  const found = placed(nodes, columns, y, rows, options);
  const alone = nodes.filter((node) => !(node.id in found));
  return { ...found, ...block(alone, Object.values(found), options) };
}

/** Nodes without edges, in lines below the others. */
function block(
  alone: readonly LaidNode[],
  others: readonly Place[],
  { row, aspect }: LayoutOptions,
): Positions {
  const xs = others.map((place) => place.x);
  const [left, right] = others.length ? [Math.min(...xs), Math.max(...xs)] : [0, 0];
  const area = alone.reduce((sum, node) => sum + node.width + row / 2, 0) * row;
  const width = Math.max(right - left, Math.sqrt(area * aspect));
  let y = others.length ? Math.max(...others.map((place) => place.y)) + 2.5 * row : 0;
  const found: Positions = {};
  let x = left;
  for (const node of alone) {
    if (x > left && x + node.width > left + width) {
      x = left;
      y += row;
    }
    found[node.id] = { x: x + node.width / 2, y };
    x += node.width + row / 2;
  }
  return found;
}

/** Rows of a column before it is broken, so that the drawing comes near to the wanted aspect. */
function rowsFor(
  nodes: readonly LaidNode[],
  columns: readonly number[][],
  { row, gap, aspect }: LayoutOptions,
): number {
  const width = nodes.reduce((sum, node) => sum + node.width, 0) / Math.max(nodes.length, 1) + row;
  const highest = Math.max(0, ...columns.map((column) => column.length));
  let best = { rows: highest, off: Infinity };
  for (let rows = Math.min(FEWEST_ROWS, highest); rows <= highest; rows++) {
    const parts = columns.reduce((sum, column) => sum + Math.ceil(column.length / rows), 0);
    const off = Math.abs(Math.log((parts * width + columns.length * gap) / (rows * row * aspect)));
    if (off < best.off) best = { rows, off };
  }
  return best.rows;
}

/** Positions in `nodes` by column, from the left. */
function columnsOf(nodes: readonly LaidNode[], some: readonly number[]): number[][] {
  const found = new Map<number, number[]>();
  for (const k of some) {
    const at = nodes[k]?.column ?? 0;
    const column = found.get(at);
    if (column) column.push(k);
    else found.set(at, [k]);
  }
  return [...found].sort(([a], [b]) => a - b).map(([, column]) => column);
}

function stack(column: readonly number[], y: Float64Array, row: number): void {
  column.forEach((k, place) => (y[k] = (place - (column.length - 1) / 2) * row));
}

function mean(of: readonly number[], y: Float64Array): number | undefined {
  if (of.length === 0) return undefined;
  return of.reduce((sum, k) => sum + (y[k] ?? 0), 0) / of.length;
}

/** The places nearest to the wanted ones, in their order and `apart` from each other.
 *
 * Least squares under an order: neighbours that would overlap are pooled (Barlow and others, 1972).
 */
function spread(wanted: readonly number[], apart: number): number[] {
  const pools: { sum: number; size: number }[] = [];
  wanted.forEach((place, k) => {
    let pool = { sum: place - k * apart, size: 1 };
    for (;;) {
      const last = pools.at(-1);
      if (!last || last.sum / last.size <= pool.sum / pool.size) break;
      pool = { sum: pool.sum + last.sum, size: pool.size + last.size };
      pools.pop();
    }
    pools.push(pool);
  });
  return pools
    .flatMap(({ sum, size }) => Array.from({ length: size }, () => sum / size))
    .map((place, k) => place + k * apart);
}

function placed(
  nodes: readonly LaidNode[],
  columns: readonly number[][],
  y: Float64Array,
  rows: number,
  { row, gap, aspect }: LayoutOptions,
): Positions {
  const found: Positions = {};
  let left = 0;
  for (const column of columns) {
    const parts = Math.ceil(column.length / rows);
    const height = Math.ceil(column.length / parts);
    for (let part = 0; part < parts; part++) {
      const inside = column.slice(part * height, (part + 1) * height);
      const width = Math.max(...inside.map((k) => nodes[k]?.width ?? 0));
      inside.forEach((k, place) => {
        const node = nodes[k];
        if (!node) return;
        const centred = (place - (inside.length - 1) / 2) * row;
        found[node.id] = { x: left + width / 2, y: parts > 1 ? centred : (y[k] ?? 0) };
      });
      left += width + (part < parts - 1 ? row : gap);
    }
  }
  const height = Math.max(0, ...y) - Math.min(0, ...y) + row;
  const stretch = Math.min(STRETCH, (height * aspect) / Math.max(left - gap, 1));
  if (stretch > 1) for (const place of Object.values(found)) place.x *= stretch;
  return found;
}
