import { type KeyboardEvent, useMemo, useRef } from "react";
import { useLocation } from "wouter";

import type { Graph, JobRow } from "../../api/client";
import { Face } from "../../face";
import { branchOf, colourOf, draw } from "../../graph/threads";
import { Icon, stateIcon } from "../../icon";
import { digits, folder } from "../../units";
import { keyNumber } from "./key_number";
import type { Choose } from "./project";

const KINDS = ["micrographs", "coordinates", "particles", "classes", "volume", "mask"];

type Props = {
  project: string;
  rows: JobRow[];
  all: JobRow[];
  graph: Graph;
  selected: number;
  chosen: ReadonlySet<number>;
  choose: Choose;
};

/** Jobs in lanes by the stage of the work; the branch of the chosen one is lit. */
export function GraphOfJobs({ project, rows, all, graph, selected, chosen, choose }: Props) {
  const [, go] = useLocation();
  const plane = useRef<HTMLDivElement>(null);
  const drawn = useMemo(() => draw(graph.lanes, graph.nodes, graph.threads), [graph]);
  const known = useMemo(() => new Map(all.map((row) => [row.name, row])), [all]);
  const shown = useMemo(() => new Set(rows.map((row) => row.name)), [rows]);
  const name = all.find((row) => row.number === selected)?.name ?? "";
  const lit = useMemo(() => branchOf(name, graph.threads), [name, graph.threads]);

  function onKey(event: KeyboardEvent) {
    const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    const here = drawn.spots.get(name);
    if (!step || !here) return;
    event.preventDefault();
    const [dx, dy] = step as [number, number];
    const ahead = [...drawn.spots.values()].filter((one) => (one.x - here.x) * dx + (one.y - here.y) * dy > 0);
    // The nearest in this direction; what lies aside counts threefold.
    const far = (one: { x: number; y: number }) =>
      Math.abs(one.x - here.x) * (dx ? 1 : 3) + Math.abs(one.y - here.y) * (dy ? 1 : 3);
    const next = ahead.sort((one, other) => far(one) - far(other))[0];
    const row = next && known.get(next.job);
    if (!row) return;
    choose(row.number);
    plane.current?.querySelector<HTMLElement>(`[data-job="${row.number}"]`)?.focus();
  }

  return (
    <div className="graph">
      <div
        ref={plane}
        className="plane"
        role="tree"
        aria-multiselectable="true"
        aria-label="Jobs and how data flow between them"
        style={{ width: drawn.width, height: drawn.height }}
        onKeyDown={onKey}
      >
        {drawn.lanes.map((lane) => (
          <div key={lane.word} className="lane" style={{ top: lane.y, height: lane.height }}>
            <span>{lane.word}</span>
          </div>
        ))}
        <svg className="threads" width={drawn.width} height={drawn.height} aria-hidden="true">
          {[false, true].map((isLit) =>
            drawn.paths
              .filter(({ wire }) => (lit.has(wire.source) && lit.has(wire.target)) === isLit)
              .map(({ wire, d }) => (
                <path
                  key={`${wire.source} ${wire.target} ${wire.kind}`}
                  className={isLit ? "lit" : undefined}
                  data-k={colourOf(wire.kind)}
                  d={d}
                />
              )),
          )}
        </svg>
        {[...drawn.spots.values()].map((spot) => {
          const row = known.get(spot.job);
          if (!row) return null;
          const isDim = !shown.has(row.name) || (name !== "" && !lit.has(row.name));
          return (
            <a
              key={row.name}
              className={isDim ? "job dim" : "job"}
              role="treeitem"
              data-s={row.state}
              data-job={row.number}
              aria-selected={chosen.has(row.number)}
              tabIndex={row.number === selected ? 0 : -1}
              style={{ left: spot.x, top: spot.y }}
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
              <span className="name">
                <Icon name={stateIcon(row.state)} />
                <span className="cut">
                  {digits(row.name)} {folder(row.name)}
                </span>
                <span className="vh">{row.state}</span>
              </span>
              <span className="alias cut">{row.alias || row.label || row.title}</span>
              <Face project={project} row={row} />
              <span className="key cut">{keyNumber(row)}</span>
              {row.state === "running" && row.items.total ? (
                <progress className="vh" value={row.items.done} max={row.items.total} />
              ) : null}
            </a>
          );
        })}
      </div>
      <div className="graph-tools">
        <div className="legend">
          {KINDS.map((kind) => (
            <span key={kind} data-k={kind}>
              <i />
              {kind}
            </span>
          ))}
        </div>
      </div>
    </div>
  );
}
