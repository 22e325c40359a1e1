import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";

import { answered, api } from "../../api/client";
import { notify } from "../../notice";
import { Said } from "../../said";

/** Jobs in the trash, to be taken back. */
export function Deleted({ project }: { project: string }) {
  const queries = useQueryClient();
  const [error, setError] = useState<Error | null>(null);
  const path = { key: project };
  const deleted = useQuery({
    queryKey: ["project", project, "deleted"],
    queryFn: () => answered(api.GET("/api/projects/{key}/deleted", { params: { path } })),
    staleTime: 0,
  });

  async function takeBack(job: string) {
    setError(null);
    try {
      await answered(api.POST("/api/projects/{key}/undelete", { params: { path }, body: { jobs: [job] } }));
      await queries.invalidateQueries({ queryKey: ["project", project] });
      notify(`${job} is back.`);
    } catch (refused) {
      setError(refused as Error);
    }
  }

  if (deleted.error) return <Said error={deleted.error} />;
  if (!deleted.data?.length) {
    return (
      <div className="empty">
        <h1>No deleted job</h1>
        <p>Jobs that are deleted lie whole in Trash/ and are listed here, to be taken back.</p>
      </div>
    );
  }
  return (
    <div className="scroll" tabIndex={0} role="region" aria-label="Deleted jobs">
      {error && <Said error={error} />}
      <table className="table">
        <thead>
          <tr>
            <th>Deleted job</th>
            <th>Lies in</th>
            <th />
          </tr>
        </thead>
        <tbody>
          {deleted.data.map((one) => (
            <tr key={one.job}>
              <td>{one.job}</td>
              <td>
                <code>{one.trash}</code>
              </td>
              <td className="num">
                <button className="btn" onClick={() => void takeBack(one.job)}>
                  Take back
                </button>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
