import { useEffect, useMemo, useState } from "react";
import { useLocation } from "wouter";

import type { JobRow } from "../../api/client";
import { useGraph, useJobs, useLive, useProject } from "../../asking";
import { Frame } from "../../frame";
import { Icon } from "../../icon";
import { Said } from "../../said";
import { isTyping } from "../../units";
import { NewJob } from "../form/form";
import { Cards } from "./cards";
import { GraphOfJobs } from "./graph";
import { Inspector } from "./inspector";
import { JobTable } from "./table";

const WAYS = [
  { how: "graph", word: "Graph", icon: "jobs" },
  { how: "cards", word: "Cards", icon: "cards" },
  { how: "table", word: "Table", icon: "table" },
] as const;
const STATES = ["failed", "running", "scheduled"] as const;

/** The jobs of a project as graph, cards or table: one selection, one filter. */
export function ProjectPage({ project, how }: { project: string; how: string }) {
  const [, go] = useLocation();
  const isAway = useLive(project);
  const info = useProject(project);
  const jobs = useJobs(project);
  const graph = useGraph(project);
  const [chosen, setChosen] = useState<number | null>(null);
  const [only, setOnly] = useState("");
  const [words, setWords] = useState("");
  const [form, setForm] = useState<string | null>(null);

  const rows = useMemo(() => jobs.data ?? [], [jobs.data]);
  const shown = useMemo(() => rows.filter((row) => matches(row, only, words)), [rows, only, words]);
  const selected = rows.find((row) => row.number === chosen) ?? rows.at(-1) ?? null;

  useEffect(() => {
    function onKey(event: KeyboardEvent) {
      if (isTyping(event)) return;
      if (event.key === "n") setForm("");
      if (event.key === "Enter" && selected && event.target === document.body) go(`/p/${project}/jobs/${selected.number}`);
      event.key === "n" && event.preventDefault();
    }
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  }, [go, project, selected]);

  const counts = Object.fromEntries(STATES.map((state) => [state, rows.filter((row) => row.state === state).length]));
  const shared = { project, rows: shown, selected: selected?.number ?? 0, choose: setChosen };
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
            <button key={way.how} aria-pressed={way.how === how} onClick={() => go(`/p/${project}/${way.how}`)}>
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
            onClick={() => setOnly(only === state ? "" : state)}
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
          {shown.length === rows.length ? `${rows.length} jobs` : `${shown.length} of ${rows.length} jobs`}
        </span>
        <button className="btn btn-primary" onClick={() => setForm("")}>
          <Icon name="plus" />
          New job<kbd>N</kbd>
        </button>
      </div>
      {jobs.error && <Said error={jobs.error} />}
      {jobs.data?.length === 0 && (
        <div className="empty">
          <h1>No job yet</h1>
          <p>The work begins with an import: movies, micrographs, particles or a map.</p>
          <button className="btn btn-primary" onClick={() => setForm("import.movies")}>
            Import movies
          </button>
        </div>
      )}
      {rows.length > 0 && (
        <div className="split">
          {how === "graph" && graph.data && <GraphOfJobs {...shared} all={rows} graph={graph.data} />}
          {how === "cards" && <Cards {...shared} />}
          {how === "table" && <JobTable {...shared} />}
          {selected && <Inspector project={project} row={selected} begin={setForm} />}
        </div>
      )}
      {form !== null && <NewJob project={project} begin={form} close={() => setForm(null)} done={(number) => setChosen(number)} />}
    </Frame>
  );
}

function matches(row: JobRow, only: string, words: string): boolean {
  if (only && row.state !== only) return false;
  const text = `${row.name} ${row.alias} ${row.label} ${row.protocol} ${row.title}`.toLowerCase();
  return words.toLowerCase().split(/\s+/).every((word) => text.includes(word));
}
