import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useLocation } from "wouter";

import { answered, api, type JobRow, Refused } from "../../api/client";
import type { IconName } from "../../drawings";
import { Icon } from "../../icon";
import { notify } from "../../notice";
import { Said } from "../../said";
import { digits } from "../../units";

type Verb = "stop" | "end-stream" | "resume" | "retry" | "restart" | "copy" | "delete";
type Act = { verb: Verb; word: string; icon: IconName; rows: JobRow[] };

const ENDED_BADLY = ["failed", "aborted"];

/** What can be done with these jobs in their states; the first is what one would do. */
export function actsOf(rows: JobRow[]): Act[] {
  const found: Act[] = [];
  const ours = rows.filter((row) => row.ours);
  const add = (verb: Verb, word: string, icon: IconName, fitting: JobRow[]) => {
    if (fitting.length) found.push({ verb, word: rows.length > 1 ? `${word} ${fitting.length}` : word, icon, rows: fitting });
  };
  add("end-stream", "End the stream", "succeeded", ours.filter((row) => row.follows_stream));
  add("stop", "Stop", "stop", ours.filter((row) => ["running", "scheduled"].includes(row.state) && row.started));
  add("resume", "Start", "play", ours.filter((row) => !row.started && row.state !== "succeeded"));
  add("resume", "Resume", "play", ours.filter((row) => row.started && ENDED_BADLY.includes(row.state)));
  const failing = ours.filter((row) => row.items.failed > 0);
  const items = failing.reduce((sum, row) => sum + row.items.failed, 0);
  add("retry", rows.length > 1 ? "Retry items of" : `Retry ${items} ${items === 1 ? "item" : "items"}`, "retry", failing);
  add("copy", "Copy", "copy", rows);
  add("delete", "Delete", "trash", rows.filter((row) => row.state !== "running"));
  return found;
}

/** Buttons of what can be done with one job, or with several. */
export function Actions({ project, rows }: { project: string; rows: JobRow[] }) {
  const queries = useQueryClient();
  const [, go] = useLocation();
  const [refused, setRefused] = useState<{ verb: string; error: Error } | null>(null);
  const [isBusy, setBusy] = useState(false);
  const path = { key: project };

  async function act(verb: Verb, which: JobRow[], dependents = false) {
    setBusy(true);
    setRefused(null);
    try {
      const body = { numbers: which.map((row) => row.number), dependents, harsh: false, priority: 0 };
      const done = await answered(api.POST("/api/projects/{key}/acts/{act}", { params: { path: { ...path, act: verb } }, body }));
      const first = done.refused[0];
      if (first) setRefused({ verb, error: new Refused(409, first.problem) });
      if (verb === "delete") {
        const names = done.jobs;
        notify(`Deleted ${names.length === 1 ? names[0] : `${names.length} jobs`}, into Trash/.`, async () => {
          await answered(api.POST("/api/projects/{key}/undelete", { params: { path }, body: { jobs: names } }));
          await queries.invalidateQueries({ queryKey: ["project", project] });
        });
        go(`/p/${project}`);
      }
      await queries.invalidateQueries({ queryKey: ["project", project] });
      const made = done.jobs[0];
      if (verb === "copy" && made && which.length === 1) go(`/p/${project}/jobs/${Number(digits(made))}`);
      if (verb === "end-stream") notify("The stream is ended; what has come is processed. Resume takes it up again.");
      if (verb === "copy" && which.length > 1) notify(`Copied: ${done.jobs.join(", ")}. They start when you say so.`);
    } catch (error) {
      setRefused({ verb, error: error as Error });
    } finally {
      setBusy(false);
    }
  }

  const isNeeded = refused?.verb === "delete" && refused.error instanceof Refused && refused.error.problem.found.startsWith("needed by");
  return (
    <>
      {actsOf(rows).map((one) => (
        <button key={one.word} className="btn" disabled={isBusy} onClick={() => void act(one.verb, one.rows)}>
          <Icon name={one.icon} />
          {one.word}
        </button>
      ))}
      <Clean project={project} rows={rows.filter((row) => row.state === "succeeded")} />
      {refused && <Said error={refused.error} />}
      {isNeeded && (
        <button className="btn btn-danger" onClick={() => void act("delete", rows, true)}>
          <Icon name="trash" />
          Delete these too
        </button>
      )}
    </>
  );
}

/** Cleaning tells first what would go. */
function Clean({ project, rows }: { project: string; rows: JobRow[] }) {
  const queries = useQueryClient();
  const [plan, setPlan] = useState<{ row: JobRow; text: string; isWorth: boolean } | null>(null);
  const [error, setError] = useState<Error | null>(null);
  const row = rows.length === 1 ? rows[0] : undefined;
  if (!row) return null;

  async function clean(one: JobRow, isDry: boolean) {
    const path = { key: project, number: one.number, how: "gently" as const };
    const body = { harsh: false, dry_run: isDry, alias: "", given: {}, branch: false, start: false };
    try {
      const found = await answered(api.POST("/api/projects/{key}/jobs/{number}/clean/{how}", { params: { path }, body }));
      const files = Number(found.files ?? 0);
      const size = `${(Number(found.bytes ?? 0) / 1e6).toFixed(1)} MB`;
      if (isDry) {
        setPlan({ row: one, isWorth: files > 0, text: files ? `${files} files, ${size}, that no later step reads` : "Nothing in it is intermediate" });
      } else {
        setPlan(null);
        notify(`${files} files of ${one.name}, ${size}, lie in Trash/ now.`);
        await queries.invalidateQueries({ queryKey: ["project", project] });
      }
    } catch (refused) {
      setError(refused as Error);
    }
  }

  return (
    <>
      <button className="btn" onClick={() => void clean(row, true)}>
        Clean…
      </button>
      {error && <Said error={error} />}
      {plan && plan.row.number === row.number && (
        <p className="row">
          <span className="muted">{plan.text}.</span>
          {plan.isWorth && (
            <button className="btn" onClick={() => void clean(row, false)}>
              Move to Trash/
            </button>
          )}
          <button className="btn btn-quiet" onClick={() => setPlan(null)}>
            {plan.isWorth ? "Leave" : "Well"}
          </button>
        </p>
      )}
    </>
  );
}
