/** Surfaces of maps by surface nets: one vertex in each cell that the surface crosses, a quad for each edge that it does.

Of blocks of 8³ cells the least and the largest value are known, so that most are never looked at. No drawing, no React. */

export type Triple = readonly [number, number, number];

/** A map in a frame of one voxel that is outside of everything; x is the fast axis. A value of 0 is none. */
export type Grid = {
  codes: Uint8Array;
  size: Triple; // voxels, with the frame
  least: Uint8Array; // of each block
  largest: Uint8Array;
  blocks: Triple;
  step: Triple; // Å from voxel to voxel
  first: Triple; // Å, where the voxel (0, 0, 0) of the frame lies
};

export type Mesh = {
  positions: Float32Array; // Å
  normals: Float32Array; // towards what is less dense
  triangles: Uint32Array; // counter-clockwise, seen from outside
};

const SIDE = 8;

/** The grid in what the server sends: least and largest of blocks, then voxels.
 * @param data of the map, binned by `bin`. */
export function gridOf(data: ArrayBuffer, px: Triple, voxel: Triple, origin: Triple, bin: number): Grid {
  const size = triple((axis) => Math.ceil(px[axis] / bin) + 2);
  const blocks = triple((axis) => Math.max(1, Math.ceil((size[axis] - 1) / SIDE)));
  const count = blocks[0] * blocks[1] * blocks[2];
  const voxels = size[0] * size[1] * size[2];
  if (data.byteLength !== 2 * count + voxels) throw new Error(`${data.byteLength} bytes of a map came, not ${2 * count + voxels}`);
  const step = triple((axis) => (voxel[axis] || 1) * bin);
  return {
    codes: new Uint8Array(data, 2 * count, voxels),
    least: new Uint8Array(data, 0, count),
    largest: new Uint8Array(data, count, count),
    size,
    blocks,
    step,
    // A binned voxel lies in the middle of those of which it is the mean; the frame begins one before the first.
    first: triple((axis) => origin[axis] + ((bin - 1) / 2) * (voxel[axis] || 1) - step[axis]),
  };
}

/** The surface at a level, which may lie between two values. */
export function netsOf(grid: Grid, level: number): Mesh {
  const { codes, least, largest } = grid;
  const [nx, ny, nz] = grid.size;
  const [across, up] = grid.blocks;
  const plane = nx * ny;
  const layers = [new Int32Array(plane), new Int32Array(plane)] as const;
  let places = new Float32Array(1 << 16);
  let corners = new Uint32Array(1 << 17);
  let vertices = 0;
  let filled = 0;
  for (let z = 0; z < nz - 1; z++) {
    const now = layers[z & 1]!;
    const before = layers[(z & 1) ^ 1]!;
    for (let y = 0; y < ny - 1; y++) {
      const row = (((z / SIDE) | 0) * up + ((y / SIDE) | 0)) * across;
      for (let block = 0; block < across; block++) {
        if (least[row + block]! >= level || largest[row + block]! < level) continue;
        const from = block * SIDE;
        const to = Math.min(from + SIDE, nx - 1);
        let at = from + y * nx + z * plane;
        let a = codes[at]!;
        let c = codes[at + nx]!;
        let e = codes[at + plane]!;
        let g = codes[at + plane + nx]!;
        for (let x = from; x < to; x++, at++) {
          const b = codes[at + 1]!;
          const d = codes[at + nx + 1]!;
          const f = codes[at + plane + 1]!;
          const h = codes[at + plane + nx + 1]!;
          const inA = a >= level;
          const inB = b >= level;
          const inC = c >= level;
          const inD = d >= level;
          const inE = e >= level;
          const inF = f >= level;
          const inG = g >= level;
          const inH = h >= level;
          const some = +inA + +inB + +inC + +inD + +inE + +inF + +inG + +inH;
          if (some !== 0 && some !== 8) {
            let sx = 0;
            let sy = 0;
            let sz = 0;
            let n = 0;
            // Along x, y and z: where the line from one corner to the other meets the level.
            if (inA !== inB) (sx += (level - a) / (b - a)), n++;
            if (inC !== inD) (sx += (level - c) / (d - c)), sy++, n++;
            if (inE !== inF) (sx += (level - e) / (f - e)), sz++, n++;
            if (inG !== inH) (sx += (level - g) / (h - g)), sy++, sz++, n++;
            if (inA !== inC) (sy += (level - a) / (c - a)), n++;
            if (inB !== inD) (sy += (level - b) / (d - b)), sx++, n++;
            if (inE !== inG) (sy += (level - e) / (g - e)), sz++, n++;
            if (inF !== inH) (sy += (level - f) / (h - f)), sx++, sz++, n++;
            if (inA !== inE) (sz += (level - a) / (e - a)), n++;
            if (inB !== inF) (sz += (level - b) / (f - b)), sx++, n++;
            if (inC !== inG) (sz += (level - c) / (g - c)), sy++, n++;
            if (inD !== inH) (sz += (level - d) / (h - d)), sx++, sy++, n++;
            if (3 * vertices + 3 > places.length) places = grown(places, Float32Array);
            places[3 * vertices] = x + sx / n;
            places[3 * vertices + 1] = y + sy / n;
            places[3 * vertices + 2] = z + sz / n;
            const cell = x + y * nx;
            now[cell] = vertices++;
            if (filled + 18 > corners.length) corners = grown(corners, Uint32Array);
            // The frame is outside, so that no edge of its first voxels is crossed: the neighbours before are there.
            if (inA !== inB) {
              filled = quad(corners, filled, before[cell - nx]!, before[cell]!, now[cell]!, now[cell - nx]!, inA);
            }
            if (inA !== inC) {
              filled = quad(corners, filled, before[cell - 1]!, now[cell - 1]!, now[cell]!, before[cell]!, inA);
            }
            if (inA !== inE) {
              filled = quad(corners, filled, now[cell - nx - 1]!, now[cell - nx]!, now[cell]!, now[cell - 1]!, inA);
            }
          }
          a = b;
          c = d;
          e = f;
          g = h;
        }
      }
    }
  }
  const positions = places.slice(0, 3 * vertices);
  for (let at = 0; at < positions.length; at++) {
    const axis = at % 3;
    positions[at] = grid.first[axis]! + positions[at]! * grid.step[axis]!;
  }
  const triangles = corners.slice(0, filled);
  return { positions, triangles, normals: normalsOf(positions, triangles) };
}

