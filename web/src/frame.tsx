import type { ReactNode } from "react";
import { Link } from "wouter";

import { Icon } from "./icon";

const KEPT = "cryoloom-theme";

function changeTheme() {
  const root = document.documentElement;
  const isDark = root.dataset.theme
    ? root.dataset.theme === "dark"
    : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = isDark ? "light" : "dark";
  localStorage.setItem(KEPT, root.dataset.theme);
  dispatchEvent(new Event("theme"));
}

const kept = localStorage.getItem(KEPT);
if (kept) document.documentElement.dataset.theme = kept;

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
  const project = place.find((one) => one.to?.startsWith("/p/"))?.to;
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
        <span className="grow" />
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
        <Link href={project ?? "/"} aria-current="page">
          <Icon name="jobs" />
          {project ? "Jobs" : "Projects"}
        </Link>
      </nav>
      <main className="page">{children}</main>
    </div>
  );
}
