/** Beside the picture: which maps, by what they are coloured, what else is drawn. */
import { useId } from "react";

import { Icon } from "../../icon";
import { digits, folder } from "../../units";
import { namedOf, useAllMaps, wordOf, type Facts, type MapLine, type Named, type Orientations, type PointGroup } from "./asking";
import { Histogram } from "./level";
import { COLOURS, MOST_LAYERS, type ClipBy, type Layer, type Look } from "./look";
import type { Drawn } from "./surface";

type Change = (by: (before: Look) => Partial<Look>) => void;

export function Layers(props: {
  project: string;
  own: MapLine[]; // of the job, iterations too
  layers: Layer[];
  active: number;
  titles: string[];
  levels: number[];
  drawn: ReadonlyMap<string, Drawn>;
  change: Change;
}) {
  const { project, own, layers, active, titles, levels, drawn, change } = props;
  const all = useAllMaps(project, true);
  const id = useId();
  const set = (at: number, with_: Partial<Layer>) =>
    change(() => ({ layers: layers.map((one, index) => (index === at ? { ...one, ...with_ } : one)) }));
  const add = (one: Named) =>
    change(() => ({ layers: [...layers, { ...one, level: null, opacity: 1, isHidden: false }], active: layers.length, places: null, grey: null }));
  const here = own.filter((one) => one.iteration !== null);
  return (
    <section>
      <h2 className="label">Maps</h2>
      <ul aria-label="Maps that are shown">
        {layers.map((one, at) => (
          <li key={wordOf(one)} className={at === active ? "layer map-active" : "layer"} data-layer={wordOf(one)} data-triangles={drawn.get(wordOf(one))?.triangles ?? ""} data-whole={drawn.get(wordOf(one))?.isWhole ?? false} data-ms={drawn.get(wordOf(one))?.ms.toFixed(1) ?? ""}>
            <button className="btn btn-quiet btn-icon" aria-pressed={!one.isHidden} title={one.isHidden ? "Show" : "Hide"} aria-label={`Show ${titles[at]}`} onClick={() => set(at, { isHidden: !one.isHidden })}>
              <Icon name={one.isHidden ? "close" : "eye"} />
            </button>
            <button className="map-name cut" aria-pressed={at === active} onClick={() => change(() => ({ active: at, places: null, grey: null }))}>
              {titles[at]}
            </button>
            <span className="num">{levels[at] === undefined ? "" : Number(levels[at].toPrecision(3))}</span>
            <input className="map-opacity" type="range" min={0.1} max={1} step={0.05} value={one.opacity} aria-label={`How solid ${titles[at]} is`} title="How solid it is" onChange={(event) => set(at, { opacity: Number(event.target.value) })} />
            <span className="mark" style={{ borderRadius: 2, background: COLOURS[at] }} />
            {layers.length > 1 && (
              <button className="btn btn-quiet btn-icon" title="Take away" aria-label={`Take away ${titles[at]}`} onClick={() => change(() => ({ layers: layers.filter((_, index) => index !== at), active: 0, places: null, grey: null }))}>
                <Icon name="close" small />
              </button>
            )}
          </li>
        ))}
      </ul>
      {layers.length < MOST_LAYERS && (
        <div className="row">
          <Icon name="plus" />
          <label className="vh" htmlFor={id}>
            Add a map, mask or half map
          </label>
          <select
            id={id}
            className="input"
            value=""
            onChange={(event) => {
              const one = namedOf(event.target.value);
              if (one) add(one);
            }}
          >
            <option value="">Add a map, mask or half map</option>
            <Offered jobs={all.data?.jobs ?? []} iterations={here} without={layers} />
          </select>
        </div>
      )}
    </section>
  );
}

function Offered({ jobs, iterations, without }: { jobs: { job: string; maps: MapLine[] }[]; iterations: MapLine[]; without: Named[] }) {
  const isShown = (one: MapLine) => without.some((other) => wordOf(other) === wordOf(one));
  const option = (one: MapLine) => (
    <option key={wordOf(one)} value={wordOf(one)}>
      {one.title}
    </option>
  );
  return (
    <>
      {iterations.length > 0 && <optgroup label="Iterations of this job">{iterations.filter((one) => !isShown(one)).map(option)}</optgroup>}
      {jobs.map(({ job, maps }) => (
        <optgroup key={job} label={`${folder(job)} ${digits(job)}`}>
          {maps.filter((one) => !isShown(one)).map(option)}
        </optgroup>
      ))}
    </>
  );
}

