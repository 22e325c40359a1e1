import { useQuery } from "@tanstack/react-query";
import { useState } from "react";

import { addressOf, answered, api } from "../../api/client";
import { Said } from "../../said";
import { bytes } from "../../units";

/** The files of a job's folder; a click saves one. */
export function Files({ project, number }: { project: string; number: number }) {
  const [words, setWords] = useState("");
  const path = { key: project, number };
  const files = useQuery({
    queryKey: ["project", project, "job", number, "files", words],
    queryFn: () => answered(api.GET("/api/projects/{key}/jobs/{number}/files", { params: { path, query: { words } } })),
    placeholderData: (before) => before,
  });
  if (files.error) return <Said error={files.error} />;
  const found = files.data;
  return (
    <>
      <div className="row">
        <input
          className="input"
          type="search"
          placeholder="part of a name: model.star"
          aria-label="Find a file"
          value={words}
          onChange={(event) => setWords(event.target.value)}
        />
        {found && (
          <span className="muted">
            {found.total} files, {bytes(found.bytes)}
            {found.files.length < found.total && `; the first ${found.files.length}`}
          </span>
        )}
      </div>
      <table className="table">
        <thead>
          <tr>
            <th>File</th>
            <th className="num">Size</th>
            <th className="num">Changed</th>
          </tr>
        </thead>
        <tbody>
          {found?.files.map((file) => (
            <tr key={file.name}>
              <td>
                <a href={addressOf(`projects/${project}/jobs/${number}/file?name=${encodeURIComponent(file.name)}`)} download>
                  {file.name}
                </a>
              </td>
              <td className="num">{bytes(file.bytes)}</td>
              <td className="num">{new Date(file.changed * 1000).toLocaleString()}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </>
  );
}
