import { Link } from "wouter";

import type { JobRow } from "../../api/client";
import { StateOf } from "../../icon";
import { digits, folder } from "../../units";
import { Actions } from "../job/actions";
import type { Choose } from "./project";

/** Several chosen jobs: which they are, what can be done with all of them, two of a kind beside each other. */
export function Several({ project, rows, choose }: { project: string; rows: JobRow[]; choose: Choose }) {
  const [first, second] = rows;
  const isPair = rows.length === 2 && first!.protocol === second!.protocol;
  return (
    <aside className="inspector" aria-label={`${rows.length} chosen jobs`}>
      <section className="stack">
        <h1>{rows.length} jobs</h1>
        <div className="actions">
          <Actions project={project} rows={rows} />
          {isPair && (
            <Link className="btn btn-primary" href={`/p/${project}/jobs/${second!.number}?beside=${first!.number}`}>
              Compare
            </Link>
          )}
        </div>
      </section>
      <section>
        <ul className="list">
          {rows.map((row) => (
            <li key={row.name}>
              <button className="btn btn-quiet grow cut" onClick={() => choose(row.number)}>
                {digits(row.name)} {folder(row.name)} {row.alias || row.label}
              </button>
              <StateOf state={row.state} why={row.why} />
            </li>
          ))}
        </ul>
        <p className="muted">Ctrl and a click adds or takes away, Shift takes all between.</p>
      </section>
    </aside>
  );
}
