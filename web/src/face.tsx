import { useState } from "react";

import { addressOf, type JobRow } from "./api/client";

/** The small picture by which a job is known; nothing where it has none yet. Its place is kept, so that nothing moves. */
export function Face({ project, row }: { project: string; row: JobRow }) {
  // What is asked for anew is what has changed: the address says which state of the job it is.
  const address = addressOf(`projects/${project}/jobs/${row.number}/face.png?v=${row.state}-${row.items.done}-${row.progress}`);
  const [absent, setAbsent] = useState("");
  return (
    <span className="pic">
      {absent !== address && <img src={address} alt="" loading="lazy" width="72" height="72" onError={() => setAbsent(address)} />}
    </span>
  );
}
