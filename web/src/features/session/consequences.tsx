import { duration } from "../../units";
import type { Plan } from "./asking";

const WORDS: Record<string, string> = { again: "again", new: "made", "from the start": "from the start", stays: "stays as it is" };
const MOST = 8;

/** What becomes of each job, before anything is done: those that keep all they have in one line. */
export function Consequences({ plan }: { plan: Plan }) {
  const kept = plan.consequences.filter((one) => one.becomes === "kept");
  const others = plan.consequences.filter((one) => one.becomes !== "kept");
  const left = Object.entries(plan.left_out);
  return (
    <>
      <table className="table">
        <thead>
          <tr>
            <th>What happens</th>
            <th className="num">Items</th>
            <th className="num">Takes</th>
          </tr>
        </thead>
        <tbody>
          {kept.length > 0 && (
            <tr>
              <td className="wide">{kept.map((one) => one.title).join(", ")}</td>
              <td className="num">kept</td>
              <td className="num">–</td>
            </tr>
          )}
          {others.slice(0, MOST).map((one) => (
            <tr key={`${one.job}${one.becomes}`}>
              <td className="wide" title={one.job}>
                {one.title}, {WORDS[one.becomes] ?? one.becomes}
              </td>
              <td className="num">{one.items?.toLocaleString("en") ?? "–"}</td>
              <td className="num">{one.seconds == null ? "–" : duration(one.seconds)}</td>
            </tr>
          ))}
          {others.length > MOST && (
            <tr>
              <td className="wide" title={others.slice(MOST).map((one) => one.title).join(", ")}>
                and {others.length - MOST} more, from the start
              </td>
              <td className="num">–</td>
              <td className="num">–</td>
            </tr>
          )}
        </tbody>
      </table>
      {left.length > 0 && (
        <p className="muted">
          Not made again: {left.map(([job, why]) => `${job} (${why})`).join(", ")}.
        </p>
      )}
    </>
  );
}
