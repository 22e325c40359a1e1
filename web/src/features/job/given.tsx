import { Link } from "wouter";

import type { JobAnswer } from "../../api/client";
import { colourOf } from "../../graph/threads";
import { digits } from "../../units";

/** A job's inputs as chips; each leads to the job that made it. */
export function Given({ project, job }: { project: string; job: JobAnswer }) {
  const inputs = Object.entries(job.inputs);
  if (!inputs.length) return <p className="muted">It takes nothing from other jobs.</p>;
  return (
    <ul className="list">
      {inputs.map(([name, one]) => (
        <li key={name}>
          <span className="muted">{name}</span>
          <span className="chip" data-k={colourOf(one.kind)}>
            {one.job ? (
              <Link href={`/p/${project}/jobs/${Number(digits(one.job))}`}>{one.job}</Link>
            ) : (
              <span className="cut">{one.path}</span>
            )}
          </span>
        </li>
      ))}
    </ul>
  );
}
