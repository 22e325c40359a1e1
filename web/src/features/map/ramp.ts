/** The scale of colours of measured values, viridis with its good end yellow, and colours as numbers. */

const STEPS = ["#fde725", "#b5de2b", "#6ece58", "#35b779", "#1f9e89", "#26828e", "#31688e", "#3e4a89", "#482878"].map(rgb);
export const NO_VALUE = rgb("#8a8d91");

export type Rgb = readonly [number, number, number]; // 0 to 1, sRGB

export function rgb(hex: string): Rgb {
  const at = (place: number) => parseInt(hex.slice(place, place + 2), 16) / 255;
  return [at(1), at(3), at(5)];
}

/** A place on the scale, 0 (good) to 1. */
export function onRamp(place: number): Rgb {
  if (Number.isNaN(place)) return NO_VALUE;
  const at = Math.min(Math.max(place, 0), 1) * (STEPS.length - 1);
  const below = STEPS[Math.floor(at)]!;
  const above = STEPS[Math.ceil(at)]!;
  const part = at - Math.floor(at);
  return [below[0] + part * (above[0] - below[0]), below[1] + part * (above[1] - below[1]), below[2] + part * (above[2] - below[2])];
}
