import { Refused } from "./api/client";
import { Icon } from "./icon";

/** What went wrong, in the server's words, and what to do. */
export function Said({ error }: { error: Error }) {
  const problem = error instanceof Refused ? error.problem : null;
  return (
    <div className="banner" role="alert">
      <Icon name="failed" />
      <div>
        <h2>{problem ? [problem.where, problem.found].filter(Boolean).join(" is ") : "The server does not answer"}</h2>
        <p>
          {problem
            ? [problem.expected && `Expected ${problem.expected}.`, problem.hint].filter(Boolean).join(" ")
            : "Is it still running? Start `cryoloom serve` again; this page goes on by itself."}
        </p>
      </div>
    </div>
  );
}
