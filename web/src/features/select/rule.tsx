import { useEffect, useId, useRef, useState } from "react";

import { Icon } from "../../icon";
import type { SetOf } from "./asking";

const PAUSE_MS = 350;

/** The rule in words: a condition over the set's columns, completed while one types. */
export function Rule({ set, rule, setRule, fault }: { set: SetOf; rule: string; setRule: (rule: string) => void; fault: string }) {
  const [text, setText] = useState(rule);
  const [word, setWord] = useState("");
  const [at, setAt] = useState(0);
  const list = useId();
  const input = useRef<HTMLInputElement>(null);
  const isOwn = useRef(false);
  useEffect(() => {
    if (!isOwn.current || rule !== text) setText(rule);
    isOwn.current = false;
    // What was typed is the rule already: only what others say of it replaces the text.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [rule]);
  useEffect(() => {
    if (text === rule) return;
    const timer = setTimeout(() => {
      isOwn.current = true;
      setRule(text);
    }, PAUSE_MS);
    return () => clearTimeout(timer);
  }, [text, rule, setRule]);
  const found = word.length
    ? set.columns.filter((column) => column.name !== word && column.name.toLowerCase().includes(word.toLowerCase())).slice(0, 8)
    : [];
  const chosen = Math.min(at, found.length - 1);

  function see(element: HTMLInputElement) {
    setWord(/[A-Za-z_]\w*$/.exec(element.value.slice(0, element.selectionStart ?? 0))?.[0] ?? "");
    setAt(0);
  }

  function take(name: string) {
    const element = input.current;
    if (!element) return;
    const end = element.selectionStart ?? text.length;
    const begin = end - word.length;
    setText(text.slice(0, begin) + name + text.slice(end));
    setWord("");
    requestAnimationFrame(() => element.setSelectionRange(begin + name.length, begin + name.length));
  }

  return (
    <div className="rule grow">
      <span className="muted">
        <Icon name="filter" />
      </span>
      <input
        ref={input}
        className="input mono"
        aria-label="Rule: which items are kept"
        role="combobox"
        aria-expanded={found.length > 0}
        aria-controls={list}
        aria-autocomplete="list"
        aria-activedescendant={found.length ? `${list}-${chosen}` : undefined}
        aria-invalid={fault !== ""}
        placeholder={`all are kept; say which, such as ${set.x || "rlnCtfMaxResolution"} > …`}
        spellCheck={false}
        autoComplete="off"
        value={text}
        onChange={(event) => {
          setText(event.target.value);
          see(event.target);
        }}
        onClick={(event) => see(event.currentTarget)}
        onBlur={() => setWord("")}
        onKeyDown={(event) => {
          if (event.key === "Enter" && !event.ctrlKey && !found.length) setRule(text);
          if (!found.length) return;
          if (event.key === "ArrowDown") setAt((chosen + 1) % found.length);
          else if (event.key === "ArrowUp") setAt((chosen + found.length - 1) % found.length);
          else if (event.key === "Tab" || (event.key === "Enter" && !event.ctrlKey)) take(found[chosen]!.name);
          else if (event.key === "Escape") setWord("");
          else return;
          event.preventDefault();
        }}
      />
      <ul id={list} className="completions" role="listbox" aria-label="Columns" hidden={!found.length}>
        {found.map((column, index) => (
          <li
            key={column.name}
            id={`${list}-${index}`}
            role="option"
            aria-selected={index === chosen}
            onPointerDown={(event) => {
              event.preventDefault();
              take(column.name);
            }}
          >
            <span className="mono">{column.name}</span>
            <span className="muted">{[column.unit, column.meaning].filter(Boolean).join(", ")}</span>
          </li>
        ))}
      </ul>
      {fault && (
        <p className="say fail" role="status">
          {fault}
        </p>
      )}
    </div>
  );
}