export type Piece = { volume: number; triangles: number };

/** Connected pieces of a surface, with the volume that each encloses in Å³: a hole in one has a negative volume.
 * @returns the pieces, and for each vertex which it belongs to. */
export function piecesOf({ positions, triangles }: Mesh): { pieces: Piece[]; of: Int32Array } {
  const count = positions.length / 3;
  const root = new Int32Array(count);
  for (let at = 0; at < count; at++) root[at] = at;
  const find = (one: number) => {
    while (root[one] !== one) one = root[one] = root[root[one]!]!;
    return one;
  };
  for (let at = 0; at < triangles.length; at += 3) {
    const first = find(triangles[at]!);
    root[find(triangles[at + 1]!)] = first;
    root[find(triangles[at + 2]!)] = first;
  }
  const of = new Int32Array(count);
  const number = new Int32Array(count).fill(-1);
  const pieces: Piece[] = [];
  for (let at = 0; at < count; at++) {
    const one = find(at);
    if (number[one] === -1) number[one] = pieces.push({ volume: 0, triangles: 0 }) - 1;
    of[at] = number[one]!;
  }
  for (let at = 0; at < triangles.length; at += 3) {
    const [i, j, k] = [3 * triangles[at]!, 3 * triangles[at + 1]!, 3 * triangles[at + 2]!];
    const piece = pieces[of[triangles[at]!]!]!;
    piece.volume += tetrahedron(positions, i, j, k);
    piece.triangles++;
  }
  return { pieces, of };
}

/** The triangles of pieces, holes among them, that enclose at least so many Å³. */
export function withoutDust(triangles: Uint32Array, pieces: Piece[], of: Int32Array, least: number): Uint32Array {
  const kept = new Uint32Array(triangles.length);
  let filled = 0;
  for (let at = 0; at < triangles.length; at += 3) {
    if (Math.abs(pieces[of[triangles[at]!]!]!.volume) < least) continue;
    kept[filled++] = triangles[at]!;
    kept[filled++] = triangles[at + 1]!;
    kept[filled++] = triangles[at + 2]!;
  }
  return kept.slice(0, filled);
}

/** Values of a map at places in Å, between its voxels; NaN where none around has one. */
export function sampled(grid: Grid, positions: Float32Array): Float32Array {
  const [nx, ny, nz] = grid.size;
  const { codes, step, first } = grid;
  const found = new Float32Array(positions.length / 3);
  for (let one = 0; one < found.length; one++) {
    const x = (positions[3 * one]! - first[0]) / step[0];
    const y = (positions[3 * one + 1]! - first[1]) / step[1];
    const z = (positions[3 * one + 2]! - first[2]) / step[2];
    const [ix, iy, iz] = [Math.floor(x), Math.floor(y), Math.floor(z)];
    if (ix < 0 || iy < 0 || iz < 0 || ix >= nx - 1 || iy >= ny - 1 || iz >= nz - 1) {
      found[one] = NaN;
      continue;
    }
    const at = ix + nx * (iy + ny * iz);
    let sum = 0;
    let weights = 0;
    for (let corner = 0; corner < 8; corner++) {
      const [dx, dy, dz] = [corner & 1, (corner >> 1) & 1, corner >> 2];
      const code = codes[at + dx + nx * (dy + ny * dz)]!;
      if (code === 0) continue;
      const weight = (dx ? x - ix : 1 - x + ix) * (dy ? y - iy : 1 - y + iy) * (dz ? z - iz : 1 - z + iz);
      sum += weight * code;
      weights += weight;
    }
    found[one] = weights > 1e-6 ? sum / weights : NaN;
  }
  return found;
}

