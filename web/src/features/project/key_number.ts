import type { JobRow } from "../../api/client";
import { duration } from "../../units";

/** What one would ask of a job first, in a few words. */
export function keyNumber(row: JobRow): string {
  if (row.state === "scheduled" || row.state === "failed" || row.state === "aborted") return row.why;
  if (row.state === "running") {
    const left = row.left_s ? `, ${duration(row.left_s)} left` : "";
    return (row.progress || counted(row)) + left;
  }
  return row.made || counted(row);
}

export function counted(row: JobRow): string {
  const { done, failed, total } = row.items;
  if (!done && !failed && !total) return "";
  const of = total && total !== done ? ` of ${total}` : "";
  return `${done}${of}${failed ? `, ${failed} failed` : ""}`;
}
