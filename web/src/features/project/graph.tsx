import { type KeyboardEvent, memo, type ReactNode, useEffect, useMemo, useRef } from "react";
import { useLocation } from "wouter";

import type { Graph, JobRow } from "../../api/client";
import { Face } from "../../face";
import { MiniMap } from "../../graph/minimap";
import { branchOf, CARD, colourOf, draw, type Spot } from "../../graph/threads";
import { useViewport } from "../../graph/viewport";
import { Icon, stateIcon } from "../../icon";
import { digits, folder } from "../../units";
import { keyNumber } from "./key_number";
import type { Choose } from "./project";

const FAR = 0.6; // below it a job is a block with its number
const NEAR = 1.5; // above it the picture is as large as on a card
const BESIDE = 200; // px beyond what is seen that are drawn too
const KINDS = ["micrographs", "coordinates", "particles", "classes", "volume", "mask"];

type Props = {
  project: string;
  rows: JobRow[];
  all: JobRow[];
  graph: Graph;
  selected: number;
  chosen: ReadonlySet<number>;
  choose: Choose;
  branch: ReactNode; // the button that shows one branch alone
};

/** Jobs in lanes by the stage of the work; the branch of the chosen one is lit. */
export function GraphOfJobs({ project, rows, all, graph, selected, chosen, choose, branch }: Props) {
  const [, go] = useLocation();
  const drawn = useMemo(() => draw(graph.lanes, graph.nodes, graph.threads), [graph]);
  const known = useMemo(() => new Map(all.map((row) => [row.name, row])), [all]);
  const shown = useMemo(() => new Set(rows.map((row) => row.name)), [rows]);
  const name = all.find((row) => row.number === selected)?.name ?? "";
  const lit = useMemo(() => branchOf(name, graph.threads), [name, graph.threads]);

  const box = useRef<HTMLDivElement>(null);
  const port = useViewport(box, drawn);
  const { view, place } = port;
  const here = drawn.spots.get(name);
  const level = view.k < FAR ? "far" : view.k < NEAR ? "middle" : "near";

  // What is out of sight is not drawn: of ten thousand jobs some tens are seen.
  const inSight = (one: { x: number; y: number }, width: number, height: number) =>
    (one.x + width) * view.k + view.x > -BESIDE &&
    one.x * view.k + view.x < place.width + BESIDE &&
    (one.y + height) * view.k + view.y > -BESIDE &&
    one.y * view.k + view.y < place.height + BESIDE;

  const isPlaced = place.width > 0;
  useEffect(() => {
    if (isPlaced && here) port.show({ ...here, ...CARD });
    // Only when another job is chosen: what the user has moved stays.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [name, isPlaced]);

  function onKey(event: KeyboardEvent) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "f") return port.fit();
    if (event.key === "+") return port.zoomIn();
    if (event.key === "-") return port.zoomOut();
    if (event.key === "t" && here) return port.show({ ...here, ...CARD });
    const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
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
    port.show({ ...next, ...CARD });
    requestAnimationFrame(() => box.current?.querySelector<HTMLElement>(`[data-job="${row.number}"]`)?.focus());
  }

  const seen = [...drawn.spots.values()].filter((spot) => spot.job === name || inSight(spot, CARD.width, CARD.height));
  const ends = (wire: { source: string; target: string }) => {
    const [from, to] = [drawn.spots.get(wire.source)!, drawn.spots.get(wire.target)!];
    const corner = { x: Math.min(from.x, to.x), y: Math.min(from.y, to.y) };
    return inSight(corner, Math.abs(from.x - to.x) + CARD.width, Math.abs(from.y - to.y) + CARD.height);
  };
  const paths = drawn.paths.filter(({ wire }) => ends(wire));
  return (
    <div ref={box} className="graph" onKeyDown={onKey} {...port.dragging}>
      <div
        className="plane"
        data-zoom={level}
        role="tree"
        aria-multiselectable="true"
        aria-label="Jobs and how data flow between them"
        style={{ width: Math.max(drawn.width, (place.width - view.x) / view.k), height: drawn.height, transform: `translate(${view.x}px, ${view.y}px) scale(${view.k})` }}
      >
        {drawn.lanes.map((lane) => (
          <div key={lane.word} className="lane" style={{ top: lane.y, height: lane.height }}>
            <span style={{ transform: `translateX(${Math.max(0, -view.x / view.k)}px)` }}>{lane.word}</span>
          </div>
        ))}
        <svg className="threads" width={drawn.width} height={drawn.height} aria-hidden="true">
          {[false, true].map((isLit) =>
            paths
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
        {seen.map((spot) => {
          const row = known.get(spot.job);
          if (!row) return null;
          return (
            <JobInGraph
              key={row.name}
              project={project}
              row={row}
              spot={spot}
              isDim={!shown.has(row.name) || (name !== "" && !lit.has(row.name))}
              isChosen={chosen.has(row.number)}
              isHere={row.number === selected}
              choose={choose}
              open={go}
            />
          );
        })}
      </div>
      <MiniMap
        drawing={drawn}
        place={place}
        view={view}
        card={CARD}
        move={port.setView}
        spots={[...drawn.spots.values()].map((spot) => ({ x: spot.x, y: spot.y, state: known.get(spot.job)?.state ?? "" }))}
      />
      <div className="graph-tools">
        <div className="seg" role="group" aria-label="Size of the graph">
          <button aria-label="Smaller" title="Smaller (-)" onClick={port.zoomOut}>
            –
          </button>
          <button aria-label="Fit" title="All of it (F)" onClick={port.fit}>
            <Icon name="fit" />
          </button>
          <button aria-label="Larger" title="Larger (+)" onClick={port.zoomIn}>
            +
          </button>
        </div>
        {branch}
        <div className="legend wide-only">
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

type OneProps = {
  project: string;
  row: JobRow;
  spot: Spot;
  isDim: boolean;
  isChosen: boolean;
  isHere: boolean;
  choose: Choose;
  open: (to: string) => void;
};

/** Drawn anew only where something of it has changed. */
const JobInGraph = memo(
  function JobInGraph({ project, row, spot, isDim, isChosen, isHere, choose, open }: OneProps) {
    const to = `/p/${project}/jobs/${row.number}`;
    return (
      <a
        className={isDim ? "job dim" : "job"}
        role="treeitem"
        data-s={row.state}
        data-job={row.number}
        aria-selected={isChosen}
        tabIndex={isHere ? 0 : -1}
        style={{ left: spot.x, top: spot.y }}
        href={to.slice(1)}
        draggable
        onDragStart={(event) => event.dataTransfer.setData("text/plain", row.name)}
        onClick={(event) => {
          event.preventDefault();
          choose(row.number, event);
        }}
        onDoubleClick={() => open(to)}
        onKeyDown={(event) => {
          if (event.key === "Enter") open(to);
          if (event.key === " ") {
            event.preventDefault();
            choose(row.number, { ctrlKey: true, metaKey: false, shiftKey: event.shiftKey });
          }
        }}
      >
        <span className="name">
          <Icon name={stateIcon(row.state)} />
          <span className="cut">
            {digits(row.name)} <span className="kind">{folder(row.name)}</span>
          </span>
          <span className="vh">{row.state}</span>
        </span>
        <span className="alias cut">{row.alias || row.label || row.title}</span>
        <Face project={project} row={row} />
        <span className="key cut">{keyNumber(row)}</span>
        {row.state === "running" && row.items.total ? (
          <progress className="progress" value={row.items.done} max={row.items.total} />
        ) : null}
      </a>
    );
  },
  (before, after) =>
    before.row === after.row &&
    before.spot.x === after.spot.x &&
    before.spot.y === after.spot.y &&
    before.isDim === after.isDim &&
    before.isChosen === after.isChosen &&
    before.isHere === after.isHere &&
    before.choose === after.choose,
);
