import { useRef, useState, type PointerEvent } from "react";

import { Icon } from "../../icon";
import { Said } from "../../said";
import { lassoOf, useHistogram, usePoints, type SetOf, type Where } from "./asking";
import { brushed, limit, type Choice } from "./choice";
import { counted, head, number, ticks } from "./values";

const [WIDE, HIGH] = [312, 196];
const [LEFT, RIGHT, TOP, BOTTOM] = [44, 302, 20, 160];
const NEAR = 8; // px, from a point that a click means
const SMALLEST = 4; // px, of a brush

type Props = {
  where: Where;
  set: SetOf;
  choice: Choice;
  x: string;
  y: string;
  setAxes: (x: string, y: string) => void;
  setRule: (rule: string) => void;
  goTo: (row: number) => void;
  current: number; // the row under the cursor
};

type Point = [number, number];

/** A histogram of one column, or one over another: what is kept in the accent, and a brush or a lasso makes the rule. */
export function Plot(props: Props) {
  const { set, x, y, setAxes } = props;
  const [isLasso, setLasso] = useState(false);
  const numbers = set.columns.filter((column) => column.is_number);
  return (
    <>
      <header>
        <h2 className="grow cut">{y ? `${head(y)} over ${head(x)}` : `Histogram of ${head(x)}`}</h2>
        <button className="btn btn-quiet btn-icon" aria-label="Rectangle" title="Choose by a rectangle" aria-pressed={!isLasso} onClick={() => setLasso(false)}>
          <Icon name="brush" />
        </button>
        <button className="btn btn-quiet btn-icon" aria-label="Lasso" title={y ? "Choose by a lasso" : "A lasso needs two columns"} aria-pressed={isLasso} disabled={!y} onClick={() => setLasso(true)}>
          <Icon name="lasso" />
        </button>
      </header>
      <div className="plot">
        <div className="row">
          <select className="input" aria-label="Along the abscissa" value={x} onChange={(event) => setAxes(event.target.value, y)}>
            {numbers.map((column) => (
              <option key={column.name}>{column.name}</option>
            ))}
          </select>
          <select className="input" aria-label="Along the ordinate" value={y} onChange={(event) => setAxes(x, event.target.value)}>
            <option value="">how many</option>
            {numbers.map((column) => (
              <option key={column.name}>{column.name}</option>
            ))}
          </select>
        </div>
        {y ? <Scatter {...props} isLasso={isLasso} /> : <Bars {...props} />}
      </div>
    </>
  );
}

function Bars({ where, set, choice, x, setRule }: Props) {
  const asked = useHistogram(where, set.stamp, choice, x);
  const data = asked.data;
  if (asked.error) return <Said error={asked.error} />;
  if (!data) return <Frame label="">{null}</Frame>;
  // A little wider than the values: what a brush covers to its end has the last of them.
  const [low, high] = padded([data.edges[0] ?? 0, data.edges.at(-1) ?? 1]);
  const most = Math.max(...data.all, 1);
  const scale = { x: linear(low, high, LEFT, RIGHT), y: linear(0, most, BOTTOM, TOP) };
  const bars = (counts: number[]) =>
    counts
      .map((count, index) => {
        const [from, to] = [scale.x.to(data.edges[index]!), scale.x.to(data.edges[index + 1]!)];
        return count ? `M${from + 0.5} ${BOTTOM}V${scale.y.to(count)}H${Math.max(to - 0.5, from + 1)}V${BOTTOM}z` : "";
      })
      .join("");
  function brush(from: Point, to: Point) {
    const [a, b] = [scale.x.from(Math.min(from[0], to[0])), scale.x.from(Math.max(from[0], to[0]))];
    setRule(brushed(choice.rule, [x], `${x} between ${limit(a, high - low)} and ${limit(b, high - low)}`));
  }
  return (
    <>
      <Brush isLasso={false} isAcross finished={(corners) => brush(corners[0]!, corners.at(-1)!)} tapped={() => setRule(brushed(choice.rule, [x], ""))}>
        <Frame label={`How many items have which ${x}`} xs={[low, high]} ys={[0, most]} title={axis(set, x)} above="items">
          <path className="f0" d={bars(data.all)} />
          <path className="fa" d={bars(data.kept)} />
        </Frame>
      </Brush>
      <p className="muted">
        {data.mean !== null && `mean ${number(data.mean)}, median ${number(data.median ?? 0)}, deviation ${number(data.deviation ?? 0)}`}
        {data.missing > 0 && `; ${counted(data.missing)} without a number`}. Drag over it to keep what lies there; a click takes that back.
      </p>
    </>
  );
}

