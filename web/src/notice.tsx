import { useSyncExternalStore } from "react";

import { Icon } from "./icon";

/** Something that was done, and how it is undone. */
export type Notice = { id: number; text: string; undo?: () => Promise<unknown> };

const MOST = 20;
const SHOWN_MS = 12_000;
let notices: Notice[] = [];
let hidden = 0;
let next = 1;
const listeners = new Set<() => void>();

function tellAll() {
  for (const listener of listeners) listener();
}

/** Say what was done; with `undo` it can be taken back, by the button or by Ctrl+Z, in the order of the acts. */
export function notify(text: string, undo?: () => Promise<unknown>) {
  const notice = { id: next++, text, ...(undo ? { undo } : {}) };
  notices = [...notices, notice].slice(-MOST);
  tellAll();
  setTimeout(() => {
    hidden = Math.max(hidden, notice.id);
    tellAll();
  }, SHOWN_MS);
}

/** Take back the last act that can be; returns whether there was one. */
export function undoLast(): boolean {
  const last = notices.findLast((notice) => notice.undo);
  if (!last?.undo) return false;
  notices = notices.filter((notice) => notice.id !== last.id);
  last.undo().then(
    () => notify(`Taken back: ${last.text}`),
    (error: Error) => notify(`Could not be taken back (${error.message}): ${last.text}`),
  );
  tellAll();
  return true;
}

let snapshot = { notices, hidden };
function current() {
  if (snapshot.notices !== notices || snapshot.hidden !== hidden) snapshot = { notices, hidden };
  return snapshot;
}

function subscribe(listener: () => void) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** The newest act, in a corner for a while; it covers nothing that one works with. */
export function Notices() {
  const now = useSyncExternalStore(subscribe, current);
  const shown = now.notices.filter((notice) => notice.id > now.hidden).slice(-1);
  return (
    <div className="notices" role="log" aria-label="What was done">
      {shown.map((notice) => (
        <p key={notice.id} className="notice row">
          <span className="grow">{notice.text}</span>
          {notice.undo && (
            <button className="btn btn-quiet" onClick={() => undoLast()}>
              <Icon name="undo" />
              Undo<kbd>Ctrl Z</kbd>
            </button>
          )}
        </p>
      ))}
    </div>
  );
}