export function ColourOf(props: {
  project: string;
  by: Named | null;
  facts: Facts | null; // of `by`
  resolution: MapLine | null; // the job's local resolution, where it has one
  layers: Layer[];
  ramp: [number, number];
  change: Change;
}) {
  const { project, by, facts, resolution, layers, ramp, change } = props;
  const all = useAllMaps(project, true);
  const isResolution = by !== null && resolution !== null && wordOf(by) === wordOf(resolution);
  const setBy = (one: Named | null) => change(() => ({ by: one && { job: one.job, name: one.name }, ramp: null }));
  const isInverse = ramp[0] > ramp[1];
  const [low, high] = isInverse ? [ramp[1], ramp[0]] : ramp;
  const setEnd = (end: 0 | 1, value: number) => {
    const next: [number, number] = [...ramp];
    next[end] = value;
    if (next[0] !== next[1]) change(() => ({ ramp: next }));
  };
  return (
    <section>
      <h2 className="label">Colour</h2>
      <div className="row wrap">
        <div className="seg" role="group" aria-label="Colour of the surfaces">
          <button className="btn-quiet" aria-pressed={!by} onClick={() => setBy(null)}>
            plain
          </button>
          {resolution && (
            <button className="btn-quiet" aria-pressed={isResolution} onClick={() => setBy(resolution)}>
              local resolution
            </button>
          )}
        </div>
        <select className="input map-by" aria-label="Map whose values colour the surfaces" value={by && !isResolution ? wordOf(by) : ""} onChange={(event) => setBy(namedOf(event.target.value))}>
          <option value="">by another map</option>
          <Offered jobs={all.data?.jobs ?? []} iterations={[]} without={layers.length > 1 ? [] : layers} />
        </select>
      </div>
      {by && facts && (
        <>
          <Histogram facts={facts} split={-1} label="Voxels by the value that colours" from={facts.low} to={facts.high} title={facts.map.kind === "local resolution" ? "local resolution (Å)" : facts.map.title} isLog={false} />
          <div
            className="rampbar"
            style={{
              marginLeft: `${(100 * (low - facts.low)) / (facts.high - facts.low)}%`,
              width: `${(100 * (high - low)) / (facts.high - facts.low)}%`,
              transform: isInverse ? "scaleX(-1)" : "none",
            }}
          />
          <div className="row map-small">
            {([0, 1] as const).map((end) => (
              <label key={end} className="row">
                {end === 0 ? "yellow at" : "violet at"}
                <input
                  className="input num map-number"
                  type="number"
                  step={Number(((facts.high - facts.low) / 100).toPrecision(1))}
                  aria-label={end === 0 ? "Value at the yellow end" : "Value at the violet end"}
                  value={Number(ramp[end].toPrecision(4))}
                  onChange={(event) => event.target.value !== "" && setEnd(end, Number(event.target.value))}
                />
              </label>
            ))}
            <button className="btn btn-quiet btn-icon" title="Turn the scale round" aria-label="Turn the scale round" onClick={() => change(() => ({ ramp: [ramp[1], ramp[0]] }))}>
              <Icon name="sort" />
            </button>
          </div>
          <p className="muted map-small">
            {facts.map.kind === "local resolution" ? "Yellow is fine, violet is coarse. " : ""}What has no value is grey.
          </p>
        </>
      )}
    </section>
  );
}

export function Around(props: {
  look: Look;
  group: PointGroup | undefined;
  orientations: Orientations | undefined;
  noOrientations: Error | null;
  change: Change;
  isMeasuring: boolean;
  setMeasuring: (is: boolean) => void;
  measured: string;
}) {
  const { look, group, orientations, noOrientations, change, isMeasuring, setMeasuring, measured } = props;
  const toggle = (name: string) =>
    change(({ shows }) => {
      const next = new Set(shows);
      if (!next.delete(name)) next.add(name);
      return { shows: next };
    });
  const hasAxes = (group?.axes.length ?? 0) > 0;
  const orders = [...new Set(group?.axes.map((one) => one.order))].map((order) => `${group!.axes.filter((one) => one.order === order).length} ${order}-fold`);
  return (
    <section>
      <h2 className="label">Also drawn</h2>
      <label className="row map-small">
        <input type="checkbox" checked={hasAxes && look.shows.has("axes")} disabled={!hasAxes} onChange={() => toggle("axes")} />
        {hasAxes ? `Axes of ${group!.group}: ${orders.join(", ")}` : "Axes: the map was made without symmetry"}
      </label>
      <label className="row map-small">
        <input type="checkbox" checked={look.shows.has("views")} onChange={() => toggle("views")} />
        Angular distribution
      </label>
      {look.shows.has("views") && (
        <p className="muted map-small" data-says="orientations">
          {noOrientations ? noOrientations.message : orientations ? `${orientations.particles} particles of ${orientations.of_class === null ? "" : `class ${orientations.of_class} in `}${orientations.file}; a rod points to where they were seen from${orientations.group === "C1" ? "" : `, each at all its places by ${orientations.group}`}.` : ""}
        </p>
      )}
      <label className="row map-small">
        <input type="checkbox" checked={look.shows.has("planes")} onChange={() => toggle("planes")} />
        Planes of the slices
      </label>
      <label className="row map-small">
        <input type="checkbox" checked={isMeasuring} onChange={(event) => setMeasuring(event.target.checked)} />
        Distance <kbd>D</kbd>
      </label>
      <output className="map-small" data-says="measured">
        {measured}
      </output>
      <div className="row map-small map-cut">
        <label className="row">
          Cut
          <select className="input" aria-label="What is cut off" value={look.clip.by} onChange={(event) => change(({ clip }) => ({ clip: { by: event.target.value as ClipBy, at: clip.by ? clip.at : 0.5 } }))}>
            <option value="">nothing</option>
            <option value="view">what is nearest</option>
            <option value="x">beyond x</option>
            <option value="y">beyond y</option>
            <option value="z">beyond z</option>
          </select>
        </label>
        <input type="range" className="grow" aria-label="Where it is cut" min={0} max={1} step={0.005} value={look.clip.at} disabled={!look.clip.by} onChange={(event) => change(({ clip }) => ({ clip: { ...clip, at: Number(event.target.value) } }))} />
      </div>
    </section>
  );
}

