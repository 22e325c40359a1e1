import { useEffect, useState } from "react";

import { useAddress } from "../../address";
import { addressOf, type JobAnswer, type ViewLine } from "../../api/client";
import { useJobs, useSeen } from "../../asking";
import { Icon } from "../../icon";
import { Said } from "../../said";
import { isTyping } from "../../units";
import { BlockOf, type Part } from "./block";

/** All views of a job, one iteration for all that have some, and another pinned beside it. */
export function Results({ project, job }: { project: string; job: JobAnswer }) {
  const iterations = [...new Set(job.views.flatMap((view) => view.iterations))].sort((a, b) => a - b);
  const [get, change] = useAddress();
  const number = (name: string) => (get(name) === "" ? null : Number(get(name)));
  const [asked, pinned, other] = [number("it"), number("pin"), number("beside")];
  const setAsked = (one: number | null) => change({ it: one === null || one === iterations.at(-1) ? null : String(one) });
  const setPinned = (one: number | null) => change({ pin: one === null ? null : String(one) });
  const setOther = (one: number | null) => change({ beside: one === null ? null : String(one) });
  const alike = (useJobs(project).data ?? []).filter((row) => row.protocol === job.protocol && row.number !== job.number);
  const last = iterations.at(-1) ?? null;
  const now = asked ?? last;

  useEffect(() => {
    function onKey(event: KeyboardEvent) {
      if (isTyping(event) || now === null) return;
      const at = iterations.indexOf(now);
      if (event.key === ",") setAsked(iterations[Math.max(at - 1, 0)] ?? null);
      if (event.key === ".") setAsked(iterations[Math.min(at + 1, iterations.length - 1)] ?? null);
      if (event.key === "p") setPinned(pinned === now ? null : now);
    }
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  });

  if (!job.views.length) return <Nothing job={job} />;
  return (
    <>
      {alike.length > 0 && (
        <div className="toolbar">
          <label className="row">
            <Icon name="compare" />
            Beside
            <select
              className="input"
              value={other ?? ""}
              onChange={(event) => setOther(event.target.value ? Number(event.target.value) : null)}
            >
              <option value="">no other job</option>
              {[...alike].reverse().map((row) => (
                <option key={row.number} value={row.number}>
                  {row.alias || row.label ? `${row.name}, ${row.alias || row.label}` : row.name}
                </option>
              ))}
            </select>
          </label>
        </div>
      )}
      {iterations.length > 1 && (
        <Stepper iterations={iterations} now={now ?? 0} pinned={pinned} step={setAsked} pin={setPinned} />
      )}
      <div className="scroll grow" tabIndex={0} role="region" aria-label="Figures">
        <div className="blocks jobgrid">
          {job.views.map((view) => (
            <ViewBlock
              key={view.name}
              project={project}
              number={job.number}
              view={view}
              // The newest is asked for by no number: it follows the job while it runs.
              iteration={view.iterations.length ? nearest(view.iterations, asked) : null}
              pinned={view.iterations.length ? nearest(view.iterations, pinned) : null}
              other={other}
            />
          ))}
        </div>
      </div>
    </>
  );
}

function nearest(known: number[], asked: number | null): number | null {
  if (asked === null) return null;
  return known.filter((one) => one <= asked).at(-1) ?? known[0] ?? null;
}

function Stepper(props: {
  iterations: number[];
  now: number;
  pinned: number | null;
  step: (iteration: number | null) => void;
  pin: (iteration: number | null) => void;
}) {
  const { iterations, now, pinned, step, pin } = props;
  const labelled = Math.ceil(iterations.length / 40);
  return (
    <div className="stepper">
      <b>Iteration {now}</b>
      <ol aria-label="Iterations">
        {iterations.map((one, index) => (
          <li key={one} className={one === pinned ? "pin" : undefined} aria-current={one === now ? "step" : undefined}>
            <button title={`iteration ${one}`} aria-label={`iteration ${one}`} onClick={() => step(one)}>
              <span>{index % labelled === 0 ? one : ""}</span>
            </button>
          </li>
        ))}
      </ol>
      <div className="row">
        {pinned === null ? (
          <button className="btn btn-quiet" onClick={() => pin(now)}>
            <Icon name="pin" />
            Pin
          </button>
        ) : (
          <button className="chip" onClick={() => pin(null)}>
            <span className="mark pin" />
            pinned {pinned}
            <Icon name="close" small />
          </button>
        )}
        <span className="muted wide-only">
          <kbd>,</kbd> <kbd>.</kbd> step <kbd>P</kbd> pin
        </span>
      </div>
    </div>
  );
}

