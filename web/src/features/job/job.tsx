import { useState } from "react";
import { Link, useLocation } from "wouter";

import type { JobAnswer } from "../../api/client";
import { useJob, useJobs, useLive, useProject } from "../../asking";
import { Frame } from "../../frame";
import { Icon, StateOf } from "../../icon";
import { Said } from "../../said";
import { digits, duration, folder } from "../../units";
import { NewJob } from "../form/form";
import { Actions } from "./actions";
import { Alias } from "./alias";
import { Files } from "./files";
import { Given } from "./given";
import { Log } from "./log";
import { NextStep, stepsAfter } from "./next";
import { NoteOf } from "./note";
import { Parameters } from "./parameters";
import { Results } from "./results";
import { MAPS } from "../map/kinds";
import { keyNumber } from "../project/key_number";
import { SelectFrom, SelectLink } from "../select/link";

const TABS = {
  results: "Results",
  data: "Inputs and outputs",
  parameters: "Parameters",
  log: "Log",
  story: "Steps and note",
  files: "Files",
  command: "Command",
} as const;

/** Kinds of outputs that lie on micrographs, and are looked at there. */
const SHOWN_ON_MICROGRAPHS = new Set(["micrographs", "coordinates", "particles"]);

/** A job, results first. */
export function JobPage({ project, number, tab }: { project: string; number: number; tab: string }) {
  const [, go] = useLocation();
  const isAway = useLive(project);
  const info = useProject(project);
  const jobs = useJobs(project);
  const job = useJob(project, number);
  const [form, setForm] = useState<string | null>(null);
  const count = (state: string) => jobs.data?.filter((row) => row.state === state).length ?? 0;
  const data = job.data;
  const name = data ? `${folder(data.name)} ${digits(data.name)}` : `Job ${number}`;
  const next = data && stepsAfter(data)[0];
  const onMicrographs = Object.entries(data?.outputs ?? {}).find(([, one]) => SHOWN_ON_MICROGRAPHS.has(String(one.kind)))?.[0];
  // A classification in 3D has a model, of whose classes its iterations have the maps.
  const hasMaps = Object.values(data?.outputs ?? {}).some((one) => MAPS.has(String(one.kind))) || data?.protocol === "relion.class3d";
  return (
    <Frame
      place={[{ word: "Projects", to: "/" }, { word: info.data?.name ?? "", to: `/p/${project}` }, { word: name }]}
      running={count("running")}
      waiting={count("scheduled")}
      isAway={isAway}
    >
      {job.error && <Said error={job.error} />}
      {data && (
        <>
          <div className="jobhead">
            <div className="title">
              <h1>{name}</h1>
              <Alias project={project} row={data} />
            </div>
            <StateOf state={data.state} why={data.why} />
            <span className="muted wide-only">
              {[data.state === "running" ? keyNumber(data) : duration(data.seconds), `${data.resources.disk_mb} MB`].filter(Boolean).join(", ")}
            </span>
            <span className="grow" />
            <div className="actions">
              {onMicrographs && (
                <Link className="btn" href={`/p/${project}/jobs/${number}/micrographs/${onMicrographs}`}>
                  <Icon name="micrographs" />
                  On micrographs
                </Link>
              )}
              {hasMaps && (
                <Link className="btn" href={`/p/${project}/jobs/${number}/maps`}>
                  <Icon name="volume" />
                  Maps
                </Link>
              )}
              <SelectFrom project={project} job={data} />
              <Actions project={project} rows={[data]} />
              {next && <NextStep project={project} row={data} step={next} begin={setForm} className="btn btn-primary" />}
            </div>
          </div>
          <nav className="tabs" aria-label="Parts of this job">
            <div role="tablist">
              {Object.entries(TABS).map(([key, word]) => (
                <Link key={key} role="tab" aria-selected={key === tab} href={`/p/${project}/jobs/${number}/${key}`}>
                  {word}
                </Link>
              ))}
            </div>
          </nav>
          {data.state === "failed" && <Failed job={data} />}
          {tab === "results" ? (
            <Results project={project} job={data} />
          ) : (
            <div className="scroll grow pad" tabIndex={0} role="region" aria-label={TABS[tab as keyof typeof TABS] ?? tab}>
              {tab === "data" && <DataOf project={project} job={data} />}
              {tab === "parameters" && <Parameters project={project} job={data} />}
              {tab === "files" && <Files project={project} number={number} />}
              {tab === "log" && <Log project={project} number={number} />}
              {tab === "story" && (
                <div className="stack">
                  <ol className="list">
                    {data.story.map((sentence, index) => (
                      <li key={index}>{sentence}</li>
                    ))}
                  </ol>
                  <NoteOf project={project} number={number} />
                </div>
              )}
              {tab === "command" && <pre className="command">{data.command.join("\n") || "It runs no program."}</pre>}
            </div>
          )}
        </>
      )}
      {form !== null && <NewJob project={project} begin={form} close={() => setForm(null)} done={(made) => go(`/p/${project}/jobs/${made}`)} />}
    </Frame>
  );
}

/** First of all what happened, in one sentence. */
function Failed({ job }: { job: JobAnswer }) {
  return (
    <div className="banner" role="alert">
      <Icon name="failed" />
      <div>
        <h2>{job.why || "It failed, and did not say why"}</h2>
        <p>What its programs said last is behind Log; when the cause is mended, Resume goes on where it stopped.</p>
      </div>
    </div>
  );
}

function DataOf({ project, job }: { project: string; job: JobAnswer }) {
  return (
    <>
      <h2 className="label">Inputs</h2>
      <Given project={project} job={job} />
      <h2 className="label">Outputs</h2>
      <table className="table">
        <tbody>
          {Object.entries(job.outputs).map(([name, output]) => (
            <tr key={name}>
              <td>
                {SHOWN_ON_MICROGRAPHS.has(String(output.kind)) ? (
                  <Link href={`/p/${project}/jobs/${job.number}/micrographs/${name}`}>{name}</Link>
                ) : MAPS.has(String(output.kind)) ? (
                  <Link href={`/p/${project}/jobs/${job.number}/maps?of=${job.number}:${encodeURIComponent(String(output.path).replace(`${job.name}/`, ""))}`}>{name}</Link>
                ) : (
                  name
                )}
              </td>
              <td>{String(output.kind)}</td>
              <td>
                <code>{String(output.path)}</code>
              </td>
              <td className="num">{output.items == null ? "" : String(output.items)}</td>
              <td>
                <SelectLink project={project} number={job.number} output={name} kind={String(output.kind)} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {job.failed_items.length > 0 && (
        <>
          <h2 className="label">Failed items</h2>
          <table className="table">
            <tbody>
              {job.failed_items.map((one) => (
                <tr key={one.item}>
                  <td>{one.name || one.item}</td>
                  <td>{one.why}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </>
      )}
    </>
  );
}
