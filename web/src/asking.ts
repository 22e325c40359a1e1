/** What is asked of the server, under which key it is remembered, and how news makes it stale. */
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";

import { answered, api } from "./api/client";
import { follow } from "./api/live";

export function useProject(key: string, enabled = true) {
  return useQuery({
    queryKey: ["project", key],
    queryFn: () => answered(api.GET("/api/projects/{key}", { params: { path: { key } } })),
    enabled,
  });
}

export function useJobs(key: string) {
  return useQuery({
    queryKey: ["project", key, "jobs"],
    queryFn: () => answered(api.GET("/api/projects/{key}/jobs", { params: { path: { key } } })),
  });
}

/** All jobs, or those of one's branch. */
export function useGraph(key: string, of: number | null = null) {
  const query = of === null ? {} : { of };
  return useQuery({
    queryKey: ["project", key, "graph", of],
    queryFn: () => answered(api.GET("/api/projects/{key}/graph", { params: { path: { key }, query } })),
  });
}

export function useJob(key: string, number: number) {
  return useQuery({
    queryKey: ["project", key, "job", number],
    queryFn: () => answered(api.GET("/api/projects/{key}/jobs/{number}", { params: { path: { key, number } } })),
    enabled: number > 0,
  });
}

/** Beside what: the same view at another iteration, or of another job. */
export type Beside = { iteration: number | null; job: number | null };

export function useSeen(key: string, number: number, view: string, item: string, iteration: number | null, beside: Beside) {
  const query = {
    item,
    charts: "vega" as const,
    ...(iteration === null ? {} : { iteration }),
    ...(beside.job === null ? {} : { other: beside.job }),
    ...(beside.iteration === null ? {} : { other_iteration: beside.iteration }),
  };
  return useQuery({
    queryKey: ["project", key, "job", number, "view", view, query],
    queryFn: () =>
      answered(
        api.GET("/api/projects/{key}/jobs/{number}/views/{view}", { params: { path: { key, number, view }, query } }),
      ),
    placeholderData: (before) => before,
  });
}

/** Keep what is shown of a project true; returns whether the server is out of reach. */
export function useLive(key: string): boolean {
  const queries = useQueryClient();
  const [isAway, setAway] = useState(false);
  useEffect(
    () =>
      follow(key, (jobs) => {
        setAway(jobs === null);
        if (!jobs) return;
        if (jobs.length) {
          void queries.invalidateQueries({ queryKey: ["project", key, "jobs"] });
          void queries.invalidateQueries({ queryKey: ["project", key, "graph"] });
        }
        for (const job of jobs) {
          const number = Number(job.slice(job.lastIndexOf("job") + 3));
          void queries.invalidateQueries({ queryKey: ["project", key, "job", number] });
        }
      }),
    [key, queries],
  );
  return isAway;
}