const AROUND = [4, 8, 13, 20, 30]; // Å: the size of what a protein is made of, whatever its pixels are

/** How much of what surrounds each vertex lies inside, 0 to 1: the eye reads depth by what is hidden from light. */
export function hidden(grid: Grid, mesh: Mesh, level: number): Float32Array {
  const [nx, ny, nz] = grid.size;
  const { codes, step, first } = grid;
  const found = new Float32Array(mesh.positions.length / 3);
  for (let one = 0; one < found.length; one++) {
    let inside = 0;
    for (const far of AROUND) {
      const x = Math.round((mesh.positions[3 * one]! - first[0]) / step[0] + (far / step[0]) * mesh.normals[3 * one]!);
      const y = Math.round((mesh.positions[3 * one + 1]! - first[1]) / step[1] + (far / step[1]) * mesh.normals[3 * one + 1]!);
      const z = Math.round((mesh.positions[3 * one + 2]! - first[2]) / step[2] + (far / step[2]) * mesh.normals[3 * one + 2]!);
      if (x < 0 || y < 0 || z < 0 || x >= nx || y >= ny || z >= nz) continue;
      if (codes[x + nx * (y + ny * z)]! >= level) inside++;
    }
    found[one] = inside / AROUND.length;
  }
  return found;
}

/** A slice of a grid, without its frame: rows go up, columns to the right, as the server draws them. */
export function sliceOf(grid: Grid, axis: 0 | 1 | 2, place: number): { codes: Uint8Array; width: number; height: number } {
  const [nx, ny] = grid.size;
  const across = axis === 0 ? 1 : 0;
  const up = axis === 2 ? 1 : 2;
  const strides = [1, nx, nx * ny] as const;
  const [width, height] = [grid.size[across] - 2, grid.size[up] - 2];
  const at = Math.min(Math.max(place, 0), grid.size[axis] - 3) + 1;
  const codes = new Uint8Array(width * height);
  for (let row = 0; row < height; row++) {
    const start = at * strides[axis] + (row + 1) * strides[up] + strides[across];
    for (let column = 0; column < width; column++) codes[row * width + column] = grid.codes[start + column * strides[across]]!;
  }
  return { codes, width, height };
}

function quad(corners: Uint32Array, at: number, a: number, b: number, c: number, d: number, isForward: boolean): number {
  corners[at] = a;
  corners[at + 1] = isForward ? b : c;
  corners[at + 2] = isForward ? c : b;
  corners[at + 3] = a;
  corners[at + 4] = isForward ? c : d;
  corners[at + 5] = isForward ? d : c;
  return at + 6;
}

function normalsOf(positions: Float32Array, triangles: Uint32Array): Float32Array {
  const normals = new Float32Array(positions.length);
  for (let at = 0; at < triangles.length; at += 3) {
    const [i, j, k] = [3 * triangles[at]!, 3 * triangles[at + 1]!, 3 * triangles[at + 2]!];
    const [ax, ay, az] = [positions[j]! - positions[i]!, positions[j + 1]! - positions[i + 1]!, positions[j + 2]! - positions[i + 2]!];
    const [bx, by, bz] = [positions[k]! - positions[i]!, positions[k + 1]! - positions[i + 1]!, positions[k + 2]! - positions[i + 2]!];
    const [x, y, z] = [ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx];
    for (const one of [i, j, k]) {
      normals[one]! += x;
      normals[one + 1]! += y;
      normals[one + 2]! += z;
    }
  }
  for (let at = 0; at < normals.length; at += 3) {
    const length = Math.hypot(normals[at]!, normals[at + 1]!, normals[at + 2]!) || 1;
    normals[at]! /= length;
    normals[at + 1]! /= length;
    normals[at + 2]! /= length;
  }
  return normals;
}

function tetrahedron(at: Float32Array, i: number, j: number, k: number): number {
  return (
    (at[i]! * (at[j + 1]! * at[k + 2]! - at[j + 2]! * at[k + 1]!) +
      at[i + 1]! * (at[j + 2]! * at[k]! - at[j]! * at[k + 2]!) +
      at[i + 2]! * (at[j]! * at[k + 1]! - at[j + 1]! * at[k]!)) /
    6
  );
}

function grown<Kind extends Float32Array | Uint32Array>(full: Kind, Made: new (length: number) => Kind): Kind {
  const made = new Made(2 * full.length);
  made.set(full);
  return made;
}

function triple(of: (axis: 0 | 1 | 2) => number): [number, number, number] {
  return [of(0), of(1), of(2)];
}
