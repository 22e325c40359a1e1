import { useLocation } from "wouter";

import type { JobAnswer, JobRow } from "../../api/client";
import { Icon } from "../../icon";

/** What can follow a job; nothing where it failed before it made anything that could be taken. */
export function stepsAfter(job: JobAnswer): JobAnswer["next"] {
  return job.state === "failed" && !job.made && !job.items.done ? [] : job.next;
}

type Props = { project: string; row: JobRow; step: JobAnswer["next"][number]; begin: (what: string) => void; className: string };

/** One of them: its form with the inputs filled in; classes that are there are chosen by eye. */
export function NextStep({ project, row, step, begin, className }: Props) {
  const [, go] = useLocation();
  function take() {
    if (step.protocol === "sets.classes" && row.state === "succeeded") go(`/p/${project}/jobs/${row.number}/select`);
    else begin(JSON.stringify({ protocol: step.protocol, given: { ...step.inputs, ...step.params } }));
  }
  return (
    <button className={className} aria-label={`New job: ${step.title}`} onClick={take}>
      <Icon name="plus" />
      {step.title}
    </button>
  );
}
