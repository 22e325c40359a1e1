import { useState } from "react";
import { useLocation } from "wouter";

import type { JobRow } from "../../api/client";
import { Icon, StateOf } from "../../icon";
import { digits, duration, folder } from "../../units";
import { counted, keyNumber } from "./key_number";
import type { Choose } from "./project";

type Props = { project: string; rows: JobRow[]; selected: number; chosen: ReadonlySet<number>; choose: Choose };

const COLUMNS: { word: string; of: (row: JobRow) => string | number; isNumber?: boolean }[] = [
  { word: "Job", of: (row) => row.number },
  { word: "State", of: (row) => row.state },
  { word: "Alias", of: (row) => row.alias || row.label },
  { word: "Kind of work", of: (row) => row.protocol },
  { word: "Items", of: (row) => row.items.done, isNumber: true },
  { word: "Result", of: (row) => row.made, isNumber: true },
  { word: "Time", of: (row) => row.seconds ?? -1, isNumber: true },
];

/** Jobs as a table, sorted by any column; the newest first. */
export function JobTable({ project, rows, chosen, choose }: Props) {
  const [, go] = useLocation();
  const [by, setBy] = useState({ column: 0, isDown: true });
  const column = COLUMNS[by.column] ?? COLUMNS[0]!;
  const sorted = [...rows].sort((one, other) => {
    const [a, b] = [column.of(one), column.of(other)];
    return (a < b ? -1 : a > b ? 1 : one.number - other.number) * (by.isDown ? -1 : 1);
  });
  return (
    <div className="scroll" tabIndex={0} role="region" aria-label="Table of jobs">
      <table className="table">
        <thead>
          <tr>
            {COLUMNS.map(({ word, isNumber }, index) => (
              <th
                key={word}
                className={isNumber ? "num" : undefined}
                aria-sort={index !== by.column ? "none" : by.isDown ? "descending" : "ascending"}
              >
                <button
                  className="head"
                  onClick={() => setBy({ column: index, isDown: index === by.column ? !by.isDown : index === 0 })}
                >
                  {word}
                  {index === by.column && <Icon name="sort" small />}
                </button>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {sorted.map((row) => (
            <tr
              key={row.name}
              aria-selected={chosen.has(row.number)}
              onClick={(event) => choose(row.number, event)}
              onDoubleClick={() => go(`/p/${project}/jobs/${row.number}`)}
            >
              <td>
                <a
                  href={`p/${project}/jobs/${row.number}`}
                  onClick={(event) => {
                    if (event.metaKey || event.ctrlKey) return;
                    event.preventDefault();
                    go(`/p/${project}/jobs/${row.number}`);
                  }}
                >
                  <b>{digits(row.name)}</b> {folder(row.name)}
                </a>
              </td>
              <td>
                <StateOf state={row.state} why={row.why} />
              </td>
              <td>{row.alias || row.label}</td>
              <td className="second">{row.protocol}</td>
              <td className="num">{counted(row)}</td>
              <td className="num">{keyNumber(row)}</td>
              <td className="num">{duration(row.seconds)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
