/** Where jobs and threads lie in px; the server says lane, column and row of each job. Knows no page. */

export const CARD = { width: 112, height: 58 };
const STEP_X = 124;
const STEP_Y = 70;
const LEFT = 36;
const TOP = 26;
const BELOW = 18;
const GUTTER = 5;

export type Place = { job: string; lane: number; column: number; row: number };
export type Wire = { source: string; target: string; kind: string };
export type Spot = { job: string; x: number; y: number };
export type Drawn = {
  width: number;
  height: number;
  lanes: { word: string; y: number; height: number }[];
  spots: Map<string, Spot>;
  paths: { wire: Wire; d: string }[];
};

/** The colour of a kind of data on threads and chips. */
export function colourOf(kind: string): string {
  if (["movies", "micrographs"].includes(kind)) return "micrographs";
  if (["coordinates", "particles"].includes(kind)) return kind;
  if (["class averages", "model"].includes(kind)) return "classes";
  if (["volume", "half maps", "final map", "local resolution"].includes(kind)) return "volume";
  return kind === "mask" ? "mask" : "";
}

export function draw(lanes: string[], nodes: Place[], wires: Wire[]): Drawn {
  const rows = lanes.map((_, lane) => 1 + Math.max(0, ...nodes.filter((one) => one.lane === lane).map((one) => one.row)));
  const heights = rows.map((count) => TOP + count * STEP_Y - (STEP_Y - CARD.height) + BELOW);
  const tops = heights.map((_, lane) => heights.slice(0, lane).reduce((sum, one) => sum + one, 0));
  const spots = new Map<string, Spot>();
  for (const { job, lane, column, row } of nodes) {
    spots.set(job, { job, x: LEFT + column * STEP_X, y: (tops[lane] ?? 0) + TOP + row * STEP_Y });
  }
  const laneOf = new Map(nodes.map((one) => [one.job, one.lane]));
  const paths = wires.flatMap((wire) => {
    const from = spots.get(wire.source);
    const to = spots.get(wire.target);
    if (!from || !to) return [];
    const inLane = laneOf.get(wire.source) === laneOf.get(wire.target);
    return [{ wire, d: inLane && to.x > from.x ? beside(from, to) : through(from, to) }];
  });
  return {
    width: LEFT + STEP_X * (1 + Math.max(0, ...nodes.map((one) => one.column))),
    height: heights.reduce((sum, one) => sum + one, 0),
    lanes: lanes.map((word, lane) => ({ word, y: tops[lane] ?? 0, height: heights[lane] ?? 0 })),
    spots,
    paths,
  };
}

/** From a card's right edge to the next one's left; over the cards between them where there are some. */
function beside(from: Spot, to: Spot): string {
  const [x0, y0] = [from.x + CARD.width, from.y + CARD.height / 2];
  const [x1, y1] = [to.x, to.y + CARD.height / 2];
  if (to.x - from.x <= STEP_X) return y0 === y1 ? `M${x0} ${y0}H${x1}` : `M${x0} ${y0}h4V${y1}H${x1}`;
  const over = Math.min(from.y, to.y) - 8;
  return `M${from.x + CARD.width / 2} ${from.y}V${over}H${x1 - 7}V${y1 - 6}H${x1}`;
}

/** Out of a card below (or above, upwards), along the gutter before the target's lane, and in at its left. */
function through(from: Spot, to: Spot): string {
  const isDown = to.y > from.y;
  const start = isDown ? from.y + CARD.height : from.y;
  const gutter = isDown ? to.y - TOP + GUTTER + 4 : from.y - TOP + GUTTER + 4;
  const before = to.x - 7;
  return `M${from.x + CARD.width / 2} ${start}V${gutter}H${before}V${to.y + CARD.height / 2}H${to.x}`;
}

/** A job with all that it came from and all that came of it. */
export function branchOf(job: string, wires: Wire[]): Set<string> {
  const found = new Set([job]);
  for (const [from, to] of [["target", "source"] as const, ["source", "target"] as const]) {
    const beyond = new Map<string, string[]>();
    for (const wire of wires) beyond.set(wire[from], [...(beyond.get(wire[from]) ?? []), wire[to]]);
    const next = [job];
    for (let one = next.pop(); one; one = next.pop()) {
      for (const other of beyond.get(one) ?? []) {
        if (found.has(other)) continue;
        found.add(other);
        next.push(other);
      }
    }
  }
  return found;
}
