import { type ReactNode, useEffect } from "react";
import { Link, useLocation } from "wouter";

import type { IconName } from "./drawings";
import { Palette } from "./features/palette/palette";
import { Icon } from "./icon";
import { Notices, undoLast } from "./notice";
import { useByLink } from "./reader";
import { changeTheme } from "./theme";
import { isInField } from "./units";

const KEY = /^\/p\/([^/?]+)/;

/** The frame around every page: where one is, what runs, light or dark. */
export function Frame({
  place = [],
  running = 0,
  waiting = 0,
  isAway = false,
  children,
}: {
  place?: { word: string; to?: string }[];
  running?: number;
  waiting?: number;
  isAway?: boolean;
  children: ReactNode;
}) {
  const [here] = useLocation();
  const project = KEY.exec(here)?.[1] ?? "";
  const session = `/p/${project}/session`;
  const isUser = useByLink() === null;
  useEffect(() => {
    function onKey(event: KeyboardEvent) {
      const isUndo = (event.ctrlKey || event.metaKey) && !event.shiftKey && event.key.toLowerCase() === "z";
      // A field, and a page that has an undo of its own, take it back themselves.
      if (isUndo && !event.defaultPrevented && !isInField(event) && undoLast()) event.preventDefault();
    }
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  }, []);
  return (
    <div className="app">
      <header className="topbar">
        <Link className="brand" href="/" title="All projects">
          <svg viewBox="0 0 20 20" fill="none" stroke="currentColor" strokeWidth="2" role="img" aria-label="Cryoloom">
            <path d="M5 2v9M5 15v3M10 2v3M10 9v9M15 2v9M15 15v3M2 7h6M12 7h6M2 13h1M7 13h6M17 13h1" strokeLinecap="round" />
          </svg>
        </Link>
        <nav className="crumbs" aria-label="Place">
          {place.map(({ word, to }, index) => (
            <span key={word} className="crumb">
              {index > 0 && <Icon name="right" />}
              {to ? <Link href={to}>{word}</Link> : <span>{word}</span>}
            </span>
          ))}
        </nav>
        {isUser ? <Palette project={project} /> : <span className="grow" />}
        <div className="machine" aria-live="polite">
          {isAway && (
            <span className="state" data-s="failed">
              <Icon name="failed" />
              the server does not answer
            </span>
          )}
          {running > 0 && (
            <span className="state" data-s="running">
              <Icon name="running" />
              {running} running
            </span>
          )}
          {waiting > 0 && (
            <span>
              {waiting} {waiting === 1 ? "waits" : "wait"}
            </span>
          )}
        </div>
        <button className="btn btn-quiet btn-icon" title="Light or dark" aria-label="Light or dark" onClick={changeTheme}>
          <Icon name="theme" />
        </button>
      </header>
      <nav className="rail" aria-label="Main">
        {isUser && (
          <Place to={project ? `/p/${project}` : "/"} icon="jobs" word={project ? "Jobs" : "Projects"} isHere={here !== "/machine" && here !== session} />
        )}
        {project && <Place to={session} icon="session" word="Session" isHere={here === session} />}
        {isUser && <Place to="/machine" icon="machine" word="Machine" isHere={here === "/machine"} />}
      </nav>
      <main className="page">{children}</main>
      <Notices />
    </div>
  );
}

function Place({ to, icon, word, isHere }: { to: string; icon: IconName; word: string; isHere: boolean }) {
  return (
    <Link href={to} aria-current={isHere ? "page" : undefined}>
      <Icon name={icon} />
      {word}
    </Link>
  );
}
