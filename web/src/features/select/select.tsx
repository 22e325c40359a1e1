import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { Link, useLocation, useSearch } from "wouter";
import { useQueryClient } from "@tanstack/react-query";

import { Refused } from "../../api/client";
import { useJob, useJobs, useLive, useProject } from "../../asking";
import { Frame } from "../../frame";
import { Icon } from "../../icon";
import type { IconName } from "../../drawings";
import { Said } from "../../said";
import { digits, folder, isTyping } from "../../units";
import * as asking from "./asking";
import { addressed, inverted, isKept, lookOf, NONE, withItems, type Choice, type Look } from "./choice";
import type { Cursor, Doing } from "./cursor";
import { Gallery } from "./gallery";
import { Current, Members } from "./members";
import { Plot } from "./plot";
import { Rule } from "./rule";
import { Lines } from "./table";
import { TallyBar } from "./tally";
import { counted, head } from "./values";
import "./select.css";

const MOST_BY_HAND = 2000;
const NAMES: Record<string, { word: string; icon: IconName }> = {
  model: { word: "Classes", icon: "classes" },
  "class averages": { word: "Class averages", icon: "classes" },
  micrographs: { word: "Micrographs", icon: "micrographs" },
  movies: { word: "Movies", icon: "movies" },
  coordinates: { word: "Picks", icon: "coordinates" },
  particles: { word: "Particles", icon: "particles" },
};

type Props = { project: string; number: number; output: string };

/** Select and curate: one screen for classes, micrographs, particles and picks. */
export function SelectPage({ project, number, output }: Props) {
  const isAway = useLive(project);
  const info = useProject(project);
  const jobs = useJobs(project);
  const job = useJob(project, number);
  const sets = asking.useSets(project, number);
  const [, go] = useLocation();
  const count = (state: string) => jobs.data?.filter((row) => row.state === state).length ?? 0;
  const name = job.data ? `${folder(job.data.name)} ${digits(job.data.name)}` : `Job ${number}`;
  const first = sets.data?.find((one) => one.kind === "model" && one.ready) ?? sets.data?.find((one) => one.ready) ?? sets.data?.[0];
  useEffect(() => {
    if (!output && first) go(`/p/${project}/jobs/${number}/select/${first.output}${location.search}${location.hash}`, { replace: true });
  }, [output, first, go, project, number]);
  const chosen = sets.data?.find((one) => one.output === output);
  return (
    <Frame
      place={[
        { word: "Projects", to: "/" },
        { word: info.data?.name ?? "", to: `/p/${project}` },
        { word: name, to: `/p/${project}/jobs/${number}` },
        { word: "Select" },
      ]}
      running={count("running")}
      waiting={count("scheduled")}
      isAway={isAway}
    >
      <h1 className="vh">Select from {name}</h1>
      {sets.error && <Said error={sets.error} />}
      {sets.data && (!chosen || !chosen.ready) && (
        <div className="empty">
          <h1>{sets.data.length ? "Nothing to choose from yet" : "Nothing to choose from"}</h1>
          <p>
            {sets.data.length
              ? `${chosen?.why ?? ""} It appears here when the job has written it.`
              : "This job gives no set of items. Choose from micrographs, picks, particles or classes of another one."}
          </p>
        </div>
      )}
      {chosen?.ready && (
        <Chooser
          key={`${number} ${output}`}
          where={{ key: project, number, output }}
          state={job.data?.state ?? ""}
          outputs={(sets.data ?? []).filter((one) => one.ready).map(({ output: name, kind }) => ({ name, kind }))}
        />
      )}
    </Frame>
  );
}

/** The address as state: whatever is changed is a link to it. */
function useLook(): [Look, (change: Partial<Look>) => void, React.RefObject<Look>] {
  const search = useSearch();
  const [hash, setHash] = useState(location.hash);
  const look = useMemo(() => lookOf(search, hash), [search, hash]);
  const now = useRef(look);
  now.current = look;
  const set = useCallback((change: Partial<Look>) => {
    const next = { ...now.current, ...change };
    now.current = next;
    history.replaceState(history.state, "", location.pathname + addressed(next));
    setHash(location.hash);
  }, []);
  return [look, set, now];
}

function Chooser({ where, state, outputs }: { where: asking.Where; state: string; outputs: { name: string; kind: string }[] }) {
  const { data: set, error } = asking.useSet(where);
  if (error) return <Said error={error} />;
  return set ? <Choosing where={where} set={set} state={state} outputs={outputs} /> : null;
}

type ChoosingProps = { where: asking.Where; set: asking.SetOf; state: string; outputs: { name: string; kind: string }[] };

