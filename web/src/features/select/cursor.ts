/** One cursor over gallery and table: where it stands, which range is chosen from it, and what keys do with it. */
import { isTyping } from "../../units";
import type { Line } from "./asking";

export type Cursor = { place: number; anchor: number };

export type Doing = {
  total: number;
  across: number; // items beside each other
  inSight: number; // lines that are seen at once
  cursor: Cursor;
  move: (place: number) => void;
  toggle: (place: number) => void;
  range: (from: number, to: number) => void;
};

/** What a key of the list does; whether it was one. */
export function keyed(event: React.KeyboardEvent, { total, across, inSight, cursor, move, toggle, range }: Doing): boolean {
  if (isTyping(event.nativeEvent) || !total) return false;
  const step: Record<string, number> = {
    ArrowLeft: -1, ArrowRight: 1, ArrowUp: -across, ArrowDown: across, PageUp: -across * inSight, PageDown: across * inSight,
    Home: -total, End: total,
  };
  const by = step[event.key];
  if (by !== undefined) {
    const to = Math.min(Math.max(cursor.place + by, 0), total - 1);
    move(to);
    if (event.shiftKey) range(cursor.anchor, to);
    return true;
  }
  if (event.key === " ") {
    toggle(cursor.place);
    return true;
  }
  return false;
}

/** What a click on an item does. */
export function clicked(event: React.MouseEvent, line: Line, { cursor, move, toggle, range }: Doing) {
  if (event.shiftKey) range(cursor.anchor, line.place);
  else toggle(line.place);
  move(line.place);
}
