/** The level on the histogram of a map's values, and what it encloses. */
import { useState, type PointerEvent } from "react";

import { enclosedBy, hasPixelSize, levelOf, type Facts } from "./asking";
import type { Drawn } from "./surface";

const [WIDE, HIGH] = [260, 62];
const BARS = 87; // of 254 values three make a bar

export function LevelOf(props: {
  project: string;
  facts: Facts;
  level: number;
  setLevel: (level: number | null) => void;
  drawn: Drawn | undefined;
  dust: number;
  setDust: (dust: number) => void;
  failed: (error: Error) => void;
}) {
  const { project, facts, level, setLevel, drawn, dust, setDust, failed } = props;
  const [inSigma, setSigma] = useState(false);
  const [weight, setWeight] = useState("");
  const { mean, deviation } = facts.values;
  const isInSigma = inSigma && deviation > 0;
  const shown = isInSigma ? (level - mean) / deviation : level;
  const step = (facts.high - facts.low) / 254;
  const place = (level - facts.low) / (facts.high - facts.low);

  async function ofWeight() {
    const kda = Number(weight);
    if (!(kda > 0)) return;
    try {
      setLevel(await levelOf(project, facts.map, kda));
    } catch (error) {
      failed(error as Error);
    }
  }

  return (
    <section>
      <div className="row">
        <h2 className="label grow">Level</h2>
        <input
          className="input num map-number map-wide"
          type="number"
          aria-label="Level"
          step={isInSigma ? 0.1 : Number(step.toPrecision(1))}
          value={Number(shown.toPrecision(4))}
          onChange={(event) => {
            const value = Number(event.target.value);
            if (event.target.value !== "" && Number.isFinite(value)) setLevel(isInSigma ? mean + value * deviation : value);
          }}
        />
        <div className="seg" role="group" aria-label="Unit of the level">
          <button className="btn-quiet" aria-pressed={!isInSigma} onClick={() => setSigma(false)}>
            abs
          </button>
          <button className="btn-quiet" aria-pressed={isInSigma} onClick={() => setSigma(true)} disabled={!(deviation > 0)}>
            σ
          </button>
        </div>
      </div>
      <Histogram facts={facts} split={place} label="Voxels by density, logarithmic" from={facts.low} to={facts.high} title="density" isLog pull={setLevel} />
      <input
        className="map-slide"
        type="range"
        aria-label="Level on the histogram"
        min={facts.low}
        max={facts.high}
        step={step / 4}
        value={level}
        onChange={(event) => setLevel(Number(event.target.value))}
      />
      <p className="muted map-small" data-says="enclosed">
        {encloses(facts, level, drawn)}
      </p>
      <div className="row map-small">
        <label className="row">
          of
          <input
            className="input num map-number"
            type="number"
            min={0}
            aria-label="Weight that the level is to enclose, kDa"
            value={weight}
            onChange={(event) => setWeight(event.target.value)}
            onKeyDown={(event) => event.key === "Enter" && void ofWeight()}
          />
          <span className="unit">kDa</span>
        </label>
        <button className="btn" disabled={!(Number(weight) > 0) || !hasPixelSize(facts)} title={hasPixelSize(facts) ? undefined : "Its header says no pixel size"} onClick={() => void ofWeight()}>
          Take it
        </button>
        <span className="grow" />
        <button className="btn btn-quiet" onClick={() => setLevel(null)}>
          Propose
        </button>
      </div>
      <label className="row map-small">
        <input type="checkbox" checked={dust > 0} onChange={(event) => setDust(event.target.checked ? 1 : 0)} />
        Hide dust: pieces below
        <input className="input num map-number" type="number" min={0} step={0.1} aria-label="Largest dust, nm³" value={dust || 1} disabled={!dust} onChange={(event) => setDust(Math.max(0, Number(event.target.value)))} />
        <span className="unit">nm³</span>
      </label>
    </section>
  );
}

