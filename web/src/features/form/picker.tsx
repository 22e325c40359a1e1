import { useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";

import { answered, api } from "../../api/client";
import { Icon } from "../../icon";
import { Said } from "../../said";

/** All protocols, found by a word of their name, label or help. */
export function ProtocolPicker({ choose, close }: { choose: (name: string) => void; close: () => void }) {
  const [words, setWords] = useState("");
  const protocols = useQuery({ queryKey: ["protocols"], queryFn: () => answered(api.GET("/api/protocols")) });
  const found = (protocols.data ?? []).filter((one) =>
    words
      .toLowerCase()
      .split(/\s+/)
      .every((word) => `${one.name} ${one.label} ${one.help}`.toLowerCase().includes(word)),
  );
  // Who types faster than the list comes gets the first all the same.
  const [isEntered, setEntered] = useState(false);
  const first = found[0]?.name;
  useEffect(() => {
    if (isEntered && first) choose(first);
  }, [isEntered, first, choose]);
  return (
    <div className="stack whole">
      <header className="row">
        <h1 className="grow">New job</h1>
        <button className="btn btn-quiet btn-icon" aria-label="Close" onClick={close}>
          <Icon name="close" />
        </button>
      </header>
      <input
        className="input"
        type="search"
        autoFocus
        placeholder="motion, classes, mask, join, ..."
        aria-label="Which kind of job"
        value={words}
        onChange={(event) => {
          setWords(event.target.value);
          setEntered(false);
        }}
        onKeyDown={(event) => event.key === "Enter" && setEntered(true)}
      />
      {protocols.error && <Said error={protocols.error} />}
      <ul className="results grow scroll" tabIndex={0} aria-label="Kinds of jobs">
        {found.map((one) => (
          <li key={one.name}>
            <button className="result" onClick={() => choose(one.name)}>
              <b>{one.label}</b>
              <span className="muted">{one.name}</span>
              <span className="second cut">{one.help}</span>
            </button>
          </li>
        ))}
      </ul>
      {protocols.data && !found.length && <p className="muted">None has all of these words.</p>}
    </div>
  );
}
