import { Fragment, type KeyboardEvent, type PointerEvent, useMemo, useRef } from "react";

import { ticks } from "../select/values";
import type { Limit, Series } from "./asking";
import { domain, linear, type Scale, short, times } from "./scale";
import { useWidth } from "./width";

const [LEFT, RIGHT, TOP] = [34, 46, 5];
const HIST = 110;
const NEAR_PX = 6;
const FEW = 150; // points that are drawn larger

export type Side = "low" | "high";
type Props = {
  series: Series;
  times: number[];
  limit: Limit;
  height: number;
  isLast: boolean; // has the times of the day below
  isNarrow: boolean; // without the histogram
  move: ((side: Side, value: number | null) => void) | null; // null: who looks may not
  open: ((index: number) => void) | null; // a micrograph, by its place in the series
};

/** A quantity over the time at which movies were written, its histogram beside it, and its limits as lines that are moved. */
export function SeriesChart({ series, times: at, limit, height, isLast, isNarrow, move, open }: Props) {
  const { place, width: whole } = useWidth<HTMLDivElement>(700);
  const { quantity } = series;
  const width = isNarrow ? whole : Math.max(240, whole - HIST);
  const foot = isLast ? 20 : 6;
  const bottom = height - foot;
  const [low, high] = useMemo(
    () => domain(series.edges, [series.limit.low ?? null, series.limit.high ?? null]),
    [series.edges, series.limit.low, series.limit.high],
  );
  const y = linear(low, high, bottom, TOP);
  const x = linear(at[0] ?? 0, Math.max(at.at(-1) ?? 1, (at[0] ?? 0) + 1), LEFT, width - RIGHT);
  const isOut = (value: number) => (limit.low !== null && value < limit.low) || (limit.high !== null && value > limit.high);
  const marks = useMemo(() => drawn(series, at, x, y, isOut), [series, at, limit.low, limit.high, width, height]);
  const title = `${quantity.title}${quantity.unit ? `, ${quantity.unit}` : ""}`;
  const sides: Side[] = quantity.worse === "" ? ["low", "high"] : [quantity.worse as Side];
  return (
    <div className="ts" ref={place} data-quantity={quantity.label}>
      <h3 className="label">{title}</h3>
      <div className="pairts">
        <svg
          className="chart"
          width={width}
          height={height}
          viewBox={`0 0 ${width} ${height}`}
          role="group"
          aria-label={`${title} over time, ${marks.out} outside`}
          onClick={(event) => {
            const box = event.currentTarget.getBoundingClientRect();
            const index = nearest(series, at, x, y, event.clientX - box.left, event.clientY - box.top);
            if (open && index !== null) open(index);
          }}
        >
          {ticks(low * quantity.factor, high * quantity.factor, Math.max(3, Math.floor(height / 16))).map((value) => (
            <Fragment key={value}>
              <path className="grid" d={`M${LEFT} ${Math.round(y.to(value / quantity.factor)) + 0.5}H${width - RIGHT}`} />
              <text x={LEFT - 5} y={y.to(value / quantity.factor) + 4} textAnchor="end">
                {short(value)}
              </text>
            </Fragment>
          ))}
          <path className="axis" d={`M${LEFT} ${bottom + 0.5}H${width - RIGHT}`} />
          {times(x.low, x.high, Math.max(2, Math.floor((width - LEFT - RIGHT) / 90))).map(({ at: moment, word }) => (
            <Fragment key={moment}>
              <path className="axis" d={`M${Math.round(x.to(moment)) + 0.5} ${bottom}v3`} />
              {isLast && (
                <text x={x.to(moment)} y={height - 5} textAnchor="middle">
                  {word}
                </text>
              )}
            </Fragment>
          ))}
          {limit.high !== null && <rect className="out" x={LEFT} width={width - LEFT - RIGHT} y={TOP} height={Math.max(0, y.to(limit.high) - TOP)} />}
          {limit.low !== null && <rect className="out" x={LEFT} width={width - LEFT - RIGHT} y={y.to(limit.low)} height={Math.max(0, bottom - y.to(limit.low))} />}
          {marks.bars && <path className="spread" d={marks.bars} />}
          <path className={series.values.length < FEW ? "dots few" : "dots"} d={marks.inside} />
          <path className="bad" d={marks.outside} />
          {series.can_limit &&
            sides.map((side) => (
              <LimitLine
                key={side}
                side={side}
                title={quantity.title}
                unit={quantity.unit}
                factor={quantity.factor}
                value={limit[side]}
                left={LEFT}
                right={width - RIGHT}
                y={y}
                move={move}
              />
            ))}
        </svg>
        {!isNarrow && <Histogram series={series} y={y} height={height} isOut={isOut} />}
      </div>
    </div>
  );
}