function ViewBlock(props: {
  project: string;
  number: number;
  view: ViewLine;
  iteration: number | null;
  pinned: number | null;
  other: number | null;
}) {
  const { project, number, view, iteration, pinned, other } = props;
  const [item, setItem] = useState("");
  const shown = iteration ?? view.iterations.at(-1) ?? null;
  const beside = { iteration: other === null && pinned === shown ? null : pinned, job: other };
  const seen = useSeen(project, number, view.name, item, iteration, beside);
  const parts = (seen.data?.parts ?? []) as Part[];
  const query = new URLSearchParams({ item, ...(iteration === null ? {} : { iteration: String(iteration) }) });
  const file = (form: string) => addressOf(`projects/${project}/jobs/${number}/views/${view.name}/file.${form}?${query}`);
  return (
    <figure className="block" data-view={view.name}>
      <header>
        <h2>{view.title}</h2>
        {view.items && (
          <span className="row">
            {view.worst && (
              <button className="btn btn-quiet" aria-pressed={item === "worst"} onClick={() => setItem(item === "worst" ? "" : "worst")}>
                worst
              </button>
            )}
            <input
              className="input short"
              type="search"
              placeholder="newest; name or number"
              aria-label={`Which item: ${view.title}`}
              onKeyDown={(event) => event.key === "Enter" && setItem(event.currentTarget.value)}
            />
          </span>
        )}
        <a className="btn btn-quiet" href={file("png")} aria-label={`${view.title} as PNG`} download>
          <Icon name="save" />
          PNG
        </a>
        {parts.length > 0 && parts.every((part) => part.kind === "chart") && (
          <a className="btn btn-quiet" href={file("svg")} aria-label={`${view.title} as SVG`} download>
            SVG
          </a>
        )}
        {parts.some((part) => ["chart", "table", "metrics"].includes(part.kind)) && (
          <a className="btn btn-quiet" href={file("csv")} aria-label={`Data of ${view.title} as CSV`} download>
            CSV
          </a>
        )}
      </header>
      <div className="body">
        {seen.error && <Said error={seen.error} />}
        {seen.data && !parts.length && <p className="muted">{seen.data.absent ? `${seen.data.absent} is not there.` : "Nothing yet."}</p>}
        {(beside.job !== null || beside.iteration !== null) && (
          <p className="muted">
            <span className="mark pin" /> beside {[other !== null && `job ${other}`, beside.iteration !== null && `iteration ${pinned}`]
              .filter(Boolean)
              .join(", ")}
          </p>
        )}
        {parts.map((part, index) => (
          <Titled key={index} part={part} isAlone={parts.length === 1} />
        ))}
      </div>
      <figcaption className="read">{view.help}</figcaption>
    </figure>
  );
}

function Titled({ part, isAlone }: { part: Part; isAlone: boolean }) {
  return (
    <div>
      {!isAlone && <h3 className="label">{part.title}</h3>}
      <BlockOf part={part} />
      {part.caption && <p className="muted">{part.caption}</p>}
    </div>
  );
}

function Nothing({ job }: { job: JobAnswer }) {
  const isToCome = ["running", "scheduled"].includes(job.state);
  return (
    <div className="empty">
      <h2>{isToCome ? "Nothing to show yet" : "This job has no figures"}</h2>
      <p>{isToCome ? "Its figures appear here with the first results." : "Its outputs and what it said are behind the other tabs."}</p>
    </div>
  );
}
