/** Tiles as they come from the server: kept while they may be wanted again, the coarse ones shown until the fine ones are there. */
import { addressOf } from "../../api/client";
import { levelFor, tilesOf, type Pyramid, type Size, type Tile, type View } from "./geometry";

const MOST_KEPT = 600; // some 150 MB as the browser holds them
const SHARP_FROM = 2; // CSS px for a pixel: from here on pixels are squares

export type Look = { contrast: number; invert: boolean };
export type Picture = Pyramid & { name: string; angpix: number };

export class Tiles {
  private kept = new Map<string, HTMLImageElement>();

  /** `changed`: a tile has come; `gone`: the server has forgotten the picture. */
  constructor(
    private readonly changed: () => void,
    private readonly gone: () => void,
  ) {}

  /** Draw what there is, ask for what is missing; says whether there is anything, and whether all that is seen is sharp. */
  draw(
    pen: CanvasRenderingContext2D,
    picture: Picture,
    look: Look,
    view: View,
    stage: Size,
    density: number,
  ): { isShown: boolean; isSharp: boolean } {
    let painted = 0;
    const best = levelFor(picture, view.scale, density);
    const fine = tilesOf(picture, best, view, stage);
    // All are asked for at once, before one is found missing.
    const asked = fine.map((tile) => this.ask(picture, look, tile));
    const isSharp = asked.every((image) => this.isThere(image));
    pen.imageSmoothingEnabled = view.scale < SHARP_FROM || best > 0;
    if (!isSharp) {
      // First the whole of it, so that there is no hole; then whatever finer level is there by now.
      for (const tile of tilesOf(picture, picture.levels - 1, view, stage)) this.ask(picture, look, tile);
      for (let level = picture.levels - 1; level > best; level--) {
        for (const tile of tilesOf(picture, level, view, stage)) painted += this.paint(pen, picture, look, tile);
      }
    }
    for (const tile of fine) painted += this.paint(pen, picture, look, tile);
    return { isShown: painted > 0, isSharp };
  }

  /** Have the tiles of another micrograph at hand before one goes there. */
  prefetch(picture: Picture, look: Look, view: View, stage: Size, density: number): void {
    for (const tile of tilesOf(picture, levelFor(picture, view.scale, density), view, stage)) this.ask(picture, look, tile);
  }

  private ask(picture: Picture, look: Look, tile: Tile): HTMLImageElement {
    const address = addressFor(picture, look, tile);
    const known = this.kept.get(address);
    if (known) {
      this.kept.delete(address);
      this.kept.set(address, known);
      return known;
    }
    const made = new Image();
    made.onload = this.changed;
    made.onerror = () => {
      this.kept.delete(address);
      this.gone();
    };
    made.src = address;
    this.kept.set(address, made);
    for (const oldest of this.kept.keys()) {
      if (this.kept.size <= MOST_KEPT) break;
      this.kept.delete(oldest);
    }
    return made;
  }

  private isThere(image: HTMLImageElement): boolean {
    return image.complete && image.naturalWidth > 0;
  }

  private paint(pen: CanvasRenderingContext2D, picture: Picture, look: Look, tile: Tile): number {
    const image = this.kept.get(addressFor(picture, look, tile));
    if (!image || !this.isThere(image)) return 0;
    const each = tile.side / picture.tile_px;
    pen.drawImage(image, tile.x, tile.y, image.naturalWidth * each, image.naturalHeight * each);
    return 1;
  }
}

function addressFor(picture: Picture, look: Look, tile: Tile): string {
  const query = new URLSearchParams({ contrast: String(look.contrast), invert: String(look.invert) });
  return addressOf(`tiles/${picture.name}/${tile.level}/${tile.column}/${tile.row}.png?${query}`);
}
