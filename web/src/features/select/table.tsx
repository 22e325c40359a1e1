import { useEffect } from "react";

import { Icon } from "../../icon";
import { PAGE, type Page, type SetOf } from "./asking";
import { isKept, type Choice } from "./choice";
import { clicked, keyed, type Doing } from "./cursor";
import { head, shown } from "./values";
import { useWindowed } from "./windowed";

const LINE = 26;

type Props = {
  set: SetOf;
  choice: Choice;
  columns: string[];
  pages: Map<number, Page>;
  total: number;
  sort: string;
  sortBy: (sort: string) => void;
  doing: Doing;
  see: (first: number, last: number, across: number, inSight: number) => void;
};

/** Items as lines of values, of which only those in sight exist. */
export function Lines({ set, choice, columns, pages, total, sort, sortBy, doing, see }: Props) {
  const list = useWindowed(total, LINE, LINE);
  useEffect(() => see(list.first, Math.max(list.last, 1), 1, list.linesInSight), [see, list.first, list.last, list.linesInSight]);
  useEffect(() => list.reveal(doing.cursor.place), [list.reveal, doing.cursor.place]);
  const of = new Map(set.columns.map((column) => [column.name, column]));
  const widths = columns.map((name) => (of.get(name)?.is_number ? 6.25 : 10));
  // Head and lines are grids of their own: the same least width makes them the same columns.
  const grid = {
    gridTemplateColumns: `1.75rem ${widths.map((width) => `minmax(${width}rem, ${width}fr)`).join(" ")}`,
    minWidth: `${widths.reduce((sum, width) => sum + width, 2.5)}rem`,
  };
  const places = Array.from({ length: Math.max(0, list.last - list.first) }, (_, index) => list.first + index);
  return (
    <div
      ref={list.place}
      className="lines items grow"
      role="grid"
      tabIndex={0}
      aria-label={`Table of ${set.kind}`}
      aria-rowcount={total + 1}
      aria-multiselectable="true"
      aria-activedescendant={total ? `line-${doing.cursor.place}` : undefined}
      onKeyDown={(event) => keyed(event, { ...doing, across: 1, inSight: list.linesInSight }) && event.preventDefault()}
    >
      <div role="row" className="line heads" style={grid}>
        <span role="columnheader"><span className="vh">kept</span></span>
        {columns.map((name) => {
          const column = of.get(name);
          const isSorted = sort.replace(/^-/, "") === name;
          return (
            <span
              key={name}
              role="columnheader"
              className={column?.is_number ? "num" : undefined}
              title={[name, column?.meaning, column?.missing ? `${column.missing} without a number` : ""].filter(Boolean).join("; ")}
              aria-sort={!isSorted ? "none" : sort.startsWith("-") ? "descending" : "ascending"}
            >
              <button className="head" onClick={() => sortBy(isSorted && sort === name ? `-${name}` : name)}>
                {head(name)}
                {column?.unit && <span className="unit">, {column.unit}</span>}
                {isSorted && <Icon name="sort" small />}
              </button>
            </span>
          );
        })}
      </div>
        <div className="tall" role="rowgroup" style={{ height: list.tall, minWidth: grid.minWidth }}>
          {places.map((place) => {
            const line = pages.get(Math.floor(place / PAGE))?.lines[place % PAGE];
            const kept = line !== undefined && isKept(choice, line.id, line.isRuled);
            return (
              <div
                key={place}
                id={`line-${place}`}
                role="row"
                aria-selected={kept}
                aria-rowindex={place + 2}
                data-id={line?.id}
                className={place === doing.cursor.place ? "line cursor" : "line"}
                style={{ position: "absolute", top: list.at(place), ...grid }}
                onClick={(event) => line && clicked(event, line, doing)}
              >
                <span role="gridcell">{kept ? <Icon name="succeeded" small /> : null}</span>
                {columns.map((name, index) => (
                  <span
                    key={name}
                    role="gridcell"
                    className={of.get(name)?.is_number ? "num" : "cut"}
                    title={of.get(name)?.is_number ? undefined : String(line?.values[index] ?? "")}
                  >
                    {line ? shown(set, name, line.values[index]) : ""}
                  </span>
                ))}
              </div>
            );
          })}
        </div>
    </div>
  );
}
