/** What is drawn on a micrograph: picks, filaments, the brush, a distance, the scale bar. */
import { lengthWords, rampColour, scaleBar, toStage, type Point, type Size, type View } from "./geometry";
import type { Pick } from "./picks";

const ON_IMAGE = "#ffb000";
const LOW = "#6ec5ff";
const LEAST_RADIUS = 4;
const FONT = "12px system-ui, sans-serif";

export type Colouring = { column: string; low: number; high: number } | null;
export type Threshold = { column: string; above: number } | null;
export type Overlay = {
  picks: readonly Pick[];
  radius: number; // px of the micrograph
  colouring: Colouring;
  threshold: Threshold;
  areEnds: boolean;
  started: Point | null; // the first end of a filament
  lit: number | null; // the pick below the pointer
  dragged: { key: number; to: Point } | null;
  brush: { at: Point; radius: number } | null; // CSS px of the stage
  ruler: { from: Point; to: Point } | null; // px of the file
  cross: boolean; // where the keyboard acts
  angpix: number;
};

/** Whether a threshold keeps a pick: without a value nothing is kept. */
export function isKept(pick: Pick, threshold: Threshold): boolean {
  if (!threshold) return true;
  const value = pick.values[threshold.column];
  return typeof value === "number" && value >= threshold.above;
}

export function drawOverlay(pen: CanvasRenderingContext2D, over: Overlay, view: View, picture: Size, stage: Size): void {
  const place = (one: Point) => toStage(one, view, picture, stage);
  const radius = Math.max(over.radius * view.scale, LEAST_RADIUS);
  pen.lineWidth = radius > 12 ? 2 : 1.5;
  const drawn = over.picks.map((pick) => (over.dragged?.key === pick.key ? { ...pick, ...over.dragged.to } : pick));
  if (over.areEnds) {
    pen.strokeStyle = ON_IMAGE;
    for (let index = 0; index + 1 < drawn.length; index += 2) {
      const [from, to] = [drawn[index], drawn[index + 1]];
      if (from && to) line(pen, place(from), place(to));
    }
  }
  for (const pick of drawn) {
    const at = place(pick);
    if (at.x < -radius || at.y < -radius || at.x > stage.width + radius || at.y > stage.height + radius) continue;
    const kept = isKept(pick, over.threshold);
    pen.setLineDash(kept ? [] : [5, 4]);
    const colour = colourOf(pick, over.colouring);
    if (colour) {
      // The ramp's dark end would be lost on dark grey.
      pen.strokeStyle = "#fff";
      pen.lineWidth += 1.5;
      circle(pen, at, radius);
      pen.lineWidth -= 1.5;
    }
    pen.strokeStyle = colour ?? (kept ? ON_IMAGE : LOW);
    circle(pen, at, radius);
    if (pick.key === over.lit) {
      pen.setLineDash([]);
      circle(pen, at, radius + 3);
    }
  }
  pen.setLineDash([]);
  pen.strokeStyle = ON_IMAGE;
  if (over.started) circle(pen, place(over.started), radius);
  if (over.brush) {
    pen.setLineDash([4, 3]);
    pen.strokeStyle = "#fff";
    circle(pen, over.brush.at, over.brush.radius);
    pen.setLineDash([]);
  }
  if (over.cross) {
    const [x, y] = [stage.width / 2, stage.height / 2];
    pen.strokeStyle = "#fff";
    line(pen, { x: x - 12, y }, { x: x + 12, y });
    line(pen, { x, y: y - 12 }, { x, y: y + 12 });
  }
  if (over.ruler) {
    const [from, to] = [place(over.ruler.from), place(over.ruler.to)];
    pen.strokeStyle = "#fff";
    line(pen, from, to);
    words(pen, distanceWords(over.ruler, over.angpix), (from.x + to.x) / 2, (from.y + to.y) / 2 - 8, "center");
  }
  const bar = scaleBar(over.angpix, view, stage);
  if (bar) {
    const [x, y] = [18, stage.height - 22];
    pen.fillStyle = "#000";
    pen.fillRect(x - 1, y - 1, bar.px + 2, 6);
    pen.fillStyle = "#fff";
    pen.fillRect(x, y, bar.px, 4);
    words(pen, bar.words, x + bar.px / 2, y - 6, "center");
  }
}

/** How far it is from one end of a ruler to the other. */
export function distanceWords({ from, to }: { from: Point; to: Point }, angpix: number): string {
  const px = Math.hypot(from.x - to.x, from.y - to.y);
  return angpix > 0 ? lengthWords(px * angpix) : `${px.toFixed(1)} px`;
}

function colourOf(pick: Pick, colouring: Colouring): string | null {
  if (!colouring) return null;
  const value = pick.values[colouring.column];
  if (typeof value !== "number" || colouring.high <= colouring.low) return null;
  return rampColour((value - colouring.low) / (colouring.high - colouring.low));
}

function circle(pen: CanvasRenderingContext2D, at: Point, radius: number): void {
  pen.beginPath();
  pen.arc(at.x, at.y, radius, 0, 2 * Math.PI);
  pen.stroke();
}

function line(pen: CanvasRenderingContext2D, from: Point, to: Point): void {
  pen.beginPath();
  pen.moveTo(from.x, from.y);
  pen.lineTo(to.x, to.y);
  pen.stroke();
}

function words(pen: CanvasRenderingContext2D, text: string, x: number, y: number, align: CanvasTextAlign): void {
  pen.font = FONT;
  pen.textAlign = align;
  pen.lineWidth = 3;
  pen.strokeStyle = "#000";
  pen.strokeText(text, x, y);
  pen.fillStyle = "#fff";
  pen.fillText(text, x, y);
  pen.lineWidth = 1.5;
}
