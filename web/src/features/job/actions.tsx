import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useLocation } from "wouter";

import { answered, api, type JobAnswer, type Verb } from "../../api/client";
import { Icon } from "../../icon";
import { Said } from "../../said";

type Act = { verb: Verb; word: string; icon: "stop" | "retry" | "copy" | "trash" | "play"; asks?: string };

/** What can be done with a job in its state; the first is what one would do. */
function actsOf(job: JobAnswer): Act[] {
  const isOurs = Object.keys(job.params).length > 0 || job.attempts > 0;
  const acts: Act[] = [];
  if (["running", "scheduled"].includes(job.state)) acts.push({ verb: "stop", word: "Stop", icon: "stop" });
  if (isOurs && ["failed", "aborted"].includes(job.state)) acts.push({ verb: "resume", word: "Resume", icon: "play" });
  if (job.items.failed > 0) acts.push({ verb: "retry", word: `Retry ${job.items.failed}`, icon: "retry" });
  acts.push({ verb: "copy", word: "Copy", icon: "copy" });
  if (!["running"].includes(job.state)) {
    acts.push({ verb: "delete", word: "Delete", icon: "trash", asks: "Move this job to the trash?" });
  }
  return acts;
}

export function Actions({ project, job }: { project: string; job: JobAnswer }) {
  const queries = useQueryClient();
  const [, go] = useLocation();
  const [error, setError] = useState<Error | null>(null);
  const [isBusy, setBusy] = useState(false);

  async function act({ verb, asks }: Act) {
    if (asks && !confirm(asks)) return;
    setBusy(true);
    setError(null);
    try {
      const path = { key: project, number: job.number, verb };
      const body = { harsh: false, dry_run: false, alias: "", given: {}, branch: false, start: false };
      const { jobs } = await answered(api.POST("/api/projects/{key}/jobs/{number}/{verb}", { params: { path }, body }));
      await queries.invalidateQueries({ queryKey: ["project", project] });
      const made = jobs[0];
      if (verb === "copy" && made) go(`/p/${project}/jobs/${Number(made.slice(made.lastIndexOf("job") + 3))}`);
      if (verb === "delete") go(`/p/${project}`);
    } catch (refused) {
      setError(refused as Error);
    } finally {
      setBusy(false);
    }
  }

  return (
    <>
      {actsOf(job).map((one) => (
        <button key={one.verb} className="btn" disabled={isBusy} onClick={() => void act(one)}>
          <Icon name={one.icon} />
          {one.word}
        </button>
      ))}
      {error && <Said error={error} />}
    </>
  );
}
