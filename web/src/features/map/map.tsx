import { useQueries, useQuery } from "@tanstack/react-query";
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { Vector3 } from "three";

import { useJob, useJobs, useLive, useProject } from "../../asking";
import { Frame } from "../../frame";
import { Icon } from "../../icon";
import { Said } from "../../said";
import { digits, folder, isTyping } from "../../units";
import { factsOf, hasPixelSize, stepOf, useMaps, useOrientations, usePointGroup, wordOf, type Facts, type MapLine } from "./asking";
import { against, along, type View } from "./camera";
import { Flat } from "./flat";
import { MAPS } from "./kinds";
import { LevelOf } from "./level";
import { COLOURS, useLook, type Layer } from "./look";
import "./map.css";
import type { Mesher } from "./mesher";
import { Saving } from "./saving";
import { axesOf, canDraw, directionsOf, distanceOf, planesOf, type Picked, type Scene } from "./scene";
import { About, Around, ColourOf, Layers, SlicesLook } from "./side";
import { Slices } from "./slices";
import { colourOf, Stage } from "./stage";
import { colourValue, LayerSurface, type Drawn } from "./surface";

const STEP = 1 / 100; // of the range of values, by a turn of the wheel
const NM3 = 1000; // Å³
const OF_ORDER: Record<number, string> = { 2: "#e0a100", 3: "#d6336c", 4: "#2f9e44", 5: "#7048e8" };
const DRAWN = "#ff8800"; // what is measured

/** What is shown first: the best that a job has to show. */
function firstOf(maps: MapLine[]): MapLine[] {
  const order = ["final map", "volume", "half maps", "local resolution", "mask"];
  const outputs = maps.filter((one) => one.iteration === null);
  const newest = maps.filter((one) => one.iteration === maps[0]?.iteration);
  const best = order.map((kind) => outputs.find((one) => one.kind === kind)).find((one) => one !== undefined);
  // Before its end a job has the maps of its iterations.
  return best ? [best] : newest.filter((one) => one.kind === newest[0]?.kind).slice(0, 4);
}

