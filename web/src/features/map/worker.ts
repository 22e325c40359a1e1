/** Beside the page: fetches a map's voxels, and makes surfaces and slices of them while the page stays free. */
import { gridOf, hidden, netsOf, piecesOf, sampled, sliceOf, withoutDust, type Grid, type Triple } from "./nets";

/** Where voxels are, and how they lie. */
export type Part = { url: string; px: Triple; voxel: Triple; origin: Triple; bin: number };

export type Asked =
  | { do: "load"; part: Part }
  | { do: "colour"; part: Part | null }
  | { do: "surface"; level: number; dust: number; isQuick: boolean }
  | { do: "slice"; axis: 0 | 1 | 2; place: number }; // place: px of the whole map

export type Surface = {
  positions: Float32Array;
  normals: Float32Array;
  triangles: Uint32Array;
  hidden: Float32Array; // 0 to 1, of each vertex
  values: Float32Array | null; // of the map that colours it, in its bytes
  share: number; // of what the surface encloses is shown: without dust
  pieces: number; // that are shown
  bin: number;
  ms: number; // that it took
};

export type Slice = { codes: Uint8Array; width: number; height: number; bin: number };
export type Answer = { id: number; answer?: Surface | Slice | null; wrong?: string };

const grids = new Map<number, Grid>(); // by binning
let colouring: Grid | null = null;

onmessage = async ({ data }: MessageEvent<{ id: number; asked: Asked }>) => {
  try {
    const [answer, owned] = await answerTo(data.asked);
    postMessage({ id: data.id, answer } satisfies Answer, { transfer: owned });
  } catch (error) {
    postMessage({ id: data.id, wrong: error instanceof Error ? error.message : String(error) } satisfies Answer);
  }
};

async function answerTo(asked: Asked): Promise<[Answer["answer"], Transferable[]]> {
  switch (asked.do) {
    case "load":
      grids.set(asked.part.bin, await loaded(asked.part));
      return [null, []];
    case "colour":
      colouring = asked.part && (await loaded(asked.part));
      return [null, []];
    case "surface": {
      const made = surface(asked.level, asked.dust, asked.isQuick);
      const parts = [made.positions, made.normals, made.triangles, made.hidden, ...(made.values ? [made.values] : [])];
      return [made, parts.map((one) => one.buffer as ArrayBuffer)];
    }
    case "slice": {
      const bin = Math.max(1, Math.min(...grids.keys()));
      const made = { ...sliceOf(grids.get(bin)!, asked.axis, Math.floor(asked.place / bin)), bin };
      return [made, [made.codes.buffer as ArrayBuffer]];
    }
  }
}

async function loaded({ url, px, voxel, origin, bin }: Part): Promise<Grid> {
  const answer = await fetch(url);
  if (!answer.ok) {
    const said = (await answer.json().catch(() => null)) as { error?: { text?: string } } | null;
    throw new Error(said?.error?.text || `the server answers ${answer.status}`);
  }
  return gridOf(await answer.arrayBuffer(), px, voxel, origin, bin);
}

function surface(level: number, dust: number, isQuick: boolean): Surface {
  const began = performance.now();
  const bin = isQuick ? Math.max(...grids.keys()) : Math.min(...grids.keys());
  const grid = grids.get(bin)!;
  const mesh = netsOf(grid, level);
  const { pieces, of } = piecesOf(mesh);
  const shown = pieces.filter((one) => Math.abs(one.volume) >= dust);
  const sum = (of: typeof pieces) => of.reduce((before, one) => before + one.volume, 0);
  const triangles = dust > 0 ? withoutDust(mesh.triangles, pieces, of, dust) : mesh.triangles;
  return {
    positions: mesh.positions,
    normals: mesh.normals,
    triangles,
    hidden: hidden(grid, mesh, level),
    values: colouring && sampled(colouring, mesh.positions),
    share: dust > 0 && sum(pieces) > 0 ? sum(shown) / sum(pieces) : 1,
    pieces: shown.filter((one) => one.volume > 0).length,
    bin,
    ms: performance.now() - began,
  };
}
