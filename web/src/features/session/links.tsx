import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";

import { answered, api, base } from "../../api/client";
import { Icon } from "../../icon";
import { notify } from "../../notice";
import { Said } from "../../said";
import { useLinks } from "./asking";

const DAY_MS = 86_400_000;
const USUAL_DAYS = 14;

/** Links that may look at this session, do nothing, and end. */
export function Links({ project, close }: { project: string; close: () => void }) {
  const queries = useQueryClient();
  const known = useLinks(project, true);
  const [until, setUntil] = useState(() => dayOf(Date.now() + USUAL_DAYS * DAY_MS));
  const [note, setNote] = useState("");
  const [made, setMade] = useState("");
  const [error, setError] = useState<Error | null>(null);
  const again = () => queries.invalidateQueries({ queryKey: ["project", project, "session", "links"] });

  async function make() {
    setError(null);
    try {
      const one = await answered(api.POST("/api/projects/{key}/session/links", { params: { path: { key: project } }, body: { until, note } }));
      setMade(`${new URL(`p/${project}/session`, base).href}#token=${one.token}`);
      await again();
    } catch (refused) {
      setError(refused as Error);
    }
  }

  async function withdraw(identity: string) {
    setError(null);
    try {
      await answered(api.DELETE("/api/projects/{key}/session/links/{identity}", { params: { path: { key: project, identity } } }));
      notify("The link is withdrawn; who has it sees nothing any more.");
      await again();
    } catch (refused) {
      setError(refused as Error);
    }
  }

  return (
    <section className="pop" role="dialog" aria-label="Read-only links" onKeyDown={(event) => event.key === "Escape" && close()}>
      <div className="row">
        <h2 className="grow">Read-only links to this session</h2>
        <button className="btn btn-quiet btn-icon" aria-label="Close" onClick={close}>
          <Icon name="close" />
        </button>
      </div>
      <p className="second">Who has one sees this page, and neither changes anything nor sees other projects, this machine or its folders.</p>
      <div className="row">
        <label className="row">
          <span className="muted nowrap">Until the end of</span>
          <input className="input" type="date" autoFocus value={until} min={dayOf(Date.now())} onChange={(event) => setUntil(event.target.value)} />
        </label>
        <input className="input" placeholder="for whom" aria-label="For whom" value={note} onChange={(event) => setNote(event.target.value)} />
        <button className="btn btn-primary" disabled={!until} onClick={() => void make()}>
          Make a link
        </button>
      </div>
      {error && <Said error={error} />}
      {made && (
        <div className="row">
          <input className="input mono" readOnly aria-label="The new link" value={made} onFocus={(event) => event.target.select()} />
          <button className="btn" onClick={() => void navigator.clipboard.writeText(made).then(() => notify("The link is on the clipboard."))}>
            <Icon name="copy" />
            Copy
          </button>
        </div>
      )}
      {made && <p className="muted">It is shown this once; nobody can read it from here again.</p>}
      <table className="table">
        <tbody>
          {known.data?.map((link) => (
            <tr key={link.id}>
              <td className="wide">{link.note || <span className="muted">for nobody named</span>}</td>
              <td>until {new Date(link.until * 1000 - DAY_MS / 2).toLocaleDateString("en-GB", { day: "numeric", month: "short", year: "numeric" })}</td>
              <td className="num">
                <button className="btn btn-quiet" onClick={() => void withdraw(link.id)}>
                  Withdraw
                </button>
              </td>
            </tr>
          ))}
          {known.data?.length === 0 && (
            <tr>
              <td className="muted">No link is good now.</td>
            </tr>
          )}
        </tbody>
      </table>
    </section>
  );
}

/** A day as the field has it, by this clock. */
function dayOf(at: number): string {
  const date = new Date(at);
  return new Date(at - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 10);
}
