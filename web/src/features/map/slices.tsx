/** Slices across z, y and x: drawn here of what the worker has, or as the server's pictures where there is none. */
import { useEffect, useRef, useState, type PointerEvent } from "react";

import { codeOf, hasPixelSize, slicePicture, stepOf, type Facts } from "./asking";
import type { Mesher, Slice } from "./mesher";

export const AXES = ["z", "y", "x"] as const;
const NUMBER = { x: 0, y: 1, z: 2 } as const;
const ACROSS = { z: ["x", "y"], y: ["x", "z"], x: ["y", "z"] } as const;

export function Slices(props: {
  project: string;
  facts: Facts;
  mesher: Mesher | null;
  stage: number; // what was loaded last
  places: [number, number, number];
  setPlaces: (places: [number, number, number]) => void;
  grey: [number, number];
  level: number | null; // whose outline is drawn
}) {
  const { project, facts, mesher, places, setPlaces } = props;
  const size = facts.placement.size;
  const go = (axis: "x" | "y" | "z", place: number) => {
    const next = [...places] as [number, number, number];
    next[NUMBER[axis]] = Math.min(Math.max(Math.round(place), 0), size[NUMBER[axis]] - 1);
    setPlaces(next);
  };
  return (
    <section className="slices map-slices" aria-label="Slices">
      {AXES.map((axis) => {
        const at = places[NUMBER[axis]];
        const [across, up] = ACROSS[axis];
        const words = `${axis} ${at} of ${size[NUMBER[axis]]}`;
        // A click on a slice is a place in the two others.
        const onPlace = (right: number, high: number) => {
          const next = [...places] as [number, number, number];
          next[NUMBER[across]] = Math.floor(right * size[NUMBER[across]]);
          next[NUMBER[up]] = Math.floor(high * size[NUMBER[up]]);
          setPlaces(next.map((one, index) => Math.min(Math.max(one, 0), size[index]! - 1)) as [number, number, number]);
        };
        const cross: [number, number] = [(places[NUMBER[across]] + 0.5) / size[NUMBER[across]], (places[NUMBER[up]] + 0.5) / size[NUMBER[up]]];
        return (
          <figure key={axis} data-axis={axis} onWheel={(event) => go(axis, at + Math.sign(event.deltaY))}>
            {mesher ? (
              <Drawn {...props} axis={axis} place={at} words={words} cross={cross} onPlace={onPlace} />
            ) : (
              <img src={slicePicture(project, facts, axis, at, props.grey, props.level)} alt={`Slice at ${words}`} />
            )}
            <figcaption>
              <span>{words}</span>
              <input type="range" aria-label={`Slice in ${axis}`} min={0} max={size[NUMBER[axis]] - 1} value={at} onChange={(event) => go(axis, Number(event.target.value))} />
              <span>{hasPixelSize(facts) ? `${(at * stepOf(facts, NUMBER[axis]) + facts.placement.origin[NUMBER[axis]]).toFixed(0)} Å` : "px"}</span>
            </figcaption>
          </figure>
        );
      })}
    </section>
  );
}

