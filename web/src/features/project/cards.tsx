import { useLocation } from "wouter";

import type { JobRow } from "../../api/client";
import { Face } from "../../face";
import { StateOf } from "../../icon";
import { digits, duration, folder } from "../../units";
import { keyNumber } from "./key_number";
import type { Choose } from "./project";

type Props = { project: string; rows: JobRow[]; selected: number; chosen: ReadonlySet<number>; choose: Choose };

/** Jobs as cards, the newest first. */
export function Cards({ project, rows, chosen, choose }: Props) {
  const [, go] = useLocation();
  return (
    <div className="scroll" tabIndex={0} role="region" aria-label="Cards of jobs">
      <div className="cardgrid" role="listbox" aria-multiselectable="true" aria-label="Jobs, newest first">
        {[...rows].reverse().map((row) => (
          <a
            key={row.name}
            className="card"
            role="option"
            data-s={row.state}
            aria-selected={chosen.has(row.number)}
            href={`p/${project}/jobs/${row.number}`}
              draggable
              onDragStart={(event) => event.dataTransfer.setData("text/plain", row.name)}
            onClick={(event) => {
              event.preventDefault();
              choose(row.number, event);
            }}
            onDoubleClick={() => go(`/p/${project}/jobs/${row.number}`)}
            onKeyDown={(event) => {
              if (event.key === "Enter") go(`/p/${project}/jobs/${row.number}`);
              if (event.key === " ") {
                event.preventDefault();
                choose(row.number, { ctrlKey: true, metaKey: false, shiftKey: event.shiftKey });
              }
            }}
          >
            <Face project={project} row={row} />
            <b className="cut">
              {digits(row.name)} {folder(row.name)}
            </b>
            <span className="muted cut">{row.alias || row.label || row.protocol}</span>
            <StateOf state={row.state} why={row.why} />
            <span className="row">
              <b className="cut grow">{keyNumber(row)}</b>
              <span className="muted num">{duration(row.seconds)}</span>
            </span>
          </a>
        ))}
      </div>
    </div>
  );
}