function LimitLine(props: {
  side: Side;
  title: string;
  unit: string;
  factor: number;
  value: number | null;
  left: number;
  right: number;
  y: Scale;
  move: ((side: Side, value: number | null) => void) | null;
}) {
  const { side, title, unit, factor, value, left, right, y, move } = props;
  const grabbed = useRef(false);
  const open = side === "high" ? y.high : y.low;
  const at = y.to(value ?? open);
  const step = 10 ** Math.floor(Math.log10(Math.max((y.high - y.low) * factor, 1e-9) / 20)) / factor;
  const words = value === null ? "no limit" : `${short(value * factor)}${unit ? ` ${unit}` : ""}`;

  function set(next: number) {
    // Beyond the chart's end there is no limit any more.
    const isOpen = side === "high" ? next >= y.high : next <= y.low;
    move?.(side, isOpen ? null : Number((Math.round((next * factor) / (step * factor)) * step).toPrecision(10)));
  }

  function onKey(event: KeyboardEvent) {
    const by = { ArrowUp: step, ArrowDown: -step, PageUp: 10 * step, PageDown: -10 * step }[event.key];
    if (by !== undefined) set((value ?? open) + by * (value === null ? 1.001 : 1));
    else if (event.key === "Delete" || event.key === "Backspace") move?.(side, null);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  function onMove(event: PointerEvent<SVGGElement>) {
    if (!grabbed.current) return;
    const box = event.currentTarget.ownerSVGElement!.getBoundingClientRect();
    const px = event.clientY - box.top;
    set(side === "high" && px <= TOP ? y.high : y.from(px));
  }

  if (!move && value === null) return null;
  return (
    <g
      className={value === null ? "limited none" : "limited"}
      {...(move
        ? {
            role: "slider",
            tabIndex: 0,
            "aria-orientation": "vertical" as const,
            "aria-label": `${side === "high" ? "Upper" : "Lower"} limit of ${title}`,
            "aria-valuemin": y.low * factor,
            "aria-valuemax": y.high * factor,
            "aria-valuenow": (value ?? open) * factor,
            "aria-valuetext": words,
            onKeyDown: onKey,
            onClick: (event: React.MouseEvent) => event.stopPropagation(),
            onPointerDown: (event: PointerEvent<SVGGElement>) => {
              grabbed.current = true;
              event.currentTarget.setPointerCapture(event.pointerId);
            },
            onPointerMove: onMove,
            onPointerUp: () => (grabbed.current = false),
            onPointerCancel: () => (grabbed.current = false),
          }
        : {})}
    >
      <path className="reach" d={`M${left} ${at}H${right + 44}`} />
      <path className="limit" d={`M${left} ${at}H${right}`} />
      <rect className="handle" x={right} y={at - 8} width={44} height={16} rx={3} />
      <text className="ka strong" x={right + 22} y={at + 4} textAnchor="middle">
        {value === null ? (side === "high" ? "max" : "min") : short(value * factor)}
      </text>
    </g>
  );
}

function Histogram({ series, y, height, isOut }: { series: Series; y: Scale; height: number; isOut: (value: number) => boolean }) {
  const most = Math.max(1, ...series.counts);
  return (
    <svg className="chart" width={HIST} height={height} viewBox={`0 0 ${HIST} ${height}`} role="img" aria-label={`Histogram of ${series.quantity.title}`}>
      {series.counts.map((count, index) => {
        const [from, to] = [series.edges[index]!, series.edges[index + 1]!];
        if (!count) return null;
        return (
          <rect
            key={index}
            className={isOut((from + to) / 2) ? "f-out" : "f1"}
            fillOpacity={0.72}
            x={6}
            width={Math.max(1, (count / most) * (HIST - 12))}
            y={y.to(to)}
            height={Math.max(1, y.to(from) - y.to(to) - 0.6)}
          />
        );
      })}
    </svg>
  );
}

/** Marks as three paths: thousands of elements would make each look slow. */
function drawn(series: Series, at: number[], x: Scale, y: Scale, isOut: (value: number) => boolean) {
  let [inside, outside, bars, out] = ["", "", "", 0];
  series.values.forEach((value, index) => {
    if (value === null || value === undefined) return;
    const [px, py] = [x.to(at[index]!).toFixed(1), y.to(value).toFixed(1)];
    if (isOut(value)) {
      out += 1;
      outside += `M${Number(px) - 2.2} ${Number(py) - 2.2}l4.4 4.4m0-4.4l-4.4 4.4`;
    } else inside += `M${px} ${py}h0`;
    const [lower, upper] = [series.low[index], series.high[index]];
    if (lower != null && upper != null) bars += `M${px} ${y.to(lower).toFixed(1)}V${y.to(upper).toFixed(1)}`;
  });
  return { inside, outside, bars, out: series.low.length ? series.outside : out };
}

function nearest(series: Series, at: number[], x: Scale, y: Scale, px: number, py: number): number | null {
  if (series.low.length) return null; // bins are no micrographs
  let [best, found]: [number, number | null] = [NEAR_PX ** 2, null];
  series.values.forEach((value, index) => {
    if (value === null || value === undefined) return;
    const far = (x.to(at[index]!) - px) ** 2 + (y.to(value) - py) ** 2;
    if (far < best) [best, found] = [far, index];
  });
  return found;
}