/** Maps of a job, and others upon them, in three dimensions and in slices. */
export function MapPage({ project, number }: { project: string; number: number }) {
  const isAway = useLive(project);
  const info = useProject(project);
  const jobs = useJobs(project);
  const job = useJob(project, number);
  const maps = useMaps(project, number);
  const group = usePointGroup(project, number);
  const [look, change] = useLook();
  const [scene, setScene] = useState<Scene | null>(null);
  const [meshers, setMeshers] = useState<ReadonlyMap<string, Mesher>>(new Map());
  const [stages, setStages] = useState(0);
  const [drawn, setDrawn] = useState<ReadonlyMap<string, Drawn>>(new Map());
  const [error, setError] = useState<Error | null>(null);
  const [isMeasuring, setMeasuring] = useState(false);
  const [points, setPoints] = useState<Picked[]>([]);
  const [replaced, setReplaced] = useState<string[]>([]);
  const draws = useMemo(canDraw, []);

  const own = maps.data?.maps ?? [];
  const first: Layer[] = useMemo(
    () => firstOf(own).map(({ job, name }) => ({ job, name, level: null, opacity: 1, isHidden: false })),
    [maps.data],
  );
  const layers = look.layers.length ? look.layers : first;
  const resolution = own.find((one) => one.kind === "local resolution") ?? null;
  // A job of local resolution shows its map in the colours of it, until something else is asked for.
  const by = look.by ?? (!look.layers.length && resolution && layers[0]?.name !== resolution.name ? resolution : null);
  const asked = useQueries({ queries: layers.map((one) => factsOf(project, one)) });
  const byFacts = useQuery(factsOf(project, by)).data ?? null;
  const facts = asked.map((one) => one.data);
  const active = Math.min(look.active, layers.length - 1);
  const here = facts[active];
  const levels = layers.map((one, at) => one.level ?? facts[at]?.level ?? NaN);
  const titles = layers.map((one, at) => facts[at]?.map.title ?? one.name);
  const ramp: [number, number] = look.ramp ?? (byFacts ? usualRamp(byFacts) : [0, 1]);

  const known = facts.filter((one) => one !== undefined);
  const bounds = useMemo(() => boundsOf(known), [known.map((one) => one.stamp).join()]);
  const whole: View = useMemo(() => ({ turn: along("z"), target: bounds.middle.clone(), height: bounds.radius * (look.shows.has("views") ? 2 : 1.25) }), [bounds, look.shows]);
  const view = look.view ?? whole;
  const setView = useCallback((next: View) => change(() => ({ view: next })), [change]);
  const turnTo = (turn: View["turn"]) => setView({ ...view, turn });
  const wantsViews = look.shows.has("views");
  const inFront = layers[active];
  const orientations = useOrientations(project, number, inFront?.job === number ? inFront.name : "", wantsViews);

  // Whoever changes a layer that the job proposed asks for it by that.
  const setLayers = (next: Layer[]) => change((before) => ({ layers: next, by: before.by ?? (by && { job: by.job, name: by.name }) }));
  const changeLayers: typeof change = useCallback(
    // What the job proposed is asked for from now on: "plain" must not become the proposal again.
    (made) =>
      change((before) => {
        const asked = before.layers.length ? before.layers : layers;
        return { layers: asked, by: before.by ?? by, ...made({ ...before, layers: asked }) };
      }),
    [change, layers, by],
  );
  const setLevel = (level: number | null) => setLayers(layers.map((one, at) => (at === active ? { ...one, level } : one)));
  const changeLevel = (steps: number) => {
    if (!here || Number.isNaN(levels[active])) return;
    const next = levels[active]! + steps * STEP * (here.high - here.low);
    setLevel(Math.min(Math.max(next, here.low), here.high));
  };

  const ready = useCallback((layer: string, mesher: Mesher | null) => {
    setStages((before) => before + 1);
    setMeshers((before) => {
      const next = new Map(before);
      if (mesher) next.set(layer, mesher);
      else next.delete(layer);
      return next;
    });
  }, []);
  const said = useCallback((layer: string, one: Drawn | null) => {
    setDrawn((before) => {
      const next = new Map(before);
      if (one) next.set(layer, one);
      else next.delete(layer);
      return next;
    });
  }, []);

  // A file that was written anew while one looks is told; what is shown is the new one.
  const stamps = useRef(new Map<string, string>());
  const told = known.map((one) => `${wordOf(one.map)} ${one.stamp}`).join("\n");
  useEffect(() => {
    for (const one of known) {
      const word = wordOf(one.map);
      const before = stamps.current.get(word);
      if (before && before !== one.stamp) setReplaced((names) => [...new Set([...names, one.map.title])]);
      stamps.current.set(word, one.stamp);
    }
  }, [told]);

  const names = layers.map(wordOf);
  const shown = names.filter((_, at) => !layers[at]!.isHidden);
  const panes = look.isBeside && shown.length > 1 ? shown.map((one) => [one]) : [shown];
  useEffect(() => scene?.setPanes(panes), [scene, panes.map((one) => one.join()).join("|")]);
  useEffect(() => scene?.setBounds(bounds.middle, bounds.radius), [scene, bounds]);

  const centre = here ? centreOf(here) : bounds.middle;
  useEffect(() => {
    const axes = look.shows.has("axes") && group.data ? group.data.axes : [];
    scene?.put("axes", axes.length ? axesOf(axes.map((one) => ({ direction: one.direction, colour: OF_ORDER[one.order] ?? "#1c7ed6" })), centre, bounds.radius * 0.62) : null);
  }, [scene, group.data, look.shows, bounds, here?.stamp]);
  useEffect(() => {
    const found = wantsViews ? orientations.data : undefined;
    scene?.put("views", found ? directionsOf(found.directions, found.counts, centre, bounds.radius * 0.6) : null);
  }, [scene, orientations.data, wantsViews, bounds, here?.stamp]);
  const places = look.places ?? middleOf(here);
  useEffect(() => {
    scene?.put("planes", look.shows.has("planes") && here ? planesOf(rectanglesOf(here, places), "#ff8800") : null);
  }, [scene, look.shows, here?.stamp, places.join()]);
  useEffect(() => {
    scene?.put("measured", points.length ? distanceOf(points.map((one) => one.at), view.height / 120, DRAWN) : null);
  }, [scene, points, view.height]);
  useEffect(() => {
    const { by: how, at } = look.clip;
    if (!how) scene?.setClip(null);
    else {
      const normal = how === "view" ? null : new Vector3(...(["x", "y", "z"] as const).map((one) => (one === how ? 1 : 0)));
      scene?.setClip({ normal, at: (2 * at - 1) * bounds.radius * 0.6 });
    }
  }, [scene, look.clip.by, look.clip.at, bounds]);

  function onPicked(one: Picked | null) {
    if (one) setPoints((before) => (before.length === 2 ? [one] : [...before, one]));
  }

  function stepIteration(by: number) {
    const one = layers[active];
    const line = own.find((other) => one && wordOf(other) === wordOf(one));
    if (!one || !line || line.iteration === null) return;
    const alike = own
      .filter((other) => other.iteration !== null && other.half === line.half && other.number === line.number)
      .sort((a, b) => (a.iteration ?? 0) - (b.iteration ?? 0));
    const next = alike[alike.findIndex((other) => other.name === line.name) + by];
    if (next && !names.includes(wordOf(next))) setLayers(layers.map((other, at) => (at === active ? { ...other, name: next.name } : other)));
  }

  useEffect(() => {
    function onKey(event: KeyboardEvent) {
      if (isTyping(event) || (event.target as HTMLElement).matches("[type=range]")) return;
      const key = event.key.toLowerCase();
      if (key === "x" || key === "y" || key === "z") turnTo(along(key));
      else if (key === "f" || key === "0") change(() => ({ view: null }));
      else if (key === "d") setMeasuring(!isMeasuring);
      else if (key === "[") changeLevel(-1);
      else if (key === "]") changeLevel(1);
      else if (key === ",") stepIteration(-1);
      else if (key === ".") stepIteration(1);
    }
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  });

  const name = job.data ? `${folder(job.data.name)} ${digits(job.data.name)}` : `Job ${number}`;
  const running = (state: string) => jobs.data?.filter((row) => row.state === state).length ?? 0;
  const grey: [number, number] = look.grey ?? (here ? [here.black, here.white] : [0, 1]);
  const halves = own.filter((one) => one.half !== null && one.iteration === null && one.output === own.find((other) => other.half !== null)?.output);
  const outline = here && look.shows.has("outline") && !Number.isNaN(levels[active]) ? levels[active]! : null;
  const isInAngst = known.every(hasPixelSize);
  const orders = [...new Map((group.data?.axes ?? []).map((one) => [one.order, one])).values()];
  const isToCome = ["running", "scheduled"].includes(job.data?.state ?? "");
  const gone = Object.values(job.data?.outputs ?? {}).filter((one) => MAPS.has(String(one.kind))).map((one) => String(one.path));
  const wrong = maps.error ?? asked.find((one) => one.error)?.error ?? error;
  const sigma = here && here.values.deviation > 0 ? (levels[active]! - here.values.mean) / here.values.deviation : null;
  return (
    <Frame
      place={[
        { word: "Projects", to: "/" },
        { word: info.data?.name ?? "", to: `/p/${project}` },
        { word: name, to: `/p/${project}/jobs/${number}` },
        { word: "Maps" },
      ]}
      running={running("running")}
      waiting={running("scheduled")}
      isAway={isAway}
    >
      <div className="toolbar">
        <h1>{name}</h1>
        <span className="second cut">{here ? boxOf(here, group.data?.group) : ""}</span>
        <span className="grow" />
        {halves.length === 2 && (
          <button
            className="btn wide-only"
            onClick={() => change(() => ({ layers: halves.map(({ job, name }) => ({ job, name, level: null, opacity: 1, isHidden: false })), isBeside: true, active: 0, places: null, grey: null, by: null }))}
          >
            <Icon name="compare" />
            Half maps
          </button>
        )}
        <div className="seg" role="group" aria-label="How several maps are shown">
          <button className="btn-quiet" aria-pressed={!look.isBeside} onClick={() => change(() => ({ isBeside: false }))}>
            overlaid
          </button>
          <button className="btn-quiet" aria-pressed={look.isBeside} onClick={() => change(() => ({ isBeside: true }))}>
            side by side
          </button>
        </div>
        <Saving
          project={project}
          name={`${name.replace(" ", "_")}_maps`}
          scene={scene}
          view={view}
          radius={bounds.radius}
          ground={() => (scene ? colourOf(scene.canvas, "--stage") : "#ffffff")}
          layers={known.length === layers.length ? layers : []}
          levels={levels}
          facts={facts}
          by={by}
          ramp={ramp}
          failed={setError}
        />
      </div>
      {wrong && <Said error={wrong} />}
      {replaced.length > 0 && (
        <div className="banner" data-s="doubt" role="status">
          <Icon name="doubt" />
          <div>
            <h2>{replaced.join(", ")} was written anew while you looked</h2>
            <p>What is shown now is the new file; its level and its values may be others.</p>
          </div>
          <button className="btn btn-quiet" onClick={() => setReplaced([])}>
            Well
          </button>
        </div>
      )}
      {maps.data && !own.length && !look.layers.length && (
        <div className="empty">
          <h1>{isToCome ? "No map yet" : gone.length ? "This job's maps are not there" : "This job has no maps"}</h1>
          <p>
            {isToCome
              ? "They appear here with its first iteration."
              : gone.length
                ? `It made ${gone.join(", ")}: deleted since, or left behind when the project was copied.`
                : "Refinements, classifications in 3D, masks and post-processing have some."}
          </p>
        </div>
      )}
      {layers.length > 0 && (
        <div className="viewer map-viewer">
          {draws ? (
            <Stage
              view={view}
              setView={setView}
              scene={scene}
              setScene={setScene}
              changeLevel={changeLevel}
              picked={isMeasuring ? onPicked : null}
              titles={panes.length > 1 ? shown.map((one) => titles[names.indexOf(one)] ?? one) : []}
              hasScale={isInAngst}
              label={`Surfaces of ${titles.join(", ")}`}
            >
              {panes.length === 1 && here && (
                <div className="hud map-level" data-says="level">
                  level <b>{Number(levels[active]!.toPrecision(3))}</b>
                  {sigma !== null && `, ${sigma.toFixed(1)} σ`}
                </div>
              )}
              <div className="hud map-views">
                <div className="seg" role="group" aria-label="View">
                  <button className="btn-quiet" title="All of it (F)" aria-label="All of it" onClick={() => change(() => ({ view: null }))}>
                    <Icon name="fit" />
                  </button>
                  {(["x", "y", "z"] as const).map((axis) => (
                    <button key={axis} className="btn-quiet" title={`Along ${axis} (${axis.toUpperCase()})`} aria-label={`View along ${axis}`} onClick={() => turnTo(along(axis))}>
                      {axis.toUpperCase()}
                    </button>
                  ))}
                  {orders.map((one) => (
                    <button key={one.order} className="btn-quiet" onClick={() => turnTo(against(one.direction))}>
                      {one.order}-fold
                    </button>
                  ))}
                </div>
              </div>
              {byFacts && (
                <div className="hud map-legend">
                  <div className="rampbar" />
                  <div className="row">
                    <span>{inWords(byFacts, ramp[0])}</span>
                    <span className="grow cut">{byFacts.map.kind === "local resolution" ? "local resolution" : byFacts.map.title}</span>
                    <span>{inWords(byFacts, ramp[1])}</span>
                  </div>
                </div>
              )}
            </Stage>
          ) : (
            here && <Flat project={project} facts={here} />
          )}
          {here ? (
            <Slices
              project={project}
              facts={here}
              mesher={draws ? (meshers.get(names[active]!) ?? null) : null}
              stage={stages}
              places={places}
              setPlaces={(next) => change(() => ({ places: next }))}
              grey={grey}
              level={outline}
            />
          ) : (
            <section className="slices" />
          )}
          <aside className="inspector map-side" tabIndex={0} aria-label="Maps, level, colour">
            <Layers project={project} own={own} layers={layers} active={active} titles={titles} levels={levels} drawn={drawn} change={changeLayers} />
            {here && !Number.isNaN(levels[active]) && (
              <LevelOf
                project={project}
                facts={here}
                level={levels[active]!}
                setLevel={setLevel}
                drawn={drawn.get(names[active]!)}
                dust={look.dust}
                setDust={(dust) => change(() => ({ dust }))}
                failed={setError}
              />
            )}
            <ColourOf project={project} by={by} facts={byFacts} resolution={resolution} layers={layers} ramp={ramp} change={changeLayers} />
            {draws && (
              <Around
                look={look}
                group={group.data}
                orientations={orientations.data}
                noOrientations={orientations.error}
                change={change}
                isMeasuring={isMeasuring}
                setMeasuring={(is) => {
                  setMeasuring(is);
                  if (!is) setPoints([]);
                }}
                measured={measuredOf(points, isMeasuring, isInAngst, byFacts)}
              />
            )}
            {here && <SlicesLook facts={here} grey={grey} hasOutline={look.shows.has("outline")} change={change} />}
            {here && <About facts={here} others={known.filter((one) => one !== here)} />}
          </aside>
        </div>
      )}
      {draws &&
        layers.map((one, at) => {
          const known_ = facts[at];
          return (
            known_ && (
              <LayerSurface
                key={names[at]}
                project={project}
                facts={known_}
                layer={names[at]!}
                scene={scene}
                level={levels[at]!}
                dust={look.dust * NM3}
                style={{ colour: COLOURS[at]!, opacity: one.opacity, isShown: !one.isHidden }}
                by={by && byFacts && wordOf(one) !== wordOf(by) ? byFacts : null}
                ramp={ramp}
                drawn={said}
                ready={ready}
                failed={setError}
              />
            )
          );
        })}
    </Frame>
  );
}

