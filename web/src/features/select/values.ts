/** Values as they are read: as many digits as mean something, a dash for none. */
import type { SetOf } from "./asking";

type Value = string | number | boolean | null | undefined;

export function shown(set: SetOf, column: string, value: Value): string {
  if (value === null || value === undefined) return "–";
  if (typeof value === "number") return set.columns.find((one) => one.name === column)?.is_whole ? String(value) : digits(value);
  const text = String(value);
  // Of a file its name says most; the whole stands in the table's tooltip.
  return set.columns.find((one) => one.name === column)?.is_number ? text : (text.split("/").at(-1) ?? text);
}

/** Numbers of a column, one below the other: decimals by their size. */
function digits(value: number): string {
  const size = Math.abs(value);
  if (size && size < 0.001) return value.toExponential(1);
  return value.toFixed(size < 10 ? 3 : size < 100 ? 2 : size < 10_000 ? 1 : 0);
}

/** A number by itself. */
export function number(value: number): string {
  if (Number.isInteger(value)) return String(value);
  const size = Math.abs(value);
  if (size >= 10_000) return value.toFixed(0);
  return size < 0.001 ? value.toExponential(1) : String(Number(value.toPrecision(4)));
}

/** `7,412` items. */
export function counted(value: number): string {
  return value.toLocaleString("en");
}

/** A label without its program's letters: `rlnDefocusU` is DefocusU in a head, whose tooltip has it whole. */
export function head(name: string): string {
  return name.replace(/^(rln|cryoloom)(?=[A-Z])/, "");
}

/** Round values along an axis. */
export function ticks(low: number, high: number, about: number): number[] {
  const span = high - low;
  if (!(span > 0)) return [low];
  const rough = span / about;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((one) => one * power).find((one) => one >= rough) ?? power;
  const found: number[] = [];
  for (let at = Math.ceil(low / step) * step; at <= high + step * 1e-9; at += step) found.push(Number(at.toPrecision(12)));
  return found;
}
