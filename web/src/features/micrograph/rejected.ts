/** Micrographs that are rejected on their pictures: their ids stand in the address, and go on to the select screen. */
import { addressed } from "../select/choice";

export function rejectedOf(params: URLSearchParams): ReadonlySet<string> {
  return new Set((params.get("rejected") ?? "").split(",").filter(Boolean));
}

/** The address's value with one more, or without one that was rejected; null for none. */
export function turned(ids: ReadonlySet<string>, id: string): string | null {
  const next = new Set(ids);
  if (!next.delete(id)) next.add(id);
  return [...next].join(",") || null;
}

/** The end of the select screen's address with all of a set but these. */
export function withoutThese(ids: ReadonlySet<string>): string {
  return addressed({ rule: "", added: [], removed: [...ids], sort: "", show: "all", x: "", y: "", how: "gallery", from: 0 });
}
