/** What becomes of a micrograph's picks: edits that can be undone, and what two people did put together. Knows no page and no server. */

export type Values = Record<string, string | number | null>;
/** `key` names a pick in this page, before the server has given it an id and after. */
export type Pick = { key: number; x: number; y: number; values: Values };
export type Edit =
  | { kind: "add"; picks: readonly Pick[] }
  | { kind: "remove"; picks: readonly Pick[] }
  | { kind: "move"; pick: Pick; to: { x: number; y: number } };

export function applied(picks: readonly Pick[], edit: Edit): readonly Pick[] {
  switch (edit.kind) {
    case "add": {
      const there = new Set(picks.map((one) => one.key));
      return [...picks, ...edit.picks.filter((one) => !there.has(one.key))];
    }
    case "remove": {
      const gone = new Set(edit.picks.map((one) => one.key));
      return picks.filter((one) => !gone.has(one.key));
    }
    case "move":
      return picks.map((one) => (one.key === edit.pick.key ? { ...one, ...edit.to } : one));
  }
}

export function inverse(edit: Edit): Edit {
  switch (edit.kind) {
    case "add":
      return { kind: "remove", picks: edit.picks };
    case "remove":
      return { kind: "add", picks: edit.picks };
    case "move":
      return { kind: "move", pick: { ...edit.pick, ...edit.to }, to: { x: edit.pick.x, y: edit.pick.y } };
  }
}

/** What was done between two states of one set of picks. */
export type Changes = { added: Pick[]; removed: Pick[]; moved: Pick[] };

export function changesBetween(before: readonly Pick[], after: readonly Pick[]): Changes {
  const old = new Map(before.map((one) => [one.key, one]));
  const kept = new Set(after.map((one) => one.key));
  return {
    added: after.filter((one) => !old.has(one.key)),
    removed: before.filter((one) => !kept.has(one.key)),
    moved: after.filter((one) => {
      const was = old.get(one.key);
      return was !== undefined && (was.x !== one.x || was.y !== one.y);
    }),
  };
}

export function count(changes: Changes): number {
  return changes.added.length + changes.removed.length + changes.moved.length;
}

/** The same done to what others have made of them meanwhile; what is gone there stays gone. */
export function onto(theirs: readonly Pick[], changes: Changes): readonly Pick[] {
  const moved = new Map(changes.moved.map((one) => [one.key, one]));
  const gone = new Set(changes.removed.map((one) => one.key));
  const there = new Set(theirs.map((one) => one.key));
  return [
    ...theirs.filter((one) => !gone.has(one.key)).map((one) => {
      const to = moved.get(one.key);
      return to ? { ...one, x: to.x, y: to.y } : one;
    }),
    ...changes.added.filter((one) => !there.has(one.key)),
  ];
}

/** Whether both are the same places: files have six decimals. */
export function areAlike(one: readonly Pick[], other: readonly Pick[]): boolean {
  return (
    one.length === other.length &&
    one.every((pick, index) => {
      const mate = other[index];
      return mate !== undefined && Math.abs(pick.x - mate.x) < 1e-4 && Math.abs(pick.y - mate.y) < 1e-4;
    })
  );
}

/** The nearest pick within `reach` px of a place. */
export function nearest(picks: readonly Pick[], place: { x: number; y: number }, reach: number): Pick | null {
  let found: Pick | null = null;
  let least = reach;
  for (const one of picks) {
    const away = Math.hypot(one.x - place.x, one.y - place.y);
    if (away <= least) [found, least] = [one, away];
  }
  return found;
}

/** All picks within `reach` px of a place. */
export function within(picks: readonly Pick[], place: { x: number; y: number }, reach: number): Pick[] {
  return picks.filter((one) => Math.hypot(one.x - place.x, one.y - place.y) <= reach);
}

/** Picks with the other ends of their filaments: the nth two of the list are those of the nth. */
export function withOtherEnds(all: readonly Pick[], chosen: readonly Pick[]): Pick[] {
  const keys = new Set(chosen.map((one) => one.key));
  return all.filter((one, index) => keys.has(one.key) || keys.has(all[index % 2 ? index - 1 : index + 1]?.key ?? -1));
}
