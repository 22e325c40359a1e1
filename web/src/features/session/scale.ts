/** Axes of the session's charts. Knows no server and no React. */

export type Scale = { to: (value: number) => number; from: (px: number) => number; low: number; high: number };

export function linear(low: number, high: number, from: number, to: number): Scale {
  const span = high - low || 1;
  return {
    low,
    high,
    to: (value) => from + ((Math.min(Math.max(value, low), high) - low) / span) * (to - from),
    from: (px) => low + ((px - from) / (to - from)) * span,
  };
}

/** From the least to the largest value, the limits among them, with a little room. */
export function domain(values: number[], limits: (number | null)[]): [number, number] {
  const all = [...values, ...limits.filter((one) => one !== null)];
  const [low, high] = [Math.min(...all), Math.max(...all)];
  if (!Number.isFinite(low)) return [0, 1];
  const room = high > low ? (high - low) * 0.08 : Math.abs(low) * 0.2 || 1;
  return [low >= 0 ? Math.max(0, low - room) : low - room, high + room];
}

const STEPS_S = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400];

/** Round times of the day along an axis: seconds of the epoch, each with its words. */
export function times(low: number, high: number, about: number): { at: number; word: string }[] {
  const step = STEPS_S.find((one) => (high - low) / one <= about) ?? 86_400 * Math.ceil((high - low) / 86_400 / about);
  const offset = new Date(low * 1000).getTimezoneOffset() * 60;
  const found = [];
  for (let at = Math.ceil((low - offset) / step) * step + offset; at <= high; at += step) {
    found.push({ at, word: clock(at, step) });
  }
  return found;
}

/** The time of the day; the day too where more than one is told. */
export function clock(at: number, step = 60): string {
  const date = new Date(at * 1000);
  if (step >= 86_400) return date.toLocaleDateString("en-GB", { day: "numeric", month: "short" });
  const two = (value: number) => String(value).padStart(2, "0");
  const words = `${date.getHours()}:${two(date.getMinutes())}`;
  return step < 60 ? `${words}:${two(date.getSeconds())}` : words;
}

/** A span of time in the unit in which it is short. */
export function span(seconds: number): { value: string; unit: string } {
  if (seconds < 90) return { value: seconds.toFixed(0), unit: "s" };
  if (seconds < 5400) return { value: (seconds / 60).toFixed(1), unit: "min" };
  if (seconds < 172_800) return { value: (seconds / 3600).toFixed(1), unit: "h" };
  return { value: (seconds / 86_400).toFixed(1), unit: "d" };
}

/** Three digits that mean something. */
export function short(value: number): string {
  const size = Math.abs(value);
  if (size >= 100) return Math.round(value).toLocaleString("en");
  return String(Number(value.toPrecision(3)));
}
