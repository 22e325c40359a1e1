/** What is asked of the server about an output's micrographs. News of the job make all of it stale but pictures. */
import { queryOptions, useQuery } from "@tanstack/react-query";
import { useEffect, useSyncExternalStore } from "react";

import { answered, api } from "../../api/client";
import { deskOf, type Place, type Shown } from "./desk";
import type { Picture } from "./tiles";

const ROOT = "/api/projects/{key}/jobs/{number}/micrographs/{output}" as const;

export type Source = { key: string; number: number; output: string };
const stale = (source: Source, ...more: unknown[]) =>
  ["project", source.key, "job", source.number, "micrographs", source.output, ...more] as const;

export function useMicrographs(source: Source) {
  return useQuery({
    queryKey: stale(source),
    queryFn: () => answered(api.GET(ROOT, { params: { path: source } })),
  });
}

export function pictureOf(source: Source, at: string, lowpass: number) {
  return queryOptions({
    // Apart from what news make stale: a picture changes with its file alone, and its tiles say so.
    queryKey: ["picture", source, at, lowpass],
    queryFn: (): Promise<Picture> => answered(api.GET(`${ROOT}/picture`, { params: { path: source, query: { at, lowpass } } })),
    enabled: at !== "",
  });
}

/** The picks on a micrograph, as they are edited here or as the server has them. */
export function usePicks(source: Source, at: string) {
  const told = useQuery({
    queryKey: stale(source, "picks", at),
    queryFn: () => answered(api.GET(`${ROOT}/picks`, { params: { path: source, query: { at } } })),
    enabled: at !== "",
  });
  const place: Place = { ...source, micrograph: at };
  const desk = deskOf(place);
  useEffect(() => {
    if (told.data) desk.take(told.data);
  }, [desk, told.data]);
  const shown: Shown = useSyncExternalStore(desk.subscribe, desk.look);
  return { desk, shown, error: told.error };
}

export function useSpread(source: Source, column: string) {
  return useQuery({
    queryKey: stale(source, "spread", column),
    queryFn: () => answered(api.GET(`${ROOT}/spread`, { params: { path: source, query: { column } } })),
    enabled: column !== "",
    placeholderData: (before) => before,
  });
}

function made(jobs: string[]): number {
  const name = jobs[0] ?? "";
  return Number(name.slice(name.lastIndexOf("job") + 3));
}

/** Make the job that keeps what lies above a threshold; its number. */
export async function keepAbove(source: Source, column: string, above: number): Promise<number> {
  return made((await answered(api.POST(`${ROOT}/keep`, { params: { path: source }, body: { column, above } }))).jobs);
}

/** Make the job in which these are picked by hand; its number. */
export async function pickByHand(source: Source, filaments: boolean): Promise<number> {
  return made((await answered(api.POST(`${ROOT}/pick`, { params: { path: source }, body: { filaments } }))).jobs);
}

export async function handOn(source: Source): Promise<string[]> {
  return (await answered(api.POST(`${ROOT}/hand-on`, { params: { path: source } }))).jobs;
}
