import type { components } from "../../api/schema";
import type { Line } from "./strip";

export type Spread = components["schemas"]["SpreadAnswer"];

const BARS = 48;
const [WIDE, HIGH] = [288, 72];

/** The values of all picks, a line on them, and what it keeps. */
export function ThresholdOf(props: {
  columns: readonly string[];
  column: string;
  setColumn: (column: string) => void;
  spread: Spread | undefined;
  step: number;
  setStep: (step: number) => void;
  isRamp: boolean;
  setRamp: (is: boolean) => void;
}) {
  const { columns, column, setColumn, spread, step, setStep, isRamp, setRamp } = props;
  const last = (spread?.steps.length ?? 0) - 1;
  return (
    <div className="stack">
      <label className="row">
        <span className="muted">Column</span>
        <select className="input" value={column} onChange={(event) => setColumn(event.target.value)}>
          {columns.map((one) => (
            <option key={one}>{one}</option>
          ))}
        </select>
      </label>
      {spread && last > 0 && (
        <>
          <div>
            <Histogram spread={spread} step={step} />
            <input
              type="range"
              aria-label={`Keep picks from this ${column} on`}
              min={0}
              max={last}
              value={step}
              onChange={(event) => setStep(Number(event.target.value))}
            />
          </div>
          <p className="muted" data-says="threshold">
            {step > 0
              ? `${spread.kept[step] ?? 0} from ${spread.steps[step] ?? ""} on, ${spread.total - (spread.kept[step] ?? 0)} below: dashed.`
              : "Drag the line: what lies below is drawn dashed."}
            {spread.without > 0 && ` ${spread.without} have no value.`}
          </p>
        </>
      )}
      {spread && last <= 0 && <p className="muted">No pick has a value in this column.</p>}
      <label className="row">
        <input type="checkbox" checked={isRamp} onChange={(event) => setRamp(event.target.checked)} />
        Circles in colours of this column
      </label>
      {isRamp && spread && last > 0 && (
        <div className="row muted">
          {spread.steps[0]}
          <span className="rampbar mic-ramp" />
          {spread.steps[last]}
        </div>
      )}
    </div>
  );
}

function Histogram({ spread, step }: { spread: Spread; step: number }) {
  const last = spread.steps.length - 1;
  const bars = Array.from({ length: BARS }, (_, bar) => {
    const [from, to] = [Math.round((bar * last) / BARS), Math.round(((bar + 1) * last) / BARS)];
    return { from, count: (spread.kept[from] ?? 0) - (spread.kept[to] ?? 0) };
  });
  const most = Math.max(1, ...bars.map((one) => one.count));
  const x = (step / last) * WIDE;
  return (
    <svg className="chart" viewBox={`0 0 ${WIDE} ${HIGH + 14}`} role="img" aria-label={`${spread.total} picks by ${spread.column}`}>
      {bars.map(({ from, count }, bar) => (
        <rect
          key={bar}
          className={from < step ? "mic-below" : "mic-kept"}
          x={(bar * WIDE) / BARS}
          y={HIGH - (count / most) * HIGH}
          width={WIDE / BARS - 1}
          height={(count / most) * HIGH}
        />
      ))}
      <path className="axis" d={`M0 ${HIGH}.5H${WIDE}`} />
      {step > 0 && <path className="limit" d={`M${x} 0V${HIGH}`} />}
      <text x="0" y={HIGH + 12}>
        {spread.steps[0]}
      </text>
      <text x={WIDE} y={HIGH + 12} textAnchor="end">
        {spread.steps[last]}
      </text>
    </svg>
  );
}

/** What is known of the micrograph. */
export function Facts({ line, width, height, angpix }: { line: Line | undefined; width: number; height: number; angpix: number }) {
  const defocus = line?.defocus;
  const rows: [string, string, string][] = [
    ["Size", width ? `${width} × ${height}` : "–", "px"],
    ["Pixel", angpix ? String(Number(angpix.toPrecision(5))) : "–", "Å"],
  ];
  if (defocus) {
    rows.push(["Defocus U, V", `${Math.round(defocus.u)}, ${Math.round(defocus.v)}`, "Å"]);
    rows.push(["Astigmatism", `${Math.round(defocus.u - defocus.v)} Å at ${defocus.angle.toFixed(1)}`, "°"]);
  }
  if (line?.fit) rows.push(["CTF fits to", line.fit.toFixed(1), "Å"]);
  if (line?.motion) rows.push(["Drift", line.motion.toFixed(1), "Å"]);
  return (
    <dl className="kv">
      {rows.map(([name, value, unit]) => (
        <div key={name} className="pair-row">
          <dt>{name}</dt>
          <dd>
            {value} <span className="unit">{unit}</span>
          </dd>
        </div>
      ))}
    </dl>
  );
}

const KEYS: [string[], string][] = [
  [[",", "."], "previous, next micrograph"],
  [["+", "-"], "larger, smaller"],
  [["0", "1"], "all of it, pixel by pixel"],
  [["V", "D"], "look, measure"],
  [["H"], "hide the picks"],
  [["S"], "spectrum"],
];
const CURATE_KEYS: [string[], string][] = [[["X"], "reject this micrograph, or take it back"]];
const EDIT_KEYS: [string[], string][] = [
  [["A", "E"], "pick, erase"],
  [["[", "]"], "smaller, larger brush"],
  [["Ctrl Z", "Ctrl Y"], "undo, redo"],
  [["Enter"], "pick or erase at the cross, which arrows move"],
];

export function Keys({ canEdit, canReject }: { canEdit: boolean; canReject: boolean }) {
  return (
    <ul className="mic-keys" id="mic-keys">
      {[...KEYS, ...(canReject ? CURATE_KEYS : []), ...(canEdit ? EDIT_KEYS : [])].map(([keys, words]) => (
        <li key={words}>
          {keys.map((key) => (
            <kbd key={key}>{key}</kbd>
          ))}
          {words}
        </li>
      ))}
    </ul>
  );
}
