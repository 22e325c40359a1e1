/** What is chosen: a rule, and what was changed by hand after it; as it stands in the address. Knows no server and no React. */

export type Choice = { rule: string; added: readonly string[]; removed: readonly string[] };
export type Show = "all" | "kept" | "rejected";

/** All that an address says of how a set is looked at. */
export type Look = Choice & {
  sort: string; // "-rlnX": the largest first
  show: Show;
  x: string;
  y: string;
  how: "gallery" | "table";
  from: number; // the job whose choice was taken up; 0: none
};

export const NONE = "false";

export function isKept(choice: Choice, id: string, isRuled: boolean): boolean {
  return (isRuled || choice.added.includes(id)) && !choice.removed.includes(id);
}

/** The choice with some items kept or left out; each is told with whether the rule keeps it. */
export function withItems(choice: Choice, items: readonly { id: string; isRuled: boolean }[], keep: boolean): Choice {
  const [added, removed] = [new Set(choice.added), new Set(choice.removed)];
  for (const { id, isRuled } of items) {
    added.delete(id);
    removed.delete(id);
    if (keep && !isRuled) added.add(id);
    if (!keep && isRuled) removed.add(id);
  }
  return { ...choice, added: [...added], removed: [...removed] };
}

/** What was kept is left out and the other way round; what no rule can judge stays out. */
export function inverted(choice: Choice): Choice {
  const rule = choice.rule.trim();
  const whole = /^not \((.*)\)$/s.exec(rule)?.[1];
  const other = rule === "" ? NONE : rule === NONE ? "" : whole !== undefined && isOne(whole) ? whole : `not (${rule})`;
  return { rule: other, added: choice.removed, removed: choice.added };
}

/** The parts of a rule that must all hold; one part where something else joins them. */
export function clauses(rule: string): string[] {
  const words = rule.trim();
  if (!words) return [];
  const parts: string[] = [];
  let [depth, start, isQuoted] = [0, 0, false];
  for (let at = 0; at < words.length; at++) {
    const letter = words[at];
    if (letter === "'") isQuoted = !isQuoted;
    if (isQuoted) continue;
    if (letter === "(") depth++;
    if (letter === ")") depth--;
    if (depth || letter !== " ") continue;
    if (/^ or /i.test(words.slice(at, at + 4))) return [`(${words})`];
    // The `and` of `between 1 and 2` joins no parts.
    if (/^ and /i.test(words.slice(at, at + 5)) && !/\bbetween\s+\S+$/i.test(words.slice(start, at))) {
      parts.push(words.slice(start, at).trim());
      start = at + 5;
    }
  }
  return [...parts, words.slice(start).trim()];
}

/** The rule with other limits for some columns: what a brush said of them before is forgotten. */
export function brushed(rule: string, columns: readonly string[], said: string): string {
  const kept = clauses(rule).filter(
    (part) => part !== NONE && !columns.some((name) => new RegExp(`^\\(?${name} between \\S+ and \\S+`).test(part) && isOfBrush(part, columns)),
  );
  return [...kept, said].filter(Boolean).join(" and ");
}

/** A range or a lasso over these columns alone. */
function isOfBrush(part: string, columns: readonly string[]): boolean {
  if (/^\w+ between \S+ and \S+$/.test(part)) return true;
  return /^\(.*% 2 = 1\)$/s.test(part) && columns.length === 2 && columns.every((name) => part.includes(`${name} between`));
}

function isOne(text: string): boolean {
  let depth = 0;
  for (const letter of text) {
    depth += letter === "(" ? 1 : letter === ")" ? -1 : 0;
    if (depth < 0) return false;
  }
  return depth === 0;
}

/** A limit with as many digits as can be told apart on an axis that spans so much. */
export function limit(value: number, span: number): string {
  return String(Number(value.toFixed(Math.min(12, Math.max(0, Math.ceil(-Math.log10(span / 2000)))))));
}

export function lookOf(search: string, hash: string): Look {
  const [said, hand] = [new URLSearchParams(search), new URLSearchParams(hash.replace(/^#/, ""))];
  const ids = (name: string) => (hand.get(name) ?? "").split(",").filter(Boolean);
  const show = said.get("show");
  return {
    rule: said.get("rule") ?? "",
    added: ids("added"),
    removed: ids("removed"),
    sort: said.get("sort") ?? "",
    show: show === "kept" || show === "rejected" ? show : "all",
    x: said.get("x") ?? "",
    y: said.get("y") ?? "",
    how: said.get("how") === "table" ? "table" : "gallery",
    from: Number(said.get("from")) || 0,
  };
}

/** The end of an address; what was changed by hand stands behind `#`, which is not sent and may be long. */
export function addressed(look: Look): string {
  const said = new URLSearchParams();
  for (const name of ["rule", "sort", "show", "x", "y", "how", "from"] as const) {
    const value = String(look[name] || "");
    if (value && value !== "all" && value !== "gallery") said.set(name, value);
  }
  const hand = new URLSearchParams();
  if (look.added.length) hand.set("added", look.added.join(","));
  if (look.removed.length) hand.set("removed", look.removed.join(","));
  const [query, fragment] = [said.toString(), hand.toString()];
  return (query ? `?${query}` : "") + (fragment ? `#${fragment}` : "");
}
