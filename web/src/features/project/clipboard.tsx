import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";

import { answered, api, type JobRow } from "../../api/client";
import { Icon } from "../../icon";
import { notify } from "../../notice";
import { Said } from "../../said";
import { digits, isInField } from "../../units";

type Workflow = { format: number; title?: string; jobs: unknown[]; placeholders?: Record<string, { help?: string; default?: unknown }> };

/** The workflow that a text is, or null. */
export function workflowIn(text: string): Workflow | null {
  try {
    const found = JSON.parse(text) as Workflow;
    return found && Array.isArray(found.jobs) && found.jobs.length > 0 ? found : null;
  } catch {
    return null;
  }
}

/** Ctrl+C takes the chosen jobs as a workflow, Ctrl+V puts one into this project: from another project, window or file. */
export function useClipboard(project: string, chosen: JobRow[], paste: (workflow: Workflow) => void) {
  const latest = useRef({ chosen, paste });
  latest.current = { chosen, paste };
  useEffect(() => {
    function onCopy(event: ClipboardEvent) {
      const rows = latest.current.chosen;
      if (!rows.length || String(getSelection()) || isInField(event)) return;
      const jobs = rows.map((row) => row.number).join(",");
      // The clipboard is written later than this event: the workflow comes from the server.
      event.preventDefault();
      void answered(api.GET("/api/projects/{key}/workflow", { params: { path: { key: project }, query: { jobs } } })).then(
        async ({ workflow, left_out }) => {
          const text = JSON.stringify(workflow, null, 1);
          localStorage.setItem(KEPT, text);
          await navigator.clipboard?.writeText(text).catch(() => undefined);
          const out = Object.entries(left_out).map(([name, why]) => ` Not in it: ${name}, ${why}.`);
          notify(`${rows.length === 1 ? rows[0]!.name : `${rows.length} jobs`} can be put into any project by Ctrl+V.${out.join("")}`);
        },
        (error: Error) => notify(error.message),
      );
    }
    function onPaste(event: ClipboardEvent) {
      if (isInField(event)) return;
      const found = workflowIn(event.clipboardData?.getData("text/plain") ?? "") ?? workflowIn(localStorage.getItem(KEPT) ?? "");
      if (!found) return;
      event.preventDefault();
      latest.current.paste(found);
    }
    addEventListener("copy", onCopy);
    addEventListener("paste", onPaste);
    return () => {
      removeEventListener("copy", onCopy);
      removeEventListener("paste", onPaste);
    };
  }, [project]);
}

// Where a browser gives the page no clipboard (http from another machine), its windows share this.
const KEPT = "cryoloom-clipboard";

/** What a workflow needs before its jobs are made: its placeholders. */
export function Paste(props: { project: string; workflow: Workflow; close: () => void; done: (numbers: number[]) => void }) {
  const { project, workflow } = props;
  const queries = useQueryClient();
  const dialog = useRef<HTMLDialogElement>(null);
  const wanted = Object.entries(workflow.placeholders ?? {});
  const [values, setValues] = useState<Record<string, string>>({});
  const [error, setError] = useState<Error | null>(null);
  const [isBusy, setBusy] = useState(false);
  useEffect(() => dialog.current?.showModal(), []);

  async function make() {
    setBusy(true);
    try {
      const body = { workflow: workflow as unknown as Record<string, unknown>, placeholders: values };
      const { jobs } = await answered(api.POST("/api/projects/{key}/workflow", { params: { path: { key: project } }, body }));
      await queries.invalidateQueries({ queryKey: ["project", project] });
      notify(`${jobs.length} jobs were made; Start, when you have looked at them.`, async () => {
        const numbers = jobs.map((name) => Number(digits(name)));
        await answered(
          api.POST("/api/projects/{key}/acts/{act}", {
            params: { path: { key: project, act: "delete" } },
            body: { numbers, dependents: false, harsh: false, priority: 0 },
          }),
        );
        await queries.invalidateQueries({ queryKey: ["project", project] });
      });
      props.done(jobs.map((name) => Number(digits(name))));
      props.close();
    } catch (refused) {
      setError(refused as Error);
      setBusy(false);
    }
  }

  return (
    <dialog ref={dialog} className="palette-box" aria-label="Put jobs into this project" onClose={props.close}>
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault();
          void make();
        }}
      >
        <h1>
          {workflow.jobs.length} {workflow.jobs.length === 1 ? "job" : "jobs"}
          {workflow.title ? ` of ${workflow.title}` : ""}
        </h1>
        {wanted.length > 0 && <p className="muted">What they took from outside has to be named here: a job of this project, or a file.</p>}
        {wanted.map(([name, one]) => (
          <label key={name} className="stack">
            <span>{one.help || name}</span>
            <input
              className="input"
              name={name}
              value={values[name] ?? ""}
              placeholder={one.default === undefined ? "" : String(one.default)}
              required={one.default === undefined}
              onChange={(event) => setValues({ ...values, [name]: event.target.value })}
            />
          </label>
        ))}
        {error && <Said error={error} />}
        <div className="row">
          <span className="grow" />
          <button type="button" className="btn" onClick={() => dialog.current?.close()}>
            Not now
          </button>
          <button className="btn btn-primary" disabled={isBusy}>
            <Icon name="plus" />
            Make {workflow.jobs.length}
          </button>
        </div>
      </form>
    </dialog>
  );
}