function Choosing({ where, set, state, outputs }: ChoosingProps) {
  const [look, change, now] = useLook();
  const [, go] = useLocation();
  const queries = useQueryClient();
  const sort = look.sort || set.sort;
  const isDefault = !look.rule && !look.added.length && !look.removed.length;
  const [isProposed, setProposed] = useState(isDefault && set.proposal !== "");
  const x = look.x || set.x;
  const y = look.x ? look.y : look.y || set.y;
  const [size, setSize] = useState(set.kind === "micrographs" || set.count <= 8 ? 192 : 96);
  const [drawing, setDrawing] = useState<asking.Drawing>({ sigma: 3, lowpass: set.kind === "micrographs" || set.kind === "coordinates" ? 20 : 0 });
  const [seen, setSeen] = useState({ first: 0, last: 1 });
  const [seenAside, setSeenAside] = useState({ first: 0, last: 1 }); // by the table beside the images
  const [cursor, setCursor] = useState<Cursor>({ place: 0, anchor: 0 });
  const [fault, setFault] = useState<Error | null>(null);
  const [isBusy, setBusy] = useState(false);
  const before = useRef<Choice[]>([]);
  const madeOf = asking.useMadeOf(where.key, look.from).data;

  // A classification begins with what a rule would choose.
  useEffect(() => {
    if (isProposed && isDefault && set.proposal) change({ rule: set.proposal });
    // Once, when the set is there.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, []);

  const choice: Choice = useMemo(() => ({ rule: look.rule, added: look.added, removed: look.removed }), [look.rule, look.added, look.removed]);
  const told = asking.useTally(where, set.stamp, choice);
  const isJudged = !told.error;
  // A rule that is not finished yet is told at its field; what was shown stays.
  const judged = useRef(choice);
  if (isJudged) judged.current = choice;
  const columns = useMemo(() => [...new Set([...set.first, ...[sort.replace(/^-/, ""), x, y].filter((name) => name && set.columns.some((one) => one.name === name))])], [set, sort, x, y]);
  const captions = useMemo(() => {
    const own = sort.replace(/^-/, "");
    return set.kind === "model" || !own ? set.first : [own, ...set.first.filter((name) => name !== own)];
  }, [set, sort]);
  const order = useMemo(() => asking.orderOf(set.stamp, { ...look, ...judged.current, sort }), [set.stamp, look, sort]);
  const asked = asking.useLines(where, order, columns, seen.first, seen.last);
  const aside = asking.useLines(where, order, columns, seenAside.first, seenAside.last);
  const lines = { pages: new Map([...aside.pages, ...asked.pages]), error: asked.error ?? aside.error };
  const total = [...lines.pages.values()][0]?.total ?? (order.show === "all" ? set.count : 0);
  const at = (place: number) => lines.pages.get(Math.floor(place / asking.PAGE))?.lines[place % asking.PAGE];
  const line = at(cursor.place);

  const stale = lines.error ?? told.error;
  useEffect(() => {
    // Its file has changed: the set is read anew, and what is chosen stays, by identity.
    if (stale instanceof Refused && stale.status === 409 && stale.problem.hint === "Look again.")
      void queries.invalidateQueries({ queryKey: ["project", where.key, "job", where.number] });
  }, [stale, queries, where.key, where.number]);

  /** What is chosen after what is chosen now, which may be newer than what was drawn. */
  const choose = useCallback(
    (make: (now: Choice) => Choice) => {
      const { rule, added, removed } = now.current;
      const next = make({ rule, added, removed });
      if (Math.max(next.added.length, next.removed.length) > MOST_BY_HAND) {
        setFault(new Error(`More than ${MOST_BY_HAND} items by hand: say it by a rule, or brush over the plot.`));
        return;
      }
      setFault(null);
      before.current = [...before.current.slice(-200), { rule, added, removed }];
      setProposed(false);
      change(next);
    },
    [change, now],
  );
  const undo = useCallback(() => {
    const last = before.current.pop();
    if (last) change(last);
  }, [change]);

  async function range(from: number, to: number) {
    const [first, last] = [Math.min(from, to), Math.max(from, to)];
    const anchor = at(from);
    if (last - first > MOST_BY_HAND) {
      setFault(new Error(`${counted(last - first + 1)} items by hand are too many: say it by a rule, or brush over the plot.`));
      return;
    }
    const keep = anchor ? isKept(now.current, anchor.id, anchor.isRuled) : true;
    const found: asking.Line[] = [];
    for (let start = first; start <= last; start += 500)
      found.push(...(await asking.fetchLines(where, order, [], start, Math.min(500, last - start + 1))).lines);
    choose((now) => withItems(now, found, keep));
  }

  async function toggle(place: number) {
    // Keys are faster than lines that are still to come.
    const one = at(place) ?? (await asking.fetchLines(where, order, [], place, 1)).lines[0];
    if (one) choose((now) => withItems(now, [one], !isKept(now, one.id, one.isRuled)));
  }

  const doing: Doing = {
    total,
    across: 1,
    inSight: 1,
    cursor,
    move: (place) => setCursor((now) => ({ place, anchor: isShifted.current ? now.anchor : place })),
    toggle: (place) => void toggle(place),
    range: (from, to) => void range(from, to),
  };
  const isShifted = useRef(false);

  async function goTo(row: number) {
    const place = await asking.placeOf(where, order, row);
    if (place === null) setFault(new Error("That item is not among those that are shown: show all."));
    else setCursor({ place, anchor: place });
  }

  const isAll = !choice.rule && !choice.removed.length;
  const whyNot =
    told.error ? "The rule cannot be judged"
    : !told.data || told.isPlaceholderData ? "Counting"
    : !told.data.kept ? "Nothing is chosen"
    : set.kind === "model" && set.growing ? "The classification has not ended: its classes still change"
    : isAll && set.kind !== "model" ? "All are kept: choose what is left out"
    : "";

  async function keep(withBranch: boolean) {
    if (whyNot) return;
    setBusy(true);
    try {
      const made = await asking.keep(where, set.stamp, choice, withBranch ? look.from : 0);
      const job = made.jobs[0] ?? "";
      go(`/p/${where.key}/jobs/${Number(job.slice(job.lastIndexOf("job") + 3))}`);
    } catch (error) {
      setFault(error as Error);
      setBusy(false);
    }
  }

  useEffect(() => {
    function onKey(event: KeyboardEvent) {
      isShifted.current = event.shiftKey;
      if (event.type !== "keydown") return;
      if (event.key === "Enter" && event.ctrlKey) void keep(false);
      else if (event.key === "z" && event.ctrlKey && !(event.target as HTMLElement).matches("input")) undo();
      else if (isTyping(event)) return;
      else if (event.key === "a") choose(() => ({ rule: isAll ? NONE : "", added: [], removed: [] }));
      else if (event.key === "i") choose(inverted);
      else return;
      event.preventDefault();
    }
    const onPointer = (event: globalThis.PointerEvent) => (isShifted.current = event.shiftKey);
    addEventListener("keydown", onKey);
    addEventListener("keyup", onKey);
    addEventListener("pointerdown", onPointer, true);
    return () => {
      removeEventListener("keydown", onKey);
      removeEventListener("keyup", onKey);
      removeEventListener("pointerdown", onPointer, true);
    };
  });

  const see = useCallback((first: number, last: number) => setSeen({ first, last }), []);
  const seeAside = useCallback((first: number, last: number) => setSeenAside({ first, last }), []);
  const isGallery = look.how === "gallery" && set.image !== "";
  const setRule = useCallback((rule: string) => choose((now) => ({ ...now, rule })), [choose]);
  const table = (
    <Lines
      set={set} choice={choice} columns={columns} pages={lines.pages} total={total} sort={sort}
      sortBy={(next) => change({ sort: next })} doing={doing} see={isGallery ? seeAside : see}
    />
  );
  return (
    <>
      <div className="toolbar">
        <div className="seg" role="group" aria-label="What is chosen from">
          {outputs.map(({ name, kind }) => (
            <Link key={name} href={`/p/${where.key}/jobs/${where.number}/select/${name}`} aria-current={name === where.output ? "page" : undefined}>
              <Icon name={NAMES[kind]?.icon ?? "data"} />
              {outputs.filter((one) => one.kind === kind).length > 1 ? name : (NAMES[kind]?.word ?? name)}
            </Link>
          ))}
        </div>
        <Rule set={set} rule={look.rule} setRule={setRule} fault={told.error instanceof Refused ? `${told.error.problem.found}. ${told.error.problem.hint}` : ""} />
        <span className="muted by-rule">
          {told.data && `${counted(told.data.by_rule)} by the rule`}
          {choice.added.length > 0 && <b> +{choice.added.length}</b>}
          {choice.removed.length > 0 && <b> −{choice.removed.length}</b>}
          {choice.added.length + choice.removed.length > 0 && " by hand"}
        </span>
        <button className="btn btn-icon" aria-label="Undo" title="Undo (Ctrl Z)" disabled={!before.current.length} onClick={undo}>
          <Icon name="undo" />
        </button>
      </div>
      <Sayings set={set} told={told.data} isProposed={isProposed} madeOf={madeOf} from={look.from} state={state} project={where.key} />
      {fault && (fault instanceof Refused ? <Said error={fault} /> : <p className="proposal" data-s="doubt" role="alert"><Icon name="doubt" />{fault.message}</p>)}
      {lines.error && !told.error && !(stale instanceof Refused && stale.status === 409) && <Said error={lines.error} />}
      <div className="curate selecting">
        <section className="pane main">
          <header>
            <h2>{NAMES[set.kind]?.word ?? set.kind}</h2>
            <label className="row muted">
              <Icon name="sort" />
              <select className="input" aria-label="Sort by" value={sort} onChange={(event) => change({ sort: event.target.value })}>
                <option value="">as in the file</option>
                {set.columns.filter((column) => column.name !== "cryoloomItemId").flatMap((column) => [
                  <option key={`-${column.name}`} value={`-${column.name}`}>{`${head(column.name)}, largest first`}</option>,
                  <option key={column.name} value={column.name}>{`${head(column.name)}, smallest first`}</option>,
                ])}
              </select>
            </label>
            <select className="input" aria-label="Which are shown" value={look.show} onChange={(event) => change({ show: event.target.value as Look["show"] })}>
              <option value="all">all</option>
              <option value="kept">kept</option>
              <option value="rejected">left out</option>
            </select>
            <span className="grow" />
            {set.image && isGallery && (
              <>
                <label className="row muted wide-only">
                  size
                  <input type="range" min={56} max={320} step={8} value={size} aria-label="Picture size" onChange={(event) => setSize(Number(event.target.value))} />
                </label>
                <label className="row muted">
                  <Icon name="eye" />
                  <select className="input" aria-label="Contrast" value={drawing.sigma} onChange={(event) => setDrawing({ ...drawing, sigma: Number(event.target.value) })}>
                    {[1, 2, 3, 4, 6].map((one) => <option key={one} value={one}>{one} σ</option>)}
                  </select>
                  <select className="input" aria-label="Low-pass" value={drawing.lowpass} onChange={(event) => setDrawing({ ...drawing, lowpass: Number(event.target.value) })}>
                    {[0, 5, 10, 20, 40].map((one) => <option key={one} value={one}>{one ? `${one} Å` : "no filter"}</option>)}
                  </select>
                </label>
              </>
            )}
            {set.image && (
              <div className="seg" role="group" aria-label="How they are shown">
                <button aria-pressed={isGallery} aria-label="As images" title="As images" onClick={() => change({ how: "gallery" })}><Icon name="cards" /></button>
                <button aria-pressed={!isGallery} aria-label="As a table" title="As a table" onClick={() => change({ how: "table" })}><Icon name="table" /></button>
              </div>
            )}
          </header>
          {isGallery ? (
            <Gallery where={where} set={set} choice={choice} columns={columns} captions={captions} pages={lines.pages} total={total} size={size} drawing={drawing} doing={doing} see={see} />
          ) : table}
          {order.show !== "all" && total === 0 && <p className="empty">None. Show all, or change the rule.</p>}
        </section>
        {set.members ? <Members where={where} set={set} line={line} drawing={drawing} /> : <Current where={where} set={set} line={line} columns={columns} drawing={drawing} />}
        <aside className="pane side">
          {x && <Plot where={where} set={set} choice={judged.current} x={x} y={y} setAxes={(nx, ny) => change({ x: nx, y: ny })} setRule={setRule} goTo={(row) => void goTo(row)} current={line?.row ?? -1} />}
          {isGallery && table}
        </aside>
      </div>
      <TallyBar where={where} set={set} choice={choice} told={told.data} whyNot={whyNot} isBusy={isBusy} branch={madeOf?.dependents ?? []} keep={(withBranch) => void keep(withBranch)} />
    </>
  );
}

type SayingsProps = {
  set: asking.SetOf;
  told: { unknown: number } | undefined;
  isProposed: boolean;
  madeOf: { besides: string } | undefined;
  from: number;
  state: string;
  project: string;
};

/** What one should know before one chooses. */
function Sayings({ set, told, isProposed, madeOf, from, state, project }: SayingsProps) {
  const all = set.kind === "model";
  return (
    <>
      {from > 0 && (
        <p className="proposal">
          <Icon name="undo" />
          <span>
            The choice of <Link href={`/p/${project}/jobs/${from}`}>job {from}</Link>, to be changed: keeping makes another job, and that one stays as it is.
            {madeOf?.besides && ` It also judges by ${madeOf.besides}, which is not taken over.`}
          </span>
        </p>
      )}
      {isProposed && (
        <p className="proposal">
          <Icon name="wizard" />
          <span>A proposal by rule, as <code>sets.classes</code> would choose. A click on a class changes it.</span>
        </p>
      )}
      {set.growing && (
        <p className="proposal">
          <Icon name="running" />
          <span>
            {all
              ? `The classification is ${state}: its classes still change. Choose when it has ended.`
              : `The job is ${state}. What you choose by hand is kept as it is; items that are still to come are judged by the rule.`}
          </span>
        </p>
      )}
      {told !== undefined && told.unknown > 0 && (
        <p className="proposal" data-s="doubt">
          <Icon name="doubt" />
          <span>{counted(told.unknown)} of them have no number in a column of the rule: no condition holds for them, and they are kept by hand only.</span>
        </p>
      )}
    </>
  );
}
