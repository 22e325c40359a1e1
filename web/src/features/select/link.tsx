import { useState } from "react";
import { Link, useLocation } from "wouter";

import { answered, api, type JobAnswer } from "../../api/client";
import { Icon } from "../../icon";
import { addressed } from "./choice";

const CHOSEN_FROM = ["model", "class averages", "micrographs", "movies", "coordinates", "particles"];
const MADE_BY_CHOICE = ["sets.filter", "sets.classes"];

/** Leads to where one chooses from an output. */
export function SelectLink({ project, number, output, kind }: { project: string; number: number; output: string; kind: string }) {
  if (!CHOSEN_FROM.includes(kind)) return null;
  return (
    <Link className="btn" href={`/p/${project}/jobs/${number}/select/${output}`}>
      <Icon name="brush" />
      Select
    </Link>
  );
}

/** For a job as a whole: choose from what it made; of a choice, change it. */
export function SelectFrom({ project, job }: { project: string; job: JobAnswer }) {
  const [, go] = useLocation();
  const [fault, setFault] = useState("");
  async function takeUp() {
    try {
      const made = await answered(
        api.GET("/api/projects/{key}/jobs/{number}/choice", { params: { path: { key: project, number: job.number } } }),
      );
      const look = { rule: made.rule, added: made.added, removed: made.removed, sort: "", show: "all", x: "", y: "", how: "gallery", from: job.number } as const;
      go(`/p/${project}/jobs/${made.number}/select/${made.output}${addressed(look)}`);
    } catch (error) {
      setFault((error as Error).message);
    }
  }
  const isChoice = MADE_BY_CHOICE.includes(job.protocol);
  const some = Object.values(job.outputs).some((output) => CHOSEN_FROM.includes(String(output.kind)));
  return (
    <>
      {isChoice && (
        <button className="btn" onClick={() => void takeUp()} title={fault || "Look at what was chosen, and change it"}>
          <Icon name="undo" />
          {fault ? "It cannot be taken up" : "Change the choice"}
        </button>
      )}
      {some && (
        <Link className="btn" href={`/p/${project}/jobs/${job.number}/select`}>
          <Icon name="brush" />
          Select
        </Link>
      )}
    </>
  );
}