function Scatter({ where, set, choice, x, y, setRule, goTo, current, isLasso }: Props & { isLasso: boolean }) {
  const asked = usePoints(where, set.stamp, choice, x, y);
  const data = asked.data;
  if (asked.error) return <Said error={asked.error} />;
  if (!data) return <Frame label="">{null}</Frame>;
  const [xs, ys] = [padded(data.x_limits), padded(data.y_limits)];
  const scale = { x: linear(xs[0], xs[1], LEFT, RIGHT), y: linear(ys[0], ys[1], BOTTOM, TOP) };
  const isBinned = data.all.length > 0;
  const place = (index: number): Point => [scale.x.to(data.x[index]!), scale.y.to(data.y[index]!)];
  const dots = (isKept: boolean) =>
    data.x.map((_, index) => ((data.kept[index]! > 0) === isKept ? `M${place(index).map((one) => one.toFixed(1)).join(" ")}h0` : "")).join("");
  const at = data.rows.indexOf(current);

  async function finished(corners: Point[]) {
    const values = corners.map(([px, py]): Point => [scale.x.from(px), scale.y.from(py)]);
    if (isLasso) {
      const every = Math.max(1, Math.ceil(values.length / 40)); // so many corners draw any border that a hand does
      const said = await lassoOf(where, x, y, values.filter((_, index) => index % every === 0));
      setRule(brushed(choice.rule, [x, y], `(${said})`));
      return;
    }
    const [a, b] = [values[0]!, values.at(-1)!];
    const range = (name: string, [low, high]: Point, one: number, other: number) =>
      `${name} between ${limit(Math.min(one, other), high - low)} and ${limit(Math.max(one, other), high - low)}`;
    setRule(brushed(choice.rule, [x, y], `${range(x, xs, a[0], b[0])} and ${range(y, ys, a[1], b[1])}`));
  }

  function tapped([px, py]: Point) {
    let [nearest, far] = [-1, NEAR];
    if (!isBinned)
      data!.x.forEach((_, index) => {
        const [dx, dy] = place(index);
        const distance = Math.hypot(dx - px, dy - py);
        if (distance < far) [nearest, far] = [index, distance];
      });
    if (nearest >= 0) goTo(data!.rows[nearest]!);
    else setRule(brushed(choice.rule, [x, y], ""));
  }

  return (
    <>
      <Brush isLasso={isLasso} finished={(corners) => void finished(corners)} tapped={tapped}>
        <Frame label={`${y} over ${x}`} xs={xs} ys={ys} title={axis(set, x)} above={axis(set, y)}>
          {isBinned ? (
            <Fields data={data} place={place} />
          ) : (
            <>
              <path className="dots" d={dots(false)} />
              <path className="dots kept" d={dots(true)} />
              {at >= 0 && <circle className="brush" cx={place(at)[0]} cy={place(at)[1]} r="6" />}
            </>
          )}
        </Frame>
      </Brush>
      <p className="muted">
        {isBinned ? "Darker fields hold more items." : "A click on a point leads to its image."} Drag {isLasso ? "around" : "over"} what is to be kept
        {data.missing > 0 && `; ${counted(data.missing)} have no number here`}.
      </p>
    </>
  );
}

/** Counts in fields, five shades by their logarithm; kept where more than half is. */
function Fields({ data, place }: { data: { x: number[]; kept: number[]; all: number[] }; place: (index: number) => Point }) {
  const most = Math.log(Math.max(...data.all) + 1);
  const shades = Array.from({ length: 10 }, () => [] as string[]);
  const [wide, high] = [(RIGHT - LEFT) / 96 + 0.3, (BOTTOM - TOP) / 96 + 0.3];
  data.x.forEach((_, index) => {
    const level = Math.min(4, Math.floor((5 * Math.log(data.all[index]! + 1)) / most));
    const [px, py] = place(index);
    const isKept = 2 * data.kept[index]! > data.all[index]!;
    shades[level + (isKept ? 5 : 0)]!.push(`M${(px - wide / 2).toFixed(1)} ${(py - high / 2).toFixed(1)}h${wide.toFixed(2)}v${high.toFixed(2)}h${(-wide).toFixed(2)}z`);
  });
  return (
    <>
      {shades.map((paths, level) => (
        <path key={level} className={level < 5 ? "f0" : "fa"} opacity={0.25 + 0.1875 * (level % 5)} d={paths.join("")} />
      ))}
    </>
  );
}

