import { useEffect, useRef, useState } from "react";

import type { components } from "../../api/schema";
import { addressOf } from "../../api/client";
import type { Source } from "./asking";

export type Line = components["schemas"]["MicrographShape"];

const ITEM_PX = 61;
const MARGIN = 4;

export const ORDERS = {
  table: { word: "in order", by: null },
  few: { word: "fewest picks", by: (one: Line) => one.picks ?? 0 },
  many: { word: "most picks", by: (one: Line) => -(one.picks ?? 0) },
  fit: { word: "best CTF fit", by: (one: Line) => one.fit ?? Infinity },
  worst: { word: "worst CTF fit", by: (one: Line) => -(one.fit ?? Infinity) },
} as const;
export type Order = keyof typeof ORDERS;

/** Those that are asked for, in their order. */
export function chosen(lines: readonly Line[], filter: string, order: Order): Line[] {
  const words = filter.toLowerCase().split(/\s+/).filter(Boolean);
  const found = lines.filter((one) => words.every((word) => one.micrograph.toLowerCase().includes(word)));
  const by = ORDERS[order].by;
  return by ? found.sort((one, other) => by(one) - by(other)) : found;
}

/** `single_0001` of `MotionCorr/job002/Movies/job001/single_0001.mrc`. */
export function shortName(micrograph: string): string {
  return micrograph.slice(micrograph.lastIndexOf("/") + 1).replace(/\.[^.]*$/, "");
}

/** The micrographs in a column, of which only those that are seen are drawn. */
export function Strip(props: {
  source: Source;
  lines: readonly Line[];
  at: string;
  /** Numbers of picks that this page knows better than the server yet. */
  counts: ReadonlyMap<string, number>;
  withPictures: boolean;
  isRejected: (line: Line) => boolean;
  go: (micrograph: string) => void;
}) {
  const { source, lines, at, counts, withPictures, isRejected, go } = props;
  const list = useRef<HTMLDivElement>(null);
  const [seen, setSeen] = useState({ top: 0, height: 600 });
  const index = lines.findIndex((one) => one.micrograph === at);

  useEffect(() => {
    const element = list.current;
    if (!element) return;
    const look = () => setSeen({ top: element.scrollTop, height: element.clientHeight });
    const watcher = new ResizeObserver(look);
    watcher.observe(element);
    element.addEventListener("scroll", look, { passive: true });
    return () => {
      watcher.disconnect();
      element.removeEventListener("scroll", look);
    };
  }, []);

  useEffect(() => {
    const element = list.current;
    if (!element || index < 0) return;
    const top = index * ITEM_PX;
    if (top < element.scrollTop) element.scrollTop = top;
    if (top + ITEM_PX > element.scrollTop + element.clientHeight) element.scrollTop = top + ITEM_PX - element.clientHeight;
  }, [index]);

  const first = Math.max(0, Math.floor(seen.top / ITEM_PX) - MARGIN);
  const last = Math.min(lines.length, Math.ceil((seen.top + seen.height) / ITEM_PX) + MARGIN);

  function onKey(event: React.KeyboardEvent) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const next = step && lines[Math.min(Math.max(index + step, 0), lines.length - 1)];
    if (!next) return;
    event.preventDefault();
    go(next.micrograph);
  }

  return (
    <div
      ref={list}
      className="strip grow"
      role="listbox"
      aria-label="Micrographs"
      tabIndex={0}
      aria-activedescendant={index >= first && index < last ? `mic-${index}` : undefined}
      onKeyDown={onKey}
    >
      <div role="presentation" style={{ height: lines.length * ITEM_PX, position: "relative" }}>
        {lines.slice(first, last).map((one, place) => {
          const count = counts.get(one.micrograph) ?? one.picks;
          return (
            <div
              key={one.micrograph}
              id={`mic-${first + place}`}
              className="item"
              data-fate={isRejected(one) ? "rejected" : undefined}
              role="option"
              aria-selected={one.micrograph === at}
              title={one.micrograph}
              style={{ position: "absolute", top: (first + place) * ITEM_PX, left: 0, right: 0, height: ITEM_PX }}
              onClick={() => go(one.micrograph)}
            >
              {withPictures ? <img src={small(source, one.micrograph)} alt="" width="52" height="52" loading="lazy" /> : <span />}
              <div>
                <b className="cut">{shortName(one.micrograph)}</b>
                <div className="muted">{isRejected(one) ? "rejected" : facts(one)}</div>
                <div className="muted">
                  {[count !== null && `${count} ${count === 1 ? "pick" : "picks"}`, one.motion !== null && `${one.motion.toFixed(1)} Å drift`].filter(Boolean).join(", ")}
                </div>
              </div>
            </div>
          );
        })}
      </div>
    </div>
  );
}

function small({ key, number, output }: Source, micrograph: string): string {
  const query = new URLSearchParams({ at: micrograph });
  return addressOf(`projects/${key}/jobs/${number}/micrographs/${encodeURIComponent(output)}/small.png?${query}`);
}

/** `5.0 Å, 1.44 µm`: to where the CTF fits, and the mean defocus. */
function facts(one: Line): string {
  const defocus = one.defocus && `${((one.defocus.u + one.defocus.v) / 20000).toFixed(2)} µm`;
  return [one.fit !== null && `${one.fit.toFixed(1)} Å`, defocus].filter(Boolean).join(", ");
}