function boxOf(facts: Facts, group: string | undefined): string {
  const { size, voxel } = facts.placement;
  const box = size[0] === size[1] && size[1] === size[2] ? `${size[0]}³ px` : `${size.join(" × ")} px`;
  return [`${box}${voxel[0] > 0 ? ` at ${Number(voxel[0].toPrecision(4))} Å` : ", no pixel size"}`, group].filter(Boolean).join(", ");
}

/** The ends of the scale at first, the good one first: of resolutions the fine one, else the high one. */
function usualRamp(facts: Facts): [number, number] {
  const total = facts.counts.reduce((sum, one) => sum + one, 0);
  const at = (part: number) => {
    let sum = 0;
    const code = facts.counts.findIndex((one) => (sum += one) >= part * total);
    return facts.low + (code / 254) * (facts.high - facts.low);
  };
  // Of densities the middle of all is solvent, and what a surface passes through lies above.
  const [low, high] = facts.map.kind === "local resolution" ? [at(0.05), at(0.95)] : [at(0.5), at(0.995)];
  if (low === high) return [facts.high, facts.low];
  return facts.map.kind === "local resolution" ? [low, high] : [high, low];
}

function inWords(facts: Facts, value: number): string {
  return facts.map.kind === "local resolution" ? `${value.toFixed(1)} Å` : String(Number(value.toPrecision(3)));
}

