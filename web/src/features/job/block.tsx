import { addressOf } from "../../api/client";
import { Chart } from "./chart";

/** A part of what a view shows, as the server gives it. */
export type Part = {
  kind: string;
  title: string;
  caption?: string;
  vega?: Record<string, unknown>;
  picture?: string;
  columns?: string[];
  rows?: unknown[][];
  text?: string;
};

const MOST_ROWS = 500;

/** Draws any part; it knows kinds of parts, and no protocol. */
export function BlockOf({ part }: { part: Part }) {
  switch (part.kind) {
    case "chart":
      return <Chart spec={part.vega ?? {}} title={part.title} />;
    case "picture":
      return (
        <div className="picture">
          <img src={addressOf(part.picture ?? "")} alt={part.title} />
        </div>
      );
    case "metrics":
      return (
        <dl className="kv">
          {(part.rows ?? []).map(([name, value]) => (
            <div key={String(name)} className="pair-row">
              <dt>{String(name)}</dt>
              <dd>{String(value)}</dd>
            </div>
          ))}
        </dl>
      );
    case "table":
      return <TableOf part={part} />;
    default:
      return <p className="prose">{part.text ?? ""}</p>;
  }
}

function TableOf({ part }: { part: Part }) {
  const rows = part.rows ?? [];
  return (
    <div className="scroll" tabIndex={0} role="region" aria-label={part.title}>
      <table className="table">
        <thead>
          <tr>
            {(part.columns ?? []).map((name) => (
              <th key={name}>{name}</th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.slice(0, MOST_ROWS).map((row, index) => (
            <tr key={index}>
              {row.map((value, column) => (
                <td key={column} className={isNumber(value) ? "num" : undefined}>
                  {String(value ?? "")}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      {rows.length > MOST_ROWS && (
        <p className="muted">
          The first {MOST_ROWS} of {rows.length} rows.
        </p>
      )}
    </div>
  );
}

function isNumber(value: unknown): boolean {
  return typeof value === "number" || (typeof value === "string" && /^-?\d[\d.,]*( \S+)?$/.test(value));
}
