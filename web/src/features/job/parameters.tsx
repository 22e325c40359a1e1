import { useQuery } from "@tanstack/react-query";
import { useState } from "react";

import { answered, api, type JobAnswer } from "../../api/client";
import { useJobs } from "../../asking";
import { Said } from "../../said";
import { digits } from "../../units";

/** All parameters; a dot marks what differs from the default, and a column what another job of the kind has. */
export function Parameters({ project, job }: { project: string; job: JobAnswer }) {
  const [other, setOther] = useState<number | null>(null);
  const [onlyDifferent, setOnlyDifferent] = useState(false);
  const [words, setWords] = useState("");
  const alike = (useJobs(project).data ?? []).filter((row) => row.protocol === job.protocol && row.number !== job.number);
  const path = { key: project, number: job.number };
  const query = other === null ? {} : { other };
  const asked = useQuery({
    queryKey: ["project", project, "job", job.number, "parameters", other],
    queryFn: () => answered(api.GET("/api/projects/{key}/jobs/{number}/parameters", { params: { path, query } })),
    placeholderData: (before) => before,
  });
  if (asked.error) return <Said error={asked.error} />;
  const all = asked.data ?? [];
  const shown = all.filter(
    (one) =>
      `${one.name} ${one.label}`.toLowerCase().includes(words.toLowerCase()) &&
      (!onlyDifferent || (other === null ? one.differs_from_default : one.differs_from_other)),
  );
  const tabs = [...new Set(shown.map((one) => one.tab))];
  const different = all.filter((one) => (other === null ? one.differs_from_default : one.differs_from_other)).length;
  return (
    <>
      <div className="row wrap">
        <input
          className="input"
          type="search"
          placeholder="Find a parameter"
          aria-label="Find a parameter"
          value={words}
          onChange={(event) => setWords(event.target.value)}
        />
        <label className="row">
          Beside
          <select className="input" value={other ?? ""} onChange={(event) => setOther(Number(event.target.value) || null)}>
            <option value="">the defaults</option>
            {[...alike].reverse().map((row) => (
              <option key={row.number} value={row.number}>
                {row.alias ? `${row.name}, ${row.alias}` : row.name}
              </option>
            ))}
          </select>
        </label>
        <label className="row">
          <input className="switch" type="checkbox" checked={onlyDifferent} onChange={() => setOnlyDifferent(!onlyDifferent)} />
          Only the {different} that differ
        </label>
      </div>
      <table className="table">
        <thead>
          <tr>
            <th>Parameter</th>
            <th>Name</th>
            <th className="num">Here</th>
            <th className="num">{other === null ? "Default" : `Job ${digits(alike.find((row) => row.number === other)?.name ?? "")}`}</th>
            <th>Unit</th>
          </tr>
        </thead>
        {tabs.map((tab) => (
          <tbody key={tab}>
            <tr>
              <th colSpan={5} scope="rowgroup" className="muted">
                {tab || "Known to the file only"}
              </th>
            </tr>
            {shown
              .filter((one) => one.tab === tab)
              .map((one) => {
                const differs = other === null ? one.differs_from_default : one.differs_from_other;
                return (
                  <tr key={one.name} className={differs ? "differs" : undefined}>
                    <td>
                      {differs && <span className="vh">differs: </span>}
                      {one.label}
                    </td>
                    <td className="second">{one.name}</td>
                    <td className="num">{one.text || "–"}</td>
                    <td className="num second">{(other === null ? one.default : one.other) || "–"}</td>
                    <td className="second">{one.unit}</td>
                  </tr>
                );
              })}
          </tbody>
        ))}
      </table>
    </>
  );
}
