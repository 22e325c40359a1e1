import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";

import { answered, api } from "../../api/client";
import { Icon } from "../../icon";
import { notify } from "../../notice";
import { Said } from "../../said";
import { digits } from "../../units";
import { type Session, useChangePlan, useParameters } from "./asking";
import { Consequences } from "./consequences";

const BY_ITEMS = ["movies", "micrographs", "coordinates", "particles"];

/** Other parameters of a step while items stream through it: what is kept and what is made again stands before the button. */
export function Change({ project, now, close }: { project: string; now: Session; close: () => void }) {
  const queries = useQueryClient();
  const steps = now.steps.slice(1).filter((step) => BY_ITEMS.includes(step.kind) && ["running", "scheduled"].includes(step.state));
  const [job, setJob] = useState(steps[0]?.name ?? "");
  const [name, setName] = useState("");
  const [value, setValue] = useState("");
  const [ofAll, setOfAll] = useState(false);
  const [error, setError] = useState<Error | null>(null);
  const step = steps.find((one) => one.name === job);
  const known = useParameters(project, Number(digits(job || "job0")));
  const plan = useChangePlan(project, job, ofAll);
  const parameters = (known.data ?? []).filter((one) => one.tab !== "Streaming" && one.tab !== "Running");
  const chosen = parameters.find((one) => one.name === name);
  const isOther = chosen !== undefined && value !== "" && value !== chosen.text;

  async function make() {
    setError(null);
    try {
      const body = { job, given: { [name]: value }, of_all: ofAll };
      const done = await answered(api.POST("/api/projects/{key}/session/change", { params: { path: { key: project } }, body }));
      notify(`${step?.title}: ${name}=${value}, version ${done.version}, ${ofAll ? "for all items" : "for what comes"}.`);
      await queries.invalidateQueries({ queryKey: ["project", project] });
      close();
    } catch (refused) {
      setError(refused as Error);
    }
  }

  return (
    <section className="pop" role="dialog" aria-label="Change parameters of the running session" onKeyDown={(event) => event.key === "Escape" && close()}>
      <div className="row">
        <h2 className="grow">{step ? `${step.title}: change while it runs` : "Change while it runs"}</h2>
        <button className="btn btn-quiet btn-icon" aria-label="Close" onClick={close}>
          <Icon name="close" />
        </button>
      </div>
      {steps.length === 0 && <p>No step runs now. Copy a job with other parameters on its own page.</p>}
      {steps.length > 0 && (
        <>
          <div className="row">
            <select className="input" aria-label="Step" autoFocus value={job} onChange={(event) => (setJob(event.target.value), setName(""), setValue(""))}>
              {steps.map((one) => (
                <option key={one.name} value={one.name}>
                  {one.title}, {one.name}
                </option>
              ))}
            </select>
            <select
              className="input"
              aria-label="Parameter"
              value={name}
              onChange={(event) => {
                setName(event.target.value);
                setValue(parameters.find((one) => one.name === event.target.value)?.text ?? "");
              }}
            >
              <option value="">which parameter</option>
              {parameters.map((one) => (
                <option key={one.name} value={one.name}>
                  {one.label}
                </option>
              ))}
            </select>
          </div>
          {chosen && (
            <div className={isOther ? "field changed" : "field"}>
              <label htmlFor="changed-value">{chosen.label}</label>
              <div className="with-unit">
                <input className="input" id="changed-value" value={value} onChange={(event) => setValue(event.target.value)} />
                <span className="unit">{chosen.unit}</span>
              </div>
              <span className="note">now {chosen.text || "empty"}</span>
            </div>
          )}
          <fieldset className="stack">
            <legend className="vh">Applies to</legend>
            <label className="row">
              <input type="radio" name="apply" checked={!ofAll} onChange={() => setOfAll(false)} /> what comes from now on; the {step?.done} before stay
            </label>
            <label className="row">
              <input type="radio" name="apply" checked={ofAll} onChange={() => setOfAll(true)} /> all {step?.done}, and those to come
            </label>
          </fieldset>
          {plan.data && <Consequences plan={plan.data} />}
          {(error ?? plan.error) && <Said error={(error ?? plan.error)!} />}
          <div className="row wrap">
            <span className="grow" />
            <button className="btn" onClick={close}>
              Leave as it is
            </button>
            <button className="btn btn-primary" disabled={!isOther || !plan.data} onClick={() => void make()}>
              {ofAll ? `Make all ${step?.done} again` : "Change what comes"}
            </button>
          </div>
        </>
      )}
    </section>
  );
}
