import { Link } from "wouter";

import type { JobRow } from "../../api/client";
import { Face } from "../../face";
import { StateOf } from "../../icon";
import { digits, duration, folder } from "../../units";
import { keyNumber } from "./key_number";

type Props = { project: string; rows: JobRow[]; selected: number; choose: (number: number) => void };

/** Jobs as cards, the newest first. */
export function Cards({ project, rows, selected, choose }: Props) {
  return (
    <div className="scroll" tabIndex={0} role="region" aria-label="Cards of jobs">
      <div className="cardgrid" role="listbox" aria-label="Jobs, newest first">
        {[...rows].reverse().map((row) => (
          <Link
            key={row.name}
            className="card"
            role="option"
            data-s={row.state}
            aria-selected={row.number === selected}
            href={`/p/${project}/jobs/${row.number}`}
            onFocus={() => choose(row.number)}
            onMouseEnter={() => choose(row.number)}
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
          </Link>
        ))}
      </div>
    </div>
  );
}