function measuredOf(points: Picked[], isMeasuring: boolean, isInAngst: boolean, by: Facts | null): string {
  if (!isMeasuring) return "";
  const last = points.at(-1);
  if (!last) return "Click two points of a surface, or Enter for what lies under the cross.";
  const unit = isInAngst ? "Å" : "px";
  const at = last.at.toArray().map((one) => one.toFixed(1)).join(", ");
  const value = by && last.value !== null ? `; ${by.map.title}: ${inWords(by, colourValue(by, last.value))}` : "";
  const far = points.length === 2 ? `${points[0]!.at.distanceTo(points[1]!.at).toFixed(1)} ${unit}; ` : "";
  return `${far}at ${at} ${unit}${value}`;
}

/** A ball around all maps. */
function boundsOf(all: Facts[]): { middle: Vector3; radius: number } {
  const [low, high] = [new Vector3(Infinity, Infinity, Infinity), new Vector3(-Infinity, -Infinity, -Infinity)];
  for (const one of all) {
    const corner = new Vector3(...one.placement.origin);
    low.min(corner);
    high.max(corner.add(new Vector3(...([0, 1, 2] as const).map((axis) => (one.placement.size[axis] - 1) * stepOf(one, axis)))));
  }
  if (!all.length) return { middle: new Vector3(), radius: 100 };
  return { middle: low.clone().add(high).multiplyScalar(0.5), radius: Math.max(high.distanceTo(low) / 2, 1) };
}

