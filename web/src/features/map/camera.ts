/** Where one looks from, without perspective: lengths on the screen are lengths in Å. */
import { Matrix4, Quaternion, Vector3 } from "three";

export type View = {
  turn: Quaternion; // of the camera
  target: Vector3; // Å, in the middle of the picture
  height: number; // Å from the lower to the upper edge; of a picture that is higher than wide from the left to the right
};

/** Å from the lower to the upper edge of a picture of this shape. */
export const heightIn = (view: View, wide: number, high: number) => view.height * Math.max(1, high / wide);

/** Along an axis as slices show it: across z, x is to the right and y up; across y, x and z; across x, y and z. */
const RIGHT = { x: [0, 1, 0], y: [1, 0, 0], z: [1, 0, 0] } as const;
const UP = { x: [0, 0, 1], y: [0, 0, 1], z: [0, 1, 0] } as const;

export function along(axis: "x" | "y" | "z"): Quaternion {
  return looking(new Vector3(...RIGHT[axis]), new Vector3(...UP[axis]));
}

/** Against a direction, so that it points at who looks. */
export function against(direction: readonly [number, number, number]): Quaternion {
  const towards = new Vector3(...direction).normalize();
  const aside = Math.abs(towards.y) > 0.9 ? new Vector3(1, 0, 0) : new Vector3(0, 1, 0);
  const right = aside.clone().cross(towards).normalize();
  return looking(right, towards.clone().cross(right));
}

function looking(right: Vector3, up: Vector3): Quaternion {
  return new Quaternion().setFromRotationMatrix(new Matrix4().makeBasis(right, up, right.clone().cross(up)));
}

/** Turned by a drag of so many px, a whole turn being a drag over three heights. */
export function turned(view: View, dx: number, dy: number, height: number): View {
  const angle = (2 * Math.PI) / (3 * height);
  const about = (axis: Vector3, by: number) => new Quaternion().setFromAxisAngle(axis.applyQuaternion(view.turn), by);
  const turn = about(new Vector3(0, 1, 0), -dx * angle).multiply(about(new Vector3(1, 0, 0), -dy * angle));
  return { ...view, turn: turn.multiply(view.turn.clone()).normalize() };
}

/** Moved by a drag of so many px in a picture of this size. */
export function moved(view: View, dx: number, dy: number, height: number, width: number): View {
  const scale = heightIn(view, width, height) / height;
  const by = new Vector3(-dx * scale, dy * scale, 0).applyQuaternion(view.turn);
  return { ...view, target: view.target.clone().add(by) };
}

export function zoomed(view: View, factor: number): View {
  return { ...view, height: Math.min(Math.max(view.height * factor, 1), 1e6) };
}

export function written(view: View): string {
  const { turn, target } = view;
  const round = (one: number) => Number(one.toPrecision(5));
  return [turn.x, turn.y, turn.z, turn.w, target.x, target.y, target.z, view.height].map(round).join(",");
}

export function read(text: string): View | null {
  const numbers = text.split(",").map(Number);
  if (numbers.length !== 8 || !numbers.every(Number.isFinite) || numbers[7]! <= 0) return null;
  const [a, b, c, d, x, y, z, height] = numbers as [number, number, number, number, number, number, number, number];
  return { turn: new Quaternion(a, b, c, d).normalize(), target: new Vector3(x, y, z), height };
}

/** As ChimeraX's `view matrix camera` has it: rows of what is right, up and towards who looks, and the place. */
export function matrixOf(view: View, far: number): number[] {
  const [right, up, back] = [new Vector3(1, 0, 0), new Vector3(0, 1, 0), new Vector3(0, 0, 1)].map((one) => one.applyQuaternion(view.turn));
  const place = view.target.clone().addScaledVector(back!, far);
  return (["x", "y", "z"] as const).flatMap((axis) => [right![axis], up![axis], back![axis], place[axis]]);
}

/** A round length in Å that is at most a third of a width, and how many px long it is. */
export function scaleBar(width: number, height: number, view: View): { angst: number; px: number } {
  const perPx = heightIn(view, width, height) / height;
  const aim = (width / 3) * perPx;
  const power = 10 ** Math.floor(Math.log10(aim));
  const angst = ([5, 2, 1].find((one) => one * power <= aim) ?? 1) * power;
  return { angst, px: angst / perPx };
}