/** Axes around what is drawn. */
function Frame(props: { label: string; xs?: Point; ys?: Point; title?: string; above?: string; children: React.ReactNode }) {
  const { label, xs = [0, 1], ys = [0, 1], title = "", above = "", children } = props;
  const [across, up] = [ticks(xs[0], xs[1], 5), ticks(ys[0], ys[1], 4)];
  const [toX, toY] = [linear(xs[0], xs[1], LEFT, RIGHT).to, linear(ys[0], ys[1], BOTTOM, TOP).to];
  return (
    <svg className="chart" viewBox={`0 0 ${WIDE} ${HIGH}`} role="img" aria-label={label || "a plot"}>
      <path className="grid" d={up.map((value) => `M${LEFT} ${toY(value)}H${RIGHT}`).join("")} />
      <path className="axis" d={`M${LEFT} ${BOTTOM}H${RIGHT}${across.map((value) => `M${toX(value)} ${BOTTOM}v4`).join("")}`} />
      {up.map((value) => (
        <text key={value} x={LEFT - 5} y={toY(value) + 4} textAnchor="end">
          {number(value)}
        </text>
      ))}
      {across.map((value) => (
        <text key={value} x={toX(value)} y={BOTTOM + 15} textAnchor="middle">
          {number(value)}
        </text>
      ))}
      <text className="title" x={RIGHT} y={HIGH - 6} textAnchor="end">
        {title}
      </text>
      <text className="title" x={LEFT} y={12} textAnchor="start">
        {above}
      </text>
      {children}
    </svg>
  );
}

/** What is drawn over a plot with the pointer: a rectangle, a range of its whole height, or a line around something. */
function Brush(props: {
  isLasso: boolean;
  isAcross?: boolean;
  finished: (corners: Point[]) => void;
  tapped: (at: Point) => void;
  children: React.ReactNode;
}) {
  const { isLasso, isAcross = false, finished, tapped, children } = props;
  const place = useRef<HTMLDivElement>(null);
  const [corners, setCorners] = useState<Point[]>([]);

  function at(event: PointerEvent): Point {
    const box = place.current!.getBoundingClientRect();
    const [px, py] = [((event.clientX - box.left) / box.width) * WIDE, ((event.clientY - box.top) / box.height) * HIGH];
    return [Math.min(Math.max(px, LEFT), RIGHT), Math.min(Math.max(py, TOP), BOTTOM)];
  }

  const [a, b] = [corners[0], corners.at(-1)];
  return (
    <div
      ref={place}
      className="brushed"
      onPointerDown={(event) => {
        event.currentTarget.setPointerCapture(event.pointerId);
        setCorners([at(event)]);
      }}
      onPointerMove={(event) => corners.length && setCorners(isLasso ? [...corners, at(event)] : [corners[0]!, at(event)])}
      onPointerUp={(event) => {
        if (!corners.length) return;
        const end = at(event);
        const reach = Math.max(...corners.map(([px, py]) => Math.hypot(px - corners[0]![0], isAcross ? 0 : py - corners[0]![1])));
        setCorners([]);
        if (reach < SMALLEST) tapped(end);
        else finished(isLasso ? corners : [corners[0]!, end]);
      }}
      onPointerCancel={() => setCorners([])}
    >
      {children}
      {a && b && corners.length > 1 && (
        <svg className="over" viewBox={`0 0 ${WIDE} ${HIGH}`} aria-hidden="true">
          {isLasso ? (
            <polygon className="brush" points={corners.map((one) => one.join(",")).join(" ")} />
          ) : (
            <rect
              className="brush"
              x={Math.min(a[0], b[0])}
              width={Math.abs(a[0] - b[0])}
              y={isAcross ? TOP : Math.min(a[1], b[1])}
              height={isAcross ? BOTTOM - TOP : Math.abs(a[1] - b[1])}
            />
          )}
        </svg>
      )}
    </div>
  );
}

function axis(set: SetOf, name: string): string {
  const unit = set.columns.find((column) => column.name === name)?.unit;
  return unit ? `${head(name)} (${unit})` : head(name);
}

function linear(low: number, high: number, from: number, to: number) {
  const span = high - low || 1;
  return {
    to: (value: number) => from + ((value - low) / span) * (to - from),
    from: (px: number) => low + ((px - from) / (to - from)) * span,
  };
}

function padded([low = 0, high = 1]: number[]): Point {
  const by = high > low ? (high - low) * 0.04 : Math.abs(low) * 0.05 || 0.5;
  return [low - by, high + by];
}
