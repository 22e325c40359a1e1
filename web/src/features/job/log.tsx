import { useQuery } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";

import { answered, api } from "../../api/client";
import { Said } from "../../said";

// What programs write when something went wrong; the line is lit, nothing is concluded from it.
const BAD = /error|fail|abort|cannot|exception|terminate|warning/i;

/** What the programs said, followed while it grows; lines that speak of errors are lit. */
export function Log({ project, number }: { project: string; number: number }) {
  const log = useQuery({
    queryKey: ["project", project, "job", number, "log"],
    queryFn: () => answered(api.GET("/api/projects/{key}/jobs/{number}/log", { params: { path: { key: project, number } } })),
    refetchInterval: 3000,
  });
  const [words, setWords] = useState("");
  const [onlyBad, setOnlyBad] = useState(false);
  const [follows, setFollows] = useState(true);
  const end = useRef<HTMLDivElement>(null);
  const text = log.data?.text ?? "";
  useEffect(() => {
    if (follows) end.current?.scrollIntoView({ block: "end" });
  }, [text, follows]);
  if (log.error) return <Said error={log.error} />;
  const lines = text.split("\n");
  const bad = lines.filter((line) => BAD.test(line)).length;
  const shown = lines.filter((line) => line.toLowerCase().includes(words.toLowerCase()) && (!onlyBad || BAD.test(line)));
  return (
    <>
      <div className="row sticky">
        <input
          className="input"
          type="search"
          placeholder="Find in the log"
          aria-label="Find in the log"
          value={words}
          onChange={(event) => setWords(event.target.value)}
        />
        <label className="row">
          <input className="switch" type="checkbox" checked={onlyBad} onChange={() => setOnlyBad(!onlyBad)} />
          Only the {bad} lines that speak of errors or warnings
        </label>
        <label className="row">
          <input className="switch" type="checkbox" checked={follows} onChange={() => setFollows(!follows)} />
          Follow
        </label>
        <span className="muted">{words || onlyBad ? `${shown.length} of ${lines.length} lines` : `${lines.length} lines`}</span>
      </div>
      <pre className="log">
        {text
          ? shown.map((line, index) => (
              <span key={index} className={BAD.test(line) ? "bad" : undefined}>
                {line}
                {"\n"}
              </span>
            ))
          : "It has said nothing."}
      </pre>
      <div ref={end} />
    </>
  );
}
