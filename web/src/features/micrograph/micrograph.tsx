import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { Link, useLocation, useSearchParams } from "wouter";

import { useJob, useJobs, useLive, useProject } from "../../asking";
import { Frame } from "../../frame";
import { Icon } from "../../icon";
import { Said } from "../../said";
import { digits, folder, isTyping } from "../../units";
import { NewJob } from "../form/form";
import { handOn, keepAbove, pickByHand, pictureOf, useMicrographs, usePicks, useSpread, type Source } from "./asking";
import { EditState, EditTrouble } from "./editing";
import type { Point } from "./geometry";
import "./micrograph.css";
import { isKept, type Threshold } from "./overlay";
import { withOtherEnds } from "./picks";
import { Facts, Keys, ThresholdOf } from "./side";
import { Spectrum } from "./spectrum";
import { Stage, type Acts, type Tool } from "./stage";
import { rejectedOf, turned, withoutThese } from "./rejected";
import { chosen, ORDERS, shortName, Strip, type Order } from "./strip";
import { TOOLS, Tools } from "./tools";
import { useView } from "./view";

const USUAL_SHARE = 40; // of the micrograph's side is a circle whose diameter nobody says
const BRUSH = 1.5; // radii of a particle

/** The micrographs of an output with what was picked on them; where a job is picking by hand, they are edited here. */
export function MicrographPage({ project, number, output }: { project: string; number: number; output: string }) {
  const source: Source = { key: project, number, output };
  const isAway = useLive(project);
  const info = useProject(project);
  const jobs = useJobs(project);
  const job = useJob(project, number);
  const queries = useQueryClient();
  const [, go] = useLocation();
  const [params, setParams] = useSearchParams();
  const list = useMicrographs(source);
  const [view, setView] = useView();
  const [tool, setTool] = useState<Tool>("look");
  const [brush, setBrush] = useState<number | null>(null);
  const [isHidden, setHidden] = useState(false);
  const [form, setForm] = useState<string | null>(null);
  const [error, setError] = useState<Error | null>(null);
  const [sharp, setSharp] = useState("");
  const [counts, setCounts] = useState<ReadonlyMap<string, number>>(new Map());

  const set = (changes: Record<string, string | null>) =>
    setParams(
      (before) => {
        for (const [name, value] of Object.entries(changes)) value === null ? before.delete(name) : before.set(name, value);
        return before;
      },
      { replace: true },
    );
  const numberOf = (name: string, usual: number) => {
    const value = Number(params.get(name) ?? usual);
    return Number.isFinite(value) ? value : usual;
  };
  const lowpass = Math.max(0, numberOf("lowpass", 20));
  const look = { contrast: Math.min(Math.max(numberOf("contrast", 3), 0.5), 20), invert: params.has("invert") };
  const filter = params.get("filter") ?? "";
  const order = (params.get("order") ?? "table") as Order;
  const all = list.data?.lines ?? [];
  const lines = chosen(all, filter, order in ORDERS ? order : "table");
  const asked = params.get("at") ?? "";
  const named = all.find((one) => one.micrograph === asked) ?? all.find((one) => shortName(one.micrograph) === asked);
  const at = (named ?? lines[0])?.micrograph ?? "";
  const index = lines.findIndex((one) => one.micrograph === at);
  const line = all.find((one) => one.micrograph === at);

  const picture = useQuery({ ...pictureOf(source, at, lowpass), placeholderData: (before) => before });
  // What one looks at comes first, what one may look at next comes when that is there.
  const isSharp = !picture.isPlaceholderData && picture.data !== undefined && sharp === picture.data.name;
  const beside = [lines[index + 1], lines[index - 1]].map((one) => one?.micrograph ?? "");
  const next = useQuery({ ...pictureOf(source, beside[0] ?? "", lowpass), enabled: !!beside[0] && isSharp });
  const before = useQuery({ ...pictureOf(source, beside[1] ?? "", lowpass), enabled: !!beside[1] && isSharp });
  const { desk, shown, error: noPicks } = usePicks(source, at);

  const columns = list.data?.columns ?? [];
  const column = columns.includes(params.get("by") ?? "") ? (params.get("by") ?? "") : (columns[0] ?? "");
  const spread = useSpread(source, column).data;
  const above = params.get("above");
  const step = above === null || !spread ? 0 : Math.max(0, spread.steps.findIndex((one) => one >= Number(above)));
  const threshold: Threshold = step > 0 && spread ? { column, above: spread.steps[step] ?? 0 } : null;
  const isRamp = params.has("ramp");
  const [low, high] = [spread?.steps[0] ?? 0, spread?.steps.at(-1) ?? 0];

  const canEdit = list.data?.by_hand ?? false;
  const canReject = list.data?.kind === "micrographs" && all.some((one) => one.id);
  const rejected = rejectedOf(params);
  const turn = (id: string) => set({ rejected: turned(rejected, id) });
  const isRejected = (one: { id: string } | undefined) => one !== undefined && rejected.has(one.id);
  const hasPicks = list.data !== undefined && list.data.kind !== "micrographs";
  const angpix = picture.data?.angpix ?? 0;
  const diameter = numberOf("circles", list.data?.diameter ?? 0);
  const side = Math.max(picture.data?.width ?? 0, picture.data?.height ?? 0);
  const radius = diameter > 0 && angpix > 0 ? diameter / 2 / angpix : side / USUAL_SHARE / 2;
  const brushPx = brush ?? radius * BRUSH;
  const kept = shown.picks.filter((one) => isKept(one, threshold)).length;
  const ofAll = all.reduce((sum, one) => sum + (counts.get(one.micrograph) ?? one.picks ?? 0), 0);

  useEffect(() => {
    if (canEdit && at && counts.get(at) !== shown.picks.length && (shown.canUndo || shown.canRedo || counts.has(at)))
      setCounts((known) => new Map(known).set(at, shown.picks.length));
  }, [canEdit, at, shown, counts]);

  useEffect(() => {
    if (canEdit) setTool("pick");
  }, [canEdit]);

  const acts: Acts = {
    add: (places: Point[]) => canEdit && desk.do({ kind: "add", picks: places.map(({ x, y }) => desk.newPick(x, y)) }),
    remove: (picks) =>
      canEdit && desk.do({ kind: "remove", picks: list.data?.are_ends ? withOtherEnds(shown.picks, picks) : picks }),
    move: (pick, to) => canEdit && desk.do({ kind: "move", pick, to }),
  };

  function goTo(micrograph: string | undefined) {
    if (micrograph) set({ at: micrograph });
  }

  useEffect(() => {
    function onKey(event: KeyboardEvent) {
      const isUndo = (event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "z";
      const isRedo = (event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "y";
      if (canEdit && (isUndo || isRedo) && !(event.target as HTMLElement).matches("input:not([type=range]), textarea")) {
        event.preventDefault();
        if (isRedo || event.shiftKey) desk.redo();
        else desk.undo();
        return;
      }
      if (isTyping(event) || form !== null) return;
      const key = event.key.toLowerCase();
      const wanted = TOOLS.find((one) => one.key.toLowerCase() === key);
      if (wanted && (canEdit || !wanted.edits)) setTool(wanted.tool);
      else if (key === ",") goTo(lines[index - 1]?.micrograph);
      else if (key === ".") goTo(lines[index + 1]?.micrograph);
      else if (key === "0") setView(null);
      else if (key === "1" && picture.data)
        setView({ ...(view ?? { x: picture.data.width / 2, y: picture.data.height / 2 }), scale: 1 });
      else if (key === "x" && canReject && line?.id) turn(line.id);
      else if (key === "h") setHidden(!isHidden);
      else if (key === "s") set({ spectrum: params.has("spectrum") ? null : "no" });
      else if (key === "[") setBrush(brushPx / 1.25);
      else if (key === "]") setBrush(brushPx * 1.25);
    }
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  });

  async function make(asking: Promise<number>, page: (job: number) => string) {
    setError(null);
    try {
      const job = await asking;
      await queries.invalidateQueries({ queryKey: ["project", project, "jobs"] });
      go(page(job));
    } catch (refused) {
      setError(refused as Error);
    }
  }

  async function give() {
    setError(null);
    try {
      await handOn(source);
      desk.handedOn();
    } catch (refused) {
      setError(refused as Error);
    }
  }

  const name = job.data ? `${folder(job.data.name)} ${digits(job.data.name)}` : `Job ${number}`;
  const running = (state: string) => jobs.data?.filter((row) => row.state === state).length ?? 0;
  const following = job.data?.next.find((one) => Object.values(one.inputs).some((input) => input.includes(`:${output}`))) ?? job.data?.next[0];
  const said = picture.error ?? noPicks ?? error;
  return (
    <Frame
      place={[
        { word: "Projects", to: "/" },
        { word: info.data?.name ?? "", to: `/p/${project}` },
        { word: name, to: `/p/${project}/jobs/${number}` },
        { word: output.replaceAll("_", " ") },
      ]}
      running={running("running")}
      waiting={running("scheduled")}
      isAway={isAway}
    >
      <Tools
        tool={tool}
        setTool={setTool}
        canEdit={canEdit}
        look={look}
        lowpass={lowpass}
        set={set}
        fit={() => setView(null)}
        hasSpectrum={!params.has("spectrum")}
        circles={hasPicks ? diameter : null}
      />
      {list.error && <Said error={list.error} />}
      {list.data && !all.length && (
        <div className="empty">
          <h1>No micrograph yet</h1>
          <p>{["running", "scheduled"].includes(job.data?.state ?? "") ? "They appear here with the first one." : "This output has none."}</p>
        </div>
      )}
      {all.length > 0 && (
        <div className="curate mic-grid">
          <section className="pane">
            <header className="mic-head">
              <input
                className="input"
                type="search"
                placeholder="Filter"
                aria-label="Filter micrographs"
                value={filter}
                onChange={(event) => set({ filter: event.target.value || null })}
              />
              <select
                className="input mic-order"
                aria-label="Order of micrographs"
                value={order}
                onChange={(event) => set({ order: event.target.value === "table" ? null : event.target.value })}
              >
                {Object.entries(ORDERS).map(([key, { word }]) => (
                  <option key={key} value={key}>
                    {word}
                  </option>
                ))}
              </select>
            </header>
            <Strip source={source} lines={lines} at={at} counts={counts} withPictures={sharp !== ""} isRejected={isRejected} go={goTo} />
          </section>
          <section className="pane">
            <header>
              <h1 className="cut" title={at}>
                {shortName(at)}
              </h1>
              <span className="muted grow cut">{index < 0 ? "not in this filter" : `${index + 1} of ${lines.length}`}</span>
              <span className="muted" data-says="picks">
                {hasPicks && shown.isFilled && (threshold ? `${kept} of ${counted(shown.picks.length)} kept` : counted(shown.picks.length))}
              </span>
              {canReject && line?.id && (
                <button className="btn" aria-pressed={isRejected(line)} onClick={() => turn(line.id)}>
                  <Icon name={isRejected(line) ? "undo" : "close"} />
                  {isRejected(line) ? "Rejected" : "Reject"} <kbd>X</kbd>
                </button>
              )}
              <button className="btn btn-quiet" disabled={index <= 0} onClick={() => goTo(lines[index - 1]?.micrograph)}>
                <Icon name="left" />
                <kbd>,</kbd>
                <span className="vh">previous micrograph</span>
              </button>
              <button className="btn btn-quiet" disabled={index < 0 || index >= lines.length - 1} onClick={() => goTo(lines[index + 1]?.micrograph)}>
                <Icon name="right" />
                <kbd>.</kbd>
                <span className="vh">next micrograph</span>
              </button>
            </header>
            <div className="micview">
              {picture.data && (
                <Stage
                  picture={picture.data}
                  neighbours={[next.data, before.data].filter((one) => one !== undefined)}
                  look={look}
                  view={view}
                  setView={setView}
                  picks={shown.picks}
                  radius={radius}
                  colouring={isRamp && column ? { column, low, high } : null}
                  threshold={threshold}
                  areEnds={list.data?.are_ends ?? false}
                  tool={tool}
                  brush={brushPx}
                  acts={acts}
                  isHidden={isHidden}
                  label={`Micrograph ${shortName(at)}${hasPicks ? `, ${counted(shown.picks.length)}` : ""}`}
                  sharp={setSharp}
                  gone={() => void queries.invalidateQueries({ queryKey: ["picture", source] })}
                />
              )}
              {picture.data && !params.has("spectrum") && <Spectrum name={picture.data.name} angpix={angpix} fit={line?.fit ?? null} />}
              {said && (
                <div className="mic-note">
                  <Said error={said} />
                </div>
              )}
              {canEdit && <EditTrouble desk={desk} shown={shown} />}
            </div>
          </section>
          <aside className="pane" aria-label="Picks and what is known">
            <header>
              <h2>{hasPicks ? `Picks, all ${all.length} micrographs` : "Micrograph"}</h2>
            </header>
            <div className="mic-side" tabIndex={0} role="region" aria-label="Picks and facts">
              {columns.length > 0 && (
                <ThresholdOf
                  columns={columns}
                  column={column}
                  setColumn={(one) => set({ by: one, above: null })}
                  spread={spread}
                  step={step}
                  setStep={(to) => set({ above: to > 0 ? String(spread?.steps[to] ?? "") : null })}
                  isRamp={isRamp}
                  setRamp={(is) => set({ ramp: is ? "yes" : null })}
                />
              )}
              <Facts line={line} width={picture.data?.width ?? 0} height={picture.data?.height ?? 0} angpix={angpix} />
              <Keys canEdit={canEdit} canReject={canReject} />
            </div>
          </aside>
        </div>
      )}
      {list.data && (
        <footer className="tally">
          {hasPicks ? (
            <>
              <span className="count">
                {threshold && spread ? (spread.kept[step] ?? 0) : ofAll}{" "}
                <span className="muted">{threshold ? `of ${spread?.total} picks` : "picks"}</span>
              </span>
              {threshold && spread && (
                <span className="share">
                  <i style={{ width: `${(100 * (spread.kept[step] ?? 0)) / Math.max(1, spread.total)}%` }} />
                </span>
              )}
            </>
          ) : (
            <span className="count">{all.length} <span className="muted">micrographs</span></span>
          )}
          {canEdit && shown.isFilled && <EditState desk={desk} shown={shown} />}
          <span className="grow" />
          {canReject && rejected.size > 0 && (
            <Link className="btn btn-primary" href={`/p/${project}/jobs/${number}/select/${output}${withoutThese(rejected)}`}>
              <Icon name="brush" />
              Keep {all.length - rejected.size} of {all.length}
            </Link>
          )}
          {(list.data.kind === "micrographs" || (list.data.kind === "coordinates" && !canEdit)) && (
            <button
              className={list.data.kind === "micrographs" && !rejected.size ? "btn btn-primary" : "btn"}
              onClick={() => void make(pickByHand(source, false), (one) => `/p/${project}/jobs/${one}/micrographs/coordinates`)}
            >
              <Icon name="coordinates" />
              {list.data.kind === "micrographs" ? "Pick by hand" : "Edit these picks"}
            </button>
          )}
          {list.data.kind === "micrographs" && (
            <button
              className="btn"
              onClick={() => void make(pickByHand(source, true), (one) => `/p/${project}/jobs/${one}/micrographs/coordinates`)}
            >
              Pick filaments by hand
            </button>
          )}
          {threshold && spread && (
            <button
              className={canEdit ? "btn" : "btn btn-primary"}
              onClick={() => void make(keepAbove(source, threshold.column, threshold.above), (one) => `/p/${project}/jobs/${one}`)}
            >
              Keep {spread.kept[step]} above {threshold.above}
            </button>
          )}
          {canEdit && shown.followers.length > 0 && (
            <button className="btn" title={shown.followers.join(", ")} onClick={() => void give()}>
              <Icon name="retry" />
              Make {shown.followers.length === 1 ? shown.followers[0] : `${shown.followers.length} jobs`} again of these
            </button>
          )}
          {following && canEdit && (
            <button
              className="btn btn-primary"
              onClick={() => setForm(JSON.stringify({ protocol: following.protocol, given: { ...following.inputs, ...following.params } }))}
            >
              <Icon name="plus" />
              {following.title}
            </button>
          )}
        </footer>
      )}
      {form !== null && <NewJob project={project} begin={form} close={() => setForm(null)} />}
    </Frame>
  );
}

function counted(picks: number): string {
  return `${picks} ${picks === 1 ? "pick" : "picks"}`;
}
