import { useQuery } from "@tanstack/react-query";
import { type KeyboardEvent, useEffect, useRef, useState } from "react";
import { useLocation } from "wouter";

import { answered, api } from "../../api/client";
import { useJobs } from "../../asking";
import type { IconName } from "../../drawings";
import { changeTheme } from "../../theme";
import { Icon, stateIcon } from "../../icon";
import { digits, folder } from "../../units";

type Found = { group: string; icon: IconName; word: string; second: string; go: () => void };

const MOST_OF_A_GROUP = 8;
const ASK_AFTER_MS = 150;

/** One place to find everything: jobs, what they made, kinds of jobs, parameters, labels, actions. Opened by Ctrl+K. */
export function Palette({ project }: { project: string }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [isOpen, setOpen] = useState(false);
  useEffect(() => {
    function onKey(event: globalThis.KeyboardEvent) {
      if (!(event.ctrlKey || event.metaKey) || !["k", "f"].includes(event.key.toLowerCase()) || event.shiftKey) return;
      event.preventDefault();
      setOpen(true);
    }
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  }, []);
  useEffect(() => {
    if (isOpen) dialog.current?.showModal();
  }, [isOpen]);
  return (
    <>
      <button className="palette" onClick={() => setOpen(true)}>
        <Icon name="search" />
        <span className="grow cut">Jobs, parameters, data, actions</span>
        <kbd>Ctrl K</kbd>
      </button>
      {isOpen && (
        <dialog ref={dialog} className="palette-box" aria-label="Find anything" onClose={() => setOpen(false)}>
          <Search project={project} close={() => dialog.current?.close()} />
        </dialog>
      )}
    </>
  );
}

function Search({ project, close }: { project: string; close: () => void }) {
  const [words, setWords] = useState("");
  const [at, setAt] = useState(0);
  const found = useFound(project, words);
  const chosen = found[Math.min(at, found.length - 1)];
  const list = useRef<HTMLUListElement>(null);
  useEffect(() => {
    list.current?.querySelector('[aria-selected="true"]')?.scrollIntoView({ block: "nearest" });
  }, [at]);

  function take(one: Found | undefined) {
    if (!one) return;
    close();
    one.go();
  }

  function onKey(event: KeyboardEvent) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) {
      event.preventDefault();
      setAt((before) => (Math.min(before, found.length - 1) + step + found.length) % Math.max(found.length, 1));
    }
    if (event.key === "Enter") take(chosen);
  }

  const groups = [...new Set(found.map((one) => one.group))];
  return (
    <div className="stack" onKeyDown={onKey}>
      <input
        className="input"
        type="search"
        autoFocus
        role="combobox"
        aria-expanded="true"
        aria-controls="found"
        aria-activedescendant={chosen ? `found-${found.indexOf(chosen)}` : undefined}
        aria-label="Find anything"
        placeholder="mask, 017, particle_diameter, rlnDefocusU, cards"
        value={words}
        onChange={(event) => {
          setWords(event.target.value);
          setAt(0);
        }}
      />
      <ul ref={list} className="results scroll" role="listbox" id="found" aria-label="Found" tabIndex={-1}>
        {groups.map((group) => [
          <li key={group} className="group" role="presentation">
            {group}
          </li>,
          ...found
            .filter((one) => one.group === group)
            .map((one) => (
              <li
                key={`${group} ${one.word} ${one.second}`}
                id={`found-${found.indexOf(one)}`}
                role="option"
                aria-selected={one === chosen}
                onMouseDown={(event) => event.preventDefault()}
                onClick={() => take(one)}
              >
                <Icon name={one.icon} />
                <span className="grow cut">{one.word}</span>
                <span className="muted cut">{one.second}</span>
              </li>
            )),
        ])}
      </ul>
      {!found.length && <p className="muted">Nothing has these words.</p>}
    </div>
  );
}

function useFound(project: string, words: string): Found[] {
  const [, go] = useLocation();
  const [asked, setAsked] = useState("");
  useEffect(() => {
    const timer = setTimeout(() => setAsked(words.trim()), ASK_AFTER_MS);
    return () => clearTimeout(timer);
  }, [words]);
  const jobs = useJobs(project).data ?? [];
  const protocols = useQuery({ queryKey: ["protocols"], queryFn: () => answered(api.GET("/api/protocols")) }).data ?? [];
  const help = useQuery({
    queryKey: ["help", asked],
    queryFn: () => answered(api.GET("/api/help", { params: { query: { words: asked } } })),
    enabled: asked.length > 1,
    placeholderData: (before) => before,
  }).data;

  const parts = words.toLowerCase().split(/\s+/).filter(Boolean);
  const fits = (text: string) => parts.every((part) => text.toLowerCase().includes(part));
  const newJob = (protocol: string) => () => go(`/p/${project}?new=${encodeURIComponent(protocol)}`);
  const take = (all: Found[]) => all.filter((one) => fits(`${one.word} ${one.second}`)).slice(0, MOST_OF_A_GROUP);

  const ofJobs = [...jobs].reverse().map((row) => ({
    group: "Jobs",
    icon: stateIcon(row.state),
    word: `${digits(row.name)} ${folder(row.name)}`,
    second: `${row.alias || row.label || row.title} · ${row.name}`,
    go: () => go(`/p/${project}/jobs/${row.number}`),
  }));
  const data = [...jobs].reverse().flatMap((row) =>
    Object.entries(row.outputs).map(([name, output]) => ({
      group: "Data",
      icon: "data" as const,
      word: `${name.replaceAll("_", " ")} of ${row.alias || `${digits(row.name)} ${folder(row.name)}`}`,
      second: `${String(output.kind)}${output.items ? `, ${String(output.items)}` : ""}`,
      go: () => go(`/p/${project}/jobs/${row.number}/data`),
    })),
  );
  const kinds = protocols.map((one) => ({
    group: "New job",
    icon: "plus" as const,
    word: one.label,
    second: one.name,
    go: newJob(one.name),
  }));
  const places: [string, IconName, string][] = project
    ? [
        ["Graph of jobs", "jobs", `/p/${project}/graph`],
        ["Cards of jobs", "cards", `/p/${project}/cards`],
        ["Table of jobs", "table", `/p/${project}/table`],
        ["Deleted jobs, to be taken back", "trash", `/p/${project}/deleted`],
      ]
    : [];
  places.push(["All projects", "jobs", "/"], ["Machine: what runs, disks, programs", "machine", "/machine"]);
  const actions: Found[] = [
    ...places.map(([word, icon, to]) => ({ group: "Actions", icon, word, second: "", go: () => go(to) })),
    { group: "Actions", icon: "theme", word: "Light or dark", second: "", go: changeTheme },
  ];
  const hits = words.trim().length > 1 ? (help?.hits.filter((hit) => hit.parameter) ?? []) : [];
  const parameters = hits.slice(0, MOST_OF_A_GROUP).map((hit) => ({
    group: "Parameters",
    icon: "settings" as const,
    word: hit.what,
    second: `${hit.parameter} of ${hit.protocol}`,
    go: newJob(hit.protocol),
  }));
  const labels = (words.trim().length > 1 ? (help?.labels ?? []) : []).slice(0, MOST_OF_A_GROUP).map((label) => ({
    group: "Labels",
    icon: "info" as const,
    word: `${label.label}${label.unit ? `, ${label.unit}` : ""}`,
    second: label.meaning,
    go: () => undefined,
  }));
  return [
    ...take(ofJobs),
    ...(parts.length ? take(data) : []),
    ...(project && parts.length ? take(kinds) : []),
    ...(project ? parameters : []),
    ...labels,
    ...take(actions),
  ];
}
