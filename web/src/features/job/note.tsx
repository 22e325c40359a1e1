import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";

import { answered, api } from "../../api/client";
import { Said } from "../../said";

/** A job's note, which RELION's window shows too; one writes below it. */
export function NoteOf({ project, number }: { project: string; number: number }) {
  const queries = useQueryClient();
  const [typed, setTyped] = useState("");
  const [error, setError] = useState<Error | null>(null);
  const path = { key: project, number };
  const key = ["project", project, "job", number, "note"];
  const note = useQuery({
    queryKey: key,
    queryFn: () => answered(api.GET("/api/projects/{key}/jobs/{number}/note", { params: { path } })),
  });

  async function add() {
    try {
      const whole = await answered(api.POST("/api/projects/{key}/jobs/{number}/note", { params: { path }, body: { text: typed } }));
      queries.setQueryData(key, whole);
      setTyped("");
      setError(null);
    } catch (refused) {
      setError(refused as Error);
    }
  }

  return (
    <section className="stack">
      <h2 className="label">Note</h2>
      {note.data?.text && <pre className="log">{note.data.text.trim()}</pre>}
      <form
        className="row"
        onSubmit={(event) => {
          event.preventDefault();
          if (typed.trim()) void add();
        }}
      >
        <textarea
          className="input grow"
          rows={2}
          aria-label="Add to the note"
          placeholder="what you want to know of this job in a year"
          value={typed}
          onChange={(event) => setTyped(event.target.value)}
        />
        <button className="btn" disabled={!typed.trim()}>
          Add
        </button>
      </form>
      {error && <Said error={error} />}
    </section>
  );
}
