import { useQuery } from "@tanstack/react-query";
import { useState } from "react";

import { answered, api } from "../../api/client";
import { Icon } from "../../icon";
import { notify } from "../../notice";

type Body = { protocol: string; given: Record<string, string | string[]>; alias: string };
const FORMS = { command: "RELION's command", shell: "Command line", python: "Python", workflow: "JSON" } as const;

/** The job that the form asks for, as what it runs, and as the other ways to ask for it. */
export function Recipe({ project, body, command, isWhole }: { project: string; body: Body; command: string; isWhole: boolean }) {
  const [form, setForm] = useState<keyof typeof FORMS>("command");
  const { protocol, given, alias } = body;
  const recipe = useQuery({
    queryKey: ["recipe", project, protocol, given, alias],
    queryFn: () =>
      answered(
        api.POST("/api/projects/{key}/recipe", {
          params: { path: { key: project } },
          body: { protocol, given, alias, label: "", start: true, priority: 0, alone: false, memory_gb: 0 },
        }),
      ),
    enabled: form !== "command",
    placeholderData: (before) => before,
  });
  const text = form === "command" ? command : (recipe.data?.[form] ?? "");
  return (
    <div className="stack recipe">
      <div className="row">
        <div className="seg" role="group" aria-label="This job as">
          {(Object.keys(FORMS) as (keyof typeof FORMS)[]).map((one) => (
            <button key={one} type="button" aria-pressed={one === form} onClick={() => setForm(one)}>
              {FORMS[one]}
            </button>
          ))}
        </div>
        <span className="grow" />
        <button
          type="button"
          className="btn btn-quiet"
          disabled={!text}
          onClick={() => void navigator.clipboard.writeText(text).then(() => notify("Copied.")).catch(() => notify("The browser allows no copying here."))}
        >
          <Icon name="copy" />
          Copy
        </button>
      </div>
      <pre className="command" tabIndex={0} aria-label={FORMS[form]}>
        {text || (isWhole && form === "command" ? "None: it runs no program of RELION's." : "Known when nothing is missing.")}
      </pre>
      {form === "command" && command.includes(" auto") && <p className="muted">What is auto is found when the job begins: the job's page then has the command with its values.</p>}
    </div>
  );
}
