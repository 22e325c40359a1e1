import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";

import { answered, api, type JobRow } from "../../api/client";
import { Icon } from "../../icon";
import { notify } from "../../notice";
import { Said } from "../../said";

/** A job's own name, changed in its place; it can be taken back. */
export function Alias({ project, row }: { project: string; row: JobRow }) {
  const queries = useQueryClient();
  const [typed, setTyped] = useState<string | null>(null);
  const [error, setError] = useState<Error | null>(null);

  async function give(alias: string) {
    const path = { key: project, number: row.number, verb: "alias" as const };
    const body = { harsh: false, dry_run: false, alias, given: {}, branch: false, start: false };
    await answered(api.POST("/api/projects/{key}/jobs/{number}/{verb}", { params: { path }, body }));
    await queries.invalidateQueries({ queryKey: ["project", project] });
  }

  async function save() {
    if (typed === null || typed === row.alias) return setTyped(null);
    const before = row.alias;
    try {
      await give(typed);
      notify(typed ? `${row.name} is called ${typed}.` : `${row.name} has no alias now.`, () => give(before));
      setTyped(null);
      setError(null);
    } catch (refused) {
      setError(refused as Error);
    }
  }

  if (typed === null) {
    return (
      <button className="alias-name cut" title="Change the alias" onClick={() => setTyped(row.alias)}>
        {row.alias || row.label || row.title}
        <Icon name="note" small />
      </button>
    );
  }
  return (
    <>
      <input
        className="input"
        aria-label="Alias"
        autoFocus
        value={typed}
        placeholder="a name of your own"
        onChange={(event) => setTyped(event.target.value)}
        onBlur={() => void save()}
        onKeyDown={(event) => {
          if (event.key === "Enter") void save();
          if (event.key === "Escape") setTyped(null);
        }}
      />
      {error && <Said error={error} />}
    </>
  );
}