/** Where RELION turns a map about: the voxel `size // 2`. */
function centreOf(facts: Facts): Vector3 {
  return new Vector3(...([0, 1, 2] as const).map((axis) => facts.placement.origin[axis] + Math.floor(facts.placement.size[axis] / 2) * stepOf(facts, axis)));
}

function middleOf(facts: Facts | undefined): [number, number, number] {
  const [x, y, z] = facts?.placement.size ?? [0, 0, 0];
  return [x >> 1, y >> 1, z >> 1];
}

function rectanglesOf(facts: Facts, places: [number, number, number]): Vector3[][] {
  const at = (axis: 0 | 1 | 2, px: number) => facts.placement.origin[axis] + px * stepOf(facts, axis);
  return ([0, 1, 2] as const).map((axis) => {
    const [a, b] = ([0, 1, 2] as const).filter((one) => one !== axis) as [0 | 1 | 2, 0 | 1 | 2];
    const corners: [number, number][] = [[0, 0], [1, 0], [1, 1], [0, 1]];
    return corners.map(([i, j]) => {
      const point = [0, 0, 0];
      point[axis] = at(axis, places[axis]);
      point[a] = at(a, i * (facts.placement.size[a] - 1));
      point[b] = at(b, j * (facts.placement.size[b] - 1));
      return new Vector3(...point);
    });
  });
}