export function SlicesLook(props: { facts: Facts; grey: [number, number]; hasOutline: boolean; change: Change }) {
  const { facts, grey, hasOutline, change } = props;
  const step = Number(((facts.high - facts.low) / 200).toPrecision(1));
  const set = (end: 0 | 1, value: number) => {
    const next: [number, number] = [...grey];
    next[end] = value;
    if (next[0] < next[1]) change(() => ({ grey: next }));
  };
  return (
    <section>
      <h2 className="label">Slices</h2>
      <div className="row map-small">
        {([0, 1] as const).map((end) => (
          <label key={end} className="row">
            {end === 0 ? "black" : "white"}
            <input className="input num map-number" type="number" step={step} aria-label={end === 0 ? "Value that is black" : "Value that is white"} value={Number(grey[end].toPrecision(3))} onChange={(event) => event.target.value !== "" && set(end, Number(event.target.value))} />
          </label>
        ))}
        <button className="btn btn-quiet" onClick={() => change(() => ({ grey: null }))}>
          Usual
        </button>
      </div>
      <label className="row map-small">
        <input
          type="checkbox"
          checked={hasOutline}
          onChange={() =>
            change(({ shows }) => {
              const next = new Set(shows);
              if (!next.delete("outline")) next.add("outline");
              return { shows: next };
            })
          }
        />
        Outline of the level
      </label>
    </section>
  );
}

export function About({ facts, others }: { facts: Facts; others: Facts[] }) {
  const { size, voxel, origin } = facts.placement;
  const { least, largest, mean, deviation } = facts.values;
  const short = (one: number) => String(Number(one.toPrecision(4)));
  const isCube = size[0] === size[1] && size[1] === size[2];
  return (
    <section>
      <h2 className="label">{facts.map.title}</h2>
      <dl className="kv">
        <dt>box</dt>
        <dd>{isCube ? `${size[0]}³ px` : `${size.join(" × ")} px`}</dd>
        <dt>pixel size</dt>
        <dd>{voxel[0] > 0 ? `${[...new Set(voxel)].map(short).join(" × ")} Å` : "–"}</dd>
        <dt>origin</dt>
        <dd>{origin.map(short).join(", ")} Å</dd>
        <dt>values</dt>
        <dd>
          {short(least)} to {short(largest)}
        </dd>
        <dt>mean, deviation</dt>
        <dd>
          {short(mean)}, {short(deviation)}
        </dd>
        <dt>file</dt>
        <dd className="cut" title={facts.map.name}>
          {facts.map.name}
        </dd>
      </dl>
      {facts.doubts.map((one) => (
        <p key={one} className="say doubt map-small">
          <Icon name="doubt" small />
          {one}
        </p>
      ))}
      {apart(facts, others).map((one) => (
        <p key={one} className="say doubt map-small" data-says="apart">
          <Icon name="doubt" small />
          {one}
        </p>
      ))}
    </section>
  );
}

/** Maps that lie upon each other by their headers alone. */
function apart(facts: Facts, others: Facts[]): string[] {
  const words = ({ placement }: Facts) => `${placement.size.join(" × ")} px of ${placement.voxel[0] || "?"} Å at ${placement.origin.map((one) => Number(one.toPrecision(4))).join(", ")} Å`;
  return others
    .filter((one) => words(one) !== words(facts))
    .map((one) => `${one.map.title} is ${words(one)}, and this map ${words(facts)}: both lie where their headers' origins and pixel sizes put them.`);
}
