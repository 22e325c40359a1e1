/** What this screen asks of the server; all but the set itself of one reading of its file. */
import { useQueries, useQuery } from "@tanstack/react-query";

import { addressOf, answered, api } from "../../api/client";
import type { components } from "../../api/schema";
import type { Choice, Look, Show } from "./choice";

export type SetOf = components["schemas"]["SetAnswer"];
export type Line = { place: number; row: number; id: string; isRuled: boolean; values: (string | number | boolean | null)[] };
export type Where = { key: string; number: number; output: string };

export const PAGE = 60; // items that are asked for at once, and lie in one sheet

export function useSets(key: string, number: number) {
  return useQuery({
    queryKey: ["project", key, "job", number, "sets"],
    queryFn: () => answered(api.GET("/api/projects/{key}/jobs/{number}/datasets", { params: { path: { key, number } } })),
  });
}

export function useSet({ key, number, output }: Where) {
  return useQuery({
    queryKey: ["project", key, "job", number, "set", output],
    queryFn: () => answered(api.GET("/api/projects/{key}/jobs/{number}/datasets/{output}", { params: { path: { key, number, output } } })),
    enabled: output !== "",
    placeholderData: (before) => (before?.output === output ? before : undefined),
  });
}

/** The order in which items are shown; by hand only where it decides what is shown. */
export type Order = { stamp: string; rule: string; added: string[]; removed: string[]; sort: string; descending: boolean; show: Show };

export function orderOf(stamp: string, look: Look): Order {
  const byHand = look.show === "all" ? { added: [], removed: [] } : { added: [...look.added], removed: [...look.removed] };
  return {
    stamp, rule: look.rule, ...byHand, show: look.show,
    sort: look.sort.replace(/^-/, ""), descending: look.sort.startsWith("-"),
  };
}

export type Page = { total: number; lines: Line[] };

async function page(where: Where, order: Order, columns: string[], start: number, count: number): Promise<Page> {
  const found = await answered(
    api.POST("/api/projects/{key}/jobs/{number}/datasets/{output}/rows", {
      params: { path: where }, body: { ...order, columns, start, count },
    }),
  );
  const lines = found.rows.map((row, index) => ({
    place: start + index,
    row,
    id: found.ids[index] ?? "",
    isRuled: found.ruled[index] ?? false,
    values: found.values[index] ?? [],
  }));
  return { total: found.total, lines };
}

/** The items between two places, as far as they have come; `total` once any has. */
export function useLines(where: Where, order: Order | null, columns: string[], first: number, last: number) {
  const pages: number[] = [];
  for (let at = Math.floor(first / PAGE); at <= Math.floor(Math.max(last - 1, first) / PAGE); at++) pages.push(at);
  const asked = useQueries({
    queries: pages.map((at) => ({
      queryKey: ["rows", where, order, columns, at],
      queryFn: () => page(where, order!, columns, at * PAGE, PAGE),
      enabled: order !== null,
      gcTime: 60_000,
    })),
  });
  const found = new Map<number, Page>();
  asked.forEach((one, index) => one.data && found.set(pages[index]!, one.data));
  return { pages: found, error: asked.find((one) => one.error)?.error ?? null };
}

export function fetchLines(where: Where, order: Order, columns: string[], start: number, count: number): Promise<Page> {
  return page(where, order, columns, start, count);
}

export async function placeOf(where: Where, order: Order, row: number): Promise<number | null> {
  const found = await answered(
    api.POST("/api/projects/{key}/jobs/{number}/datasets/{output}/place", { params: { path: where }, body: { ...order, row } }),
  );
  return found.place;
}

function body(stamp: string, choice: Choice) {
  return { stamp, rule: choice.rule, added: [...choice.added], removed: [...choice.removed] };
}

export function useTally(where: Where, stamp: string, choice: Choice) {
  const asked = body(stamp, choice);
  return useQuery({
    queryKey: ["tally", where, asked],
    queryFn: () => answered(api.POST("/api/projects/{key}/jobs/{number}/datasets/{output}/tally", { params: { path: where }, body: asked })),
    placeholderData: (before) => before,
    enabled: stamp !== "",
  });
}

export function useHistogram(where: Where, stamp: string, choice: Choice, column: string) {
  const asked = { ...body(stamp, choice), column, bins: 40 };
  return useQuery({
    queryKey: ["histogram", where, asked],
    queryFn: () => answered(api.POST("/api/projects/{key}/jobs/{number}/datasets/{output}/histogram", { params: { path: where }, body: asked })),
    placeholderData: (before) => before,
    enabled: column !== "",
  });
}

export function usePoints(where: Where, stamp: string, choice: Choice, x: string, y: string) {
  const asked = { ...body(stamp, choice), x, y };
  return useQuery({
    queryKey: ["points", where, asked],
    queryFn: () => answered(api.POST("/api/projects/{key}/jobs/{number}/datasets/{output}/points", { params: { path: where }, body: asked })),
    placeholderData: (before) => before,
    enabled: x !== "" && y !== "",
  });
}

export async function lassoOf(where: Where, x: string, y: string, corners: [number, number][]): Promise<string> {
  const { key, number } = where;
  const found = await answered(api.POST("/api/projects/{key}/jobs/{number}/lasso", { params: { path: { key, number } }, body: { x, y, corners } }));
  return found.condition;
}

export function useAsked(where: Where, stamp: string, choice: Choice, isWanted: boolean) {
  const asked = body(stamp, choice);
  return useQuery({
    queryKey: ["asked", where, asked],
    queryFn: () => answered(api.POST("/api/projects/{key}/jobs/{number}/datasets/{output}/asked", { params: { path: where }, body: asked })),
    enabled: isWanted,
  });
}

export function keep(where: Where, stamp: string, choice: Choice, insteadOf: number) {
  return answered(
    api.POST("/api/projects/{key}/jobs/{number}/datasets/{output}/keep", {
      params: { path: where }, body: { ...body(stamp, choice), alias: "", start: true, ...(insteadOf ? { instead_of: insteadOf } : {}) },
    }),
  );
}

export function useMadeOf(key: string, number: number) {
  return useQuery({
    queryKey: ["project", key, "job", number, "choice"],
    queryFn: () => answered(api.GET("/api/projects/{key}/jobs/{number}/choice", { params: { path: { key, number } } })),
    enabled: number > 0,
  });
}

/** How images are drawn. */
export type Drawing = { sigma: number; lowpass: number };

export function sheetOf(where: Where, stamp: string, rows: readonly number[], size: number, { sigma, lowpass }: Drawing): string {
  const query = new URLSearchParams({ stamp, rows: rows.join(","), size: String(size), sigma: String(sigma), lowpass: String(lowpass) });
  return addressOf(`projects/${where.key}/jobs/${where.number}/datasets/${encodeURIComponent(where.output)}/sheet.jpg?${query}`);
}

/** Where an image lies in a sheet of so many. */
export function tileOf(sheet: string, index: number, count: number, columns: number): React.CSSProperties {
  const across = Math.min(columns, count);
  const down = Math.ceil(count / columns);
  const share = (at: number, of: number) => (of > 1 ? `${(at * 100) / (of - 1)}%` : "0%");
  return {
    backgroundImage: `url("${sheet}")`,
    backgroundSize: `${across * 100}% ${down * 100}%`,
    backgroundPosition: `${share(index % columns, across)} ${share(Math.floor(index / columns), down)}`,
  };
}