function encloses(facts: Facts, level: number, drawn: Drawn | undefined): string {
  const many = !drawn ? "" : drawn.pieces === 1 ? " in one piece" : ` in ${drawn.pieces} pieces`;
  if (!hasPixelSize(facts)) return `Without a pixel size no volume is known${many && `; what is enclosed lies${many}`}.`;
  const volume = (drawn?.share ?? 1) * enclosedBy(facts, level);
  const nm3 = volume / 1000;
  const kda = (volume * facts.da_per_a3) / 1000;
  return `Encloses ${nm3 < 10 ? nm3.toFixed(2) : nm3.toFixed(nm3 < 100 ? 1 : 0)} nm³${many}; as protein ${kda.toFixed(kda < 10 ? 1 : 0)} kDa.${drawn ? " Wheel over the map moves the level." : ""}`;
}

/** Values of a map; what lies above `split` is coloured. */
export function Histogram(props: { facts: Facts; split: number; label: string; from: number; to: number; title: string; isLog: boolean; pull?: (value: number) => void }) {
  const { facts, split, label, from, to, title, isLog, pull } = props;
  const [first, last] = [from, to].map((one) => ((one - facts.low) / (facts.high - facts.low)) * 254) as [number, number];
  const span = (last - first) / BARS;
  const bars = Array.from({ length: BARS }, (_, bar) => {
    const [begin, end] = [Math.round(first + bar * span), Math.max(Math.round(first + (bar + 1) * span), Math.round(first + bar * span) + (span < 1 ? 1 : 0))];
    let sum = 0;
    for (let at = begin; at < end; at++) sum += facts.counts[at] ?? 0;
    return sum;
  });
  const height = (count: number) => (isLog ? Math.log1p(count) : count);
  const most = Math.max(...bars.map(height), 1e-9);
  const wide = WIDE / BARS;
  const at = Math.min(Math.max(split, 0), 1) * WIDE;
  function onPoint(event: PointerEvent<SVGSVGElement>) {
    if (!pull || event.buttons !== 1) return;
    event.currentTarget.setPointerCapture(event.pointerId);
    const box = event.currentTarget.getBoundingClientRect();
    pull(from + Math.min(Math.max((event.clientX - box.left) / box.width, 0), 1) * (to - from));
  }
  return (
    <svg
      className={pull ? "chart map-pulled" : "chart"}
      viewBox={`0 0 ${WIDE} ${HIGH + 30}`}
      role="img"
      aria-label={label}
      onPointerDown={onPoint}
      onPointerMove={onPoint}
    >
      {bars.map((count, bar) => (
        <rect key={bar} className={(bar + 0.5) * wide >= at ? "f1" : "f0"} x={bar * wide} width={wide + 0.1} y={HIGH - (HIGH - 8) * (height(count) / most)} height={(HIGH - 8) * (height(count) / most)} />
      ))}
      <path className="axis" d={`M0 ${HIGH + 0.5}H${WIDE}`} />
      {ticks(from, to).map((one) => (
        <text key={one} x={((one - from) / (to - from)) * WIDE} y={HIGH + 14} textAnchor="middle">
          {one}
        </text>
      ))}
      <text className="title" x={WIDE} y={HIGH + 27} textAnchor="end">
        {title}
      </text>
      {split >= 0 && split <= 1 && (
        <>
          <path className="limit" d={`M${at} 4V${HIGH}`} />
          <circle className="handle" cx={at} cy={6} r={4} />
        </>
      )}
    </svg>
  );
}

function ticks(from: number, to: number): number[] {
  const power = 10 ** Math.floor(Math.log10((to - from) / 3));
  const step = [1, 2, 5, 10].map((one) => one * power).find((one) => (to - from) / one <= 6) ?? 10 * power;
  const found = [];
  // A label at the very edge would stand over it.
  for (let one = Math.ceil(from / step) * step; one <= to; one += step) {
    const place = (one - from) / (to - from);
    if (place > 0.04 && place < 0.96) found.push(Number(one.toPrecision(6)));
  }
  return found;
}