function Drawn(props: {
  facts: Facts;
  mesher: Mesher | null;
  stage: number;
  axis: "x" | "y" | "z";
  place: number;
  words: string;
  grey: [number, number];
  level: number | null;
  cross: [number, number];
  onPlace: (right: number, high: number) => void;
}) {
  const { facts, mesher, stage, axis, place, words, grey, level, cross, onPlace } = props;
  const canvas = useRef<HTMLCanvasElement>(null);
  const [slice, setSlice] = useState<Slice | null>(null);
  useEffect(() => {
    let isOver = false;
    void mesher?.slice(NUMBER[axis], place).then((one) => !isOver && setSlice(one)).catch(() => undefined);
    return () => {
      isOver = true;
    };
  }, [mesher, stage, axis, place]);
  useEffect(() => {
    if (slice && canvas.current) paint(canvas.current, slice, facts, grey, level);
  }, [slice, facts, grey[0], grey[1], level]);

  function onPoint(event: PointerEvent<HTMLCanvasElement>) {
    if (event.buttons !== 1) return;
    const box = event.currentTarget.getBoundingClientRect();
    onPlace((event.clientX - box.left) / box.width, 1 - (event.clientY - box.top) / box.height);
  }

  const size = facts.placement.size;
  const [across, up] = ACROSS[axis].map((one) => size[NUMBER[one]] * stepOf(facts, NUMBER[one])) as [number, number];
  return (
    <div className="map-slice" style={{ aspectRatio: `${across} / ${up}` }}>
      <canvas ref={canvas} role="img" aria-label={`Slice at ${words}`} data-place={slice ? place : ""} onPointerDown={onPoint} onPointerMove={onPoint} />
      <i className="map-line" style={{ left: `${100 * cross[0]}%` }} />
      <i className="map-line map-flat" style={{ bottom: `${100 * cross[1]}%` }} />
    </div>
  );
}

/** Greys between two values, and the outline of what a level encloses in amber; the first row lies lowest. */
function paint(canvas: HTMLCanvasElement, { codes, width, height }: Slice, facts: Facts, grey: [number, number], level: number | null) {
  const small = document.createElement("canvas");
  [small.width, small.height] = [width, height];
  const image = small.getContext("2d")!.createImageData(width, height);
  const [black, white] = [codeOf(facts, grey[0]), codeOf(facts, grey[1])];
  const scale = 255 / Math.max(white - black, 1e-6);
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const out = 4 * ((height - 1 - row) * width + column);
      image.data[out] = image.data[out + 1] = image.data[out + 2] = (codes[row * width + column]! - black) * scale;
      image.data[out + 3] = 255;
    }
  }
  small.getContext("2d")!.putImageData(image, 0, 0);
  const [wide, high] = [Math.max(1, Math.round(canvas.clientWidth * devicePixelRatio)), Math.max(1, Math.round(canvas.clientHeight * devicePixelRatio))];
  [canvas.width, canvas.height] = [wide, high];
  const pen = canvas.getContext("2d")!;
  pen.drawImage(small, 0, 0, wide, high);
  if (level === null) return;
  pen.strokeStyle = "#ffb000";
  pen.lineWidth = 1.25 * devicePixelRatio;
  pen.beginPath();
  const edge = codeOf(facts, level);
  const x = (column: number) => ((column + 0.5) / width) * wide;
  const y = (row: number) => high - ((row + 0.5) / height) * high;
  for (let row = 0; row < height - 1; row++) {
    for (let column = 0; column < width - 1; column++) {
      const at = row * width + column;
      const [a, b, c, d] = [codes[at]!, codes[at + 1]!, codes[at + width + 1]!, codes[at + width]!];
      const kind = +(a >= edge) | (+(b >= edge) << 1) | (+(c >= edge) << 2) | (+(d >= edge) << 3);
      if (kind === 0 || kind === 15) continue;
      // Where the level crosses the sides of the square between four voxels, in the order in which they lie around it.
      const crossed: [number, number][] = [];
      if (kind & 1 ? !(kind & 2) : kind & 2) crossed.push([column + (edge - a) / (b - a), row]);
      if (kind & 2 ? !(kind & 4) : kind & 4) crossed.push([column + 1, row + (edge - b) / (c - b)]);
      if (kind & 4 ? !(kind & 8) : kind & 8) crossed.push([column + (edge - d) / (c - d), row + 1]);
      if (kind & 8 ? !(kind & 1) : kind & 1) crossed.push([column, row + (edge - a) / (d - a)]);
      for (let end = 0; end + 1 < crossed.length; end += 2) {
        pen.moveTo(x(crossed[end]![0]), y(crossed[end]![1]));
        pen.lineTo(x(crossed[end + 1]![0]), y(crossed[end + 1]![1]));
      }
    }
  }
  pen.stroke();
}
