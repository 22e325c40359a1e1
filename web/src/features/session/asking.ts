/** What the session page asks of the server. */
import { keepPreviousData, useQuery } from "@tanstack/react-query";

import { addressOf, answered, api, Refused } from "../../api/client";
import type { components } from "../../api/schema";

export type Session = components["schemas"]["SessionAnswer"];
export type Quality = components["schemas"]["QualityAnswer"];
export type Series = components["schemas"]["SeriesShape"];
export type Plan = components["schemas"]["PlanAnswer"];
export type Limit = { low: number | null; high: number | null };
export type Limits = Record<string, Limit>;

const LOOK_EVERY_MS = 3000;

/** The stream as it is, looked at again and again: ages grow though nothing happens. */
export function useSession(key: string) {
  return useQuery({
    queryKey: ["project", key, "session"],
    queryFn: () => answered(api.GET("/api/projects/{key}/session", { params: { path: { key } } })),
    refetchInterval: LOOK_EVERY_MS,
    staleTime: 0,
    // A project without a stream says so, and is asked again: one may begin.
    retry: (count, error) => !(error instanceof Refused) && count < 1,
  });
}

/** What was measured; asked for when the session has something new. */
export function useQuality(key: string, version: number | undefined) {
  return useQuery({
    queryKey: ["project", key, "session", "quality", version],
    queryFn: () => answered(api.GET("/api/projects/{key}/session/quality", { params: { path: { key } } })),
    enabled: version !== undefined,
    placeholderData: keepPreviousData,
    gcTime: 0,
  });
}

/** What other limits would keep, and what is made again. */
export function useLimitsPlan(key: string, limits: Limits, version: number) {
  return useQuery({
    queryKey: ["project", key, "session", "limits", limits, version],
    queryFn: () => answered(api.POST("/api/projects/{key}/session/limits/plan", { params: { path: { key } }, body: { limits } })),
    enabled: Object.keys(limits).length > 0,
    placeholderData: keepPreviousData,
    gcTime: 0,
  });
}

export function useChangePlan(key: string, job: string, ofAll: boolean) {
  return useQuery({
    queryKey: ["project", key, "session", "change", job, ofAll],
    queryFn: () =>
      answered(
        api.POST("/api/projects/{key}/session/change/plan", { params: { path: { key } }, body: { job, given: {}, of_all: ofAll } }),
      ),
    enabled: job !== "",
    gcTime: 0,
  });
}

export function useParameters(key: string, number: number) {
  return useQuery({
    queryKey: ["project", key, "job", number, "parameters"],
    queryFn: () => answered(api.GET("/api/projects/{key}/jobs/{number}/parameters", { params: { path: { key, number } } })),
    enabled: number > 0,
  });
}

export function useLinks(key: string, isOpen: boolean) {
  return useQuery({
    queryKey: ["project", key, "session", "links"],
    queryFn: () => answered(api.GET("/api/projects/{key}/session/links", { params: { path: { key } } })),
    enabled: isOpen,
    staleTime: 0,
  });
}

/** The address of a picture of the session; `of` says what is in it, so that another one is asked for anew. */
export function pictureAddress(key: string, name: string, of: Record<string, string | number>): string {
  const query = new URLSearchParams(Object.entries(of).map(([word, value]) => [word, String(value)]));
  return addressOf(`projects/${key}/session/${name}?${query}`);
}
