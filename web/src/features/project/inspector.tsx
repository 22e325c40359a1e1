import { Link } from "wouter";

import type { JobRow } from "../../api/client";
import { useJob } from "../../asking";
import { Face } from "../../face";
import { colourOf } from "../../graph/threads";
import { StateOf } from "../../icon";
import { digits, duration, folder } from "../../units";
import { Actions } from "../job/actions";
import { Alias } from "../job/alias";
import { Given } from "../job/given";
import { NextStep, stepsAfter } from "../job/next";
import { keyNumber } from "./key_number";

type Props = { project: string; row: JobRow; begin: (protocol: string) => void };

/** What there is to know of the chosen job, and what can follow. */
export function Inspector({ project, row, begin }: Props) {
  const job = useJob(project, row.number);
  return (
    <aside className="inspector" aria-label={`Job ${row.name}`}>
      <section className="stack">
        <div className="row top">
          <div className="stack grow">
            <h1 className="cut">
              {folder(row.name)} {digits(row.name)}
            </h1>
            <Alias project={project} row={row} />
            <div className="row">
              <StateOf state={row.state} why={row.why} />
              <span className="muted">{row.state === "running" ? keyNumber(row) : duration(row.seconds)}</span>
            </div>
          </div>
          <Face project={project} row={row} />
        </div>
        {row.why && <p className={row.state === "failed" ? "say fail" : "muted"}>{row.why}</p>}
        <div className="actions">
          <Link className="btn btn-primary" href={`/p/${project}/jobs/${row.number}`}>
            Open<kbd>↵</kbd>
          </Link>
          <Actions project={project} rows={[row]} />
        </div>
      </section>
      {job.data && (
        <>
          <section>
            <h2 className="label">Inputs</h2>
            <Given project={project} job={job.data} />
          </section>
          <section>
            <h2 className="label">Outputs</h2>
            <ul className="list">
              {Object.entries(row.outputs).map(([name, output]) => (
                <li key={name}>
                  <span
                    className="chip"
                    data-k={colourOf(String(output.kind))}
                    draggable
                    title={String(output.path)}
                    onDragStart={(event) => event.dataTransfer.setData("text/plain", String(output.path))}
                  >
                    {name.replaceAll("_", " ")}
                  </span>
                  <span className="grow" />
                  <span className="num">{output.items ? String(output.items) : ""}</span>
                </li>
              ))}
            </ul>
          </section>
          {stepsAfter(job.data).length > 0 && (
            <section>
              <h2 className="label">Next, inputs filled in</h2>
              <ul className="list">
                {stepsAfter(job.data).map((step) => (
                  <li key={step.protocol}>
                    <NextStep project={project} row={row} step={step} begin={begin} className="btn btn-quiet grow" />
                  </li>
                ))}
              </ul>
            </section>
          )}
          {job.data.notes.length > 0 && (
            <section>
              <h2 className="label">Notes</h2>
              {job.data.notes.slice(-5).map((note) => (
                <p key={note} className="muted">
                  {note}
                </p>
              ))}
            </section>
          )}
        </>
      )}
    </aside>
  );
}
