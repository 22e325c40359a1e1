/** Where things lie on the screen. Picks count pixels of the file, y from its first row, which is drawn at the bottom. Knows no page. */

export type Size = { width: number; height: number };
/** `scale`: CSS px for a pixel of the micrograph; `x`, `y`: the pixel of the picture, from above, in the middle of the stage. */
export type View = { scale: number; x: number; y: number };
export type Point = { x: number; y: number };
export type Tile = { level: number; column: number; row: number; x: number; y: number; side: number };
export type Pyramid = Size & { levels: number; finest: number; tile_px: number };

const MOST_SCALE = 16;

/** The whole micrograph in the middle of the stage. */
export function fitted(picture: Size, stage: Size): View {
  const scale = Math.min(stage.width / picture.width, stage.height / picture.height);
  return { scale: scale > 0 ? scale : 1, x: picture.width / 2, y: picture.height / 2 };
}

/** The view with another scale, which leaves what lies below `at` (CSS px of the stage) where it is. */
export function zoomed(view: View, factor: number, at: Point, picture: Size, stage: Size): View {
  const least = fitted(picture, stage).scale / 4;
  const scale = Math.min(Math.max(view.scale * factor, least), MOST_SCALE);
  const [dx, dy] = [at.x - stage.width / 2, at.y - stage.height / 2];
  return {
    scale,
    x: view.x + dx / view.scale - dx / scale,
    y: view.y + dy / view.scale - dy / scale,
  };
}

/** A pick's place in CSS px of the stage. A pixel's coordinate is that of its middle. */
export function toStage(pick: Point, view: View, picture: Size, stage: Size): Point {
  return {
    x: (pick.x + 0.5 - view.x) * view.scale + stage.width / 2,
    y: (picture.height - pick.y - 0.5 - view.y) * view.scale + stage.height / 2,
  };
}

/** The place in px of the file that lies below a point of the stage. */
export function toFile(at: Point, view: View, picture: Size, stage: Size): Point {
  return {
    x: (at.x - stage.width / 2) / view.scale + view.x - 0.5,
    y: picture.height - 0.5 - ((at.y - stage.height / 2) / view.scale + view.y),
  };
}

export function isWithin(place: Point, picture: Size): boolean {
  return place.x >= 0 && place.y >= 0 && place.x <= picture.width && place.y <= picture.height;
}

/** The level whose pixels are nearest to the screen's, and not coarser. */
export function levelFor(picture: Pyramid, scale: number, density: number): number {
  const wanted = Math.floor(Math.log2(1 / (scale * density)) + 1e-6);
  return Math.min(Math.max(wanted, picture.finest), picture.levels - 1);
}

/** The tiles of a level that are seen, those in the middle first; `side` and places in CSS px. */
export function tilesOf(picture: Pyramid, level: number, view: View, stage: Size): Tile[] {
  const span = picture.tile_px * 2 ** level;
  const left = view.x - stage.width / 2 / view.scale;
  const top = view.y - stage.height / 2 / view.scale;
  const columns = Math.ceil(picture.width / span);
  const rows = Math.ceil(picture.height / span);
  const found: Tile[] = [];
  for (let row = Math.max(0, Math.floor(top / span)); row < Math.min(rows, (top + stage.height / view.scale) / span); row++) {
    for (
      let column = Math.max(0, Math.floor(left / span));
      column < Math.min(columns, (left + stage.width / view.scale) / span);
      column++
    ) {
      const [x, y] = [(column * span - left) * view.scale, (row * span - top) * view.scale];
      found.push({ level, column, row, x, y, side: span * view.scale });
    }
  }
  const away = (tile: Tile) => Math.hypot(tile.x + tile.side / 2 - stage.width / 2, tile.y + tile.side / 2 - stage.height / 2);
  return found.sort((one, other) => away(one) - away(other));
}

/** A round length in Å that takes about a fifth of the stage, and its words. */
export function scaleBar(angpix: number, view: View, stage: Size): { px: number; words: string } | null {
  if (!(angpix > 0)) return null;
  const aim = ((stage.width / 5) * angpix) / view.scale;
  const power = 10 ** Math.floor(Math.log10(aim));
  const length = (aim >= 5 * power ? 5 : aim >= 2 * power ? 2 : 1) * power;
  return { px: (length / angpix) * view.scale, words: lengthWords(length) };
}

/** Å up to 1,000, then nm and µm. */
export function lengthWords(angst: number): string {
  if (angst < 1000) return `${angst < 10 ? angst.toPrecision(2) : Math.round(angst)} Å`;
  return angst < 10000 ? `${Number((angst / 10).toPrecision(4))} nm` : `${Number((angst / 10000).toPrecision(3))} µm`;
}

// Viridis, of which the good end is yellow.
const RAMP = [
  [72, 36, 117], [62, 74, 137], [49, 104, 142], [38, 130, 142], [31, 158, 137], [53, 183, 121], [110, 206, 88], [181, 222, 43], [253, 231, 37],
] as const;

/** The ramp's colour of a share from 0 to 1. */
export function rampColour(share: number): string {
  const at = Math.min(Math.max(share, 0), 1) * (RAMP.length - 1);
  const one = RAMP[Math.floor(at)] ?? RAMP[0];
  const next = RAMP[Math.min(Math.floor(at) + 1, RAMP.length - 1)] ?? one;
  return `rgb(${one.map((value, channel) => Math.round(value + ((next[channel] ?? value) - value) * (at % 1))).join(" ")})`;
}
