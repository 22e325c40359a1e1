import { useCallback, useEffect, useMemo, useState } from "react";
import { useLocation } from "wouter";

import { numbersOf, useAddress } from "../../address";
import type { JobRow } from "../../api/client";
import { useGraph, useJobs, useLive, useProject } from "../../asking";
import { Frame } from "../../frame";
import { Icon } from "../../icon";
import { notify } from "../../notice";
import { Said } from "../../said";
import { digits, isTyping } from "../../units";
import { NewJob } from "../form/form";
import { Paste, useClipboard, workflowIn } from "./clipboard";
import { Cards } from "./cards";
import { Deleted } from "./deleted";
import { GraphOfJobs } from "./graph";
import { Inspector } from "./inspector";
import { Several } from "./several";
import { JobTable } from "./table";

const WAYS = [
  { how: "graph", word: "Graph", icon: "jobs" },
  { how: "cards", word: "Cards", icon: "cards" },
  { how: "table", word: "Table", icon: "table" },
] as const;
const STATES = ["failed", "running", "scheduled"] as const;

/** How a click chooses: this one alone, this one too (or no longer), or all up to this one. */
export type Choose = (number: number, event?: { ctrlKey: boolean; metaKey: boolean; shiftKey: boolean }) => void;

/** The jobs of a project as graph, cards or table: one selection, one filter, both in the address. */
export function ProjectPage({ project, how }: { project: string; how: string }) {
  const [, go] = useLocation();
  const [get, change] = useAddress();
  const isAway = useLive(project);
  const info = useProject(project);
  const jobs = useJobs(project);
  const branchOf = Number(get("branch")) || null;
  const graph = useGraph(project, branchOf);
  const only = get("only");
  const [words, setWords] = useState(get("find"));
  const [form, setForm] = useState<string | null>(null);
  const asked = get("new");

  const rows = useMemo(() => jobs.data ?? [], [jobs.data]);
  const shown = useMemo(() => rows.filter((row) => matches(row, only, words)), [rows, only, words]);
  const given = get("job");
  const chosen = useMemo(() => {
    const known = new Map(rows.map((row) => [row.number, row]));
    const found = numbersOf(given).flatMap((number) => known.get(number) ?? []);
    return found.length ? found : rows.slice(-1);
  }, [rows, given]);
  const selected = chosen.at(-1) ?? null;
  const numbers = useMemo(() => new Set(chosen.map((row) => row.number)), [chosen]);

  const choose = useCallback<Choose>((number, event) => {
    let next = [number];
    if (event && (event.ctrlKey || event.metaKey)) {
      const others = [...numbers].filter((one) => one !== number);
      next = numbers.has(number) && others.length ? others : [...others, number];
    } else if (event?.shiftKey && selected) {
      const order = shown.map((row) => row.number);
      const [from, to] = [order.indexOf(selected.number), order.indexOf(number)].sort((a, b) => a - b);
      next = [...order.slice(from, to! + 1).filter((one) => one !== number), number];
    }
    change({ job: next.join(",") });
  }, [change, numbers, selected, shown]);

  const [pasted, setPasted] = useState<ReturnType<typeof workflowIn>>(null);
  useClipboard(project, chosen, setPasted);

  useEffect(() => {
    const timer = setTimeout(() => words !== get("find") && change({ find: words }), 300);
    return () => clearTimeout(timer);
  }, [words, get, change]);

  useEffect(() => {
    function onKey(event: KeyboardEvent) {
      if (isTyping(event)) return;
      if (event.key === "n") {
        setForm("");
        event.preventDefault();
      }
      if (event.key === "Enter" && selected && event.target === document.body) go(`/p/${project}/jobs/${selected.number}`);
    }
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  }, [go, project, selected]);

  const counts = Object.fromEntries(STATES.map((state) => [state, rows.filter((row) => row.state === state).length]));
  const shared = { project, rows: shown, selected: selected?.number ?? 0, chosen: numbers, choose };
  const search = location.search;
  return (
    <Frame
      place={[{ word: "Projects", to: "/" }, { word: info.data?.name ?? "", to: `/p/${project}` }]}
      running={counts.running}
      waiting={counts.scheduled}
      isAway={isAway}
    >
      <div className="toolbar">
        <div className="seg" role="group" aria-label="Show jobs as">
          {WAYS.map((way) => (
            <button key={way.how} aria-pressed={way.how === how} onClick={() => go(`/p/${project}/${way.how}${search}`)}>
              <Icon name={way.icon} />
              {way.word}
            </button>
          ))}
        </div>
        {STATES.filter((state) => counts[state]).map((state) => (
          <button
            key={state}
            className="chip chip-filter"
            aria-pressed={only === state}
            onClick={() => change({ only: only === state ? null : state })}
          >
            <Icon name={state} />
            {state === "scheduled" ? "waiting" : state} <b>{counts[state]}</b>
          </button>
        ))}
        <label className="row">
          <Icon name="search" />
          <input
            className="input"
            type="search"
            value={words}
            onChange={(event) => setWords(event.target.value)}
            placeholder="name, alias, protocol"
            aria-label="Filter jobs"
          />
        </label>
        <span className="grow" />
        <span className="muted wide-only">
          {shown.length === rows.length ? `${rows.length} ${rows.length === 1 ? "job" : "jobs"}` : `${shown.length} of ${rows.length} jobs`}
        </span>
        <label className="btn" title="A workflow's file; jobs that were copied are put in by Ctrl+V">
          Import a workflow
          <input
            className="vh"
            type="file"
            accept=".json"
            onChange={(event) => {
              const file = event.target.files?.[0];
              event.target.value = "";
              void file?.text().then((text) => {
                const found = workflowIn(text);
                if (found) setPasted(found);
                else notify(`${file.name} is no workflow: expected JSON with a list of jobs.`);
              });
            }}
          />
        </label>
        <button className="btn btn-primary" onClick={() => setForm("")}>
          <Icon name="plus" />
          New job<kbd>N</kbd>
        </button>
      </div>
      {jobs.error && <Said error={jobs.error} />}
      {how === "deleted" && <Deleted project={project} />}
      {jobs.data?.length === 0 && how !== "deleted" && (
        <div className="empty">
          <h1>No job yet</h1>
          <p>The work begins with an import: movies, micrographs, particles or a map.</p>
          <button className="btn btn-primary" onClick={() => setForm("import.movies")}>
            Import movies
          </button>
        </div>
      )}
      {rows.length > 0 && how !== "deleted" && (
        <div className="split">
          {how === "graph" && graph.data && (
            <GraphOfJobs
              {...shared}
              key={branchOf}
              all={rows}
              graph={graph.data}
              branch={
                selected && (
                  <button
                    className="btn"
                    aria-pressed={branchOf !== null}
                    onClick={() => change({ branch: branchOf === null ? String(selected.number) : null })}
                  >
                    {branchOf === null ? `Only the branch of ${digits(selected.name)}` : "All jobs"}
                  </button>
                )
              }
            />
          )}
          {how === "graph" && !graph.data && <div className="graph" />}
          {how === "cards" && <Cards {...shared} />}
          {how === "table" && <JobTable {...shared} />}
          {chosen.length > 1 ? (
            <Several project={project} rows={chosen} choose={choose} />
          ) : (
            selected && <Inspector project={project} row={selected} begin={setForm} />
          )}
        </div>
      )}
      {pasted && (
        <Paste
          project={project}
          workflow={pasted}
          close={() => setPasted(null)}
          done={(numbers) => change({ job: numbers.join(",") })}
        />
      )}
      {(form !== null || asked !== "") && (
        <NewJob
          project={project}
          begin={form ?? asked}
          close={() => {
            setForm(null);
            if (asked) change({ new: null });
          }}
          done={(number) => choose(number)}
        />
      )}
    </Frame>
  );
}

function matches(row: JobRow, only: string, words: string): boolean {
  if (only && row.state !== only) return false;
  const text = `${row.name} ${row.alias} ${row.label} ${row.protocol} ${row.title}`.toLowerCase();
  return words
    .toLowerCase()
    .split(/\s+/)
    .every((word) => text.includes(word));
}
