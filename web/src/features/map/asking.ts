/** What is asked of the server about maps. Facts are asked anew with every news of their job; voxels go by their stamp. */
import { queryOptions, useQuery } from "@tanstack/react-query";

import { addressOf, answered, api } from "../../api/client";
import type { components } from "../../api/schema";
import type { Part } from "./worker";

const ROOT = "/api/projects/{key}/jobs/{number}/maps" as const;

export type MapLine = components["schemas"]["MapShape"];
export type Facts = components["schemas"]["MapFactsAnswer"];
export type PointGroup = components["schemas"]["PointGroupAnswer"];
export type Orientations = components["schemas"]["OrientationsAnswer"];

/** A map by its job's number and its name. */
export type Named = { job: number; name: string };
export const wordOf = ({ job, name }: Named) => `${job}:${name}`;

export function namedOf(word: string): Named | null {
  const at = word.indexOf(":");
  const job = Number(word.slice(0, at));
  return at > 0 && job > 0 ? { job, name: word.slice(at + 1) } : null;
}

export function useMaps(key: string, number: number) {
  return useQuery({
    queryKey: ["project", key, "job", number, "maps"],
    queryFn: () => answered(api.GET(ROOT, { params: { path: { key, number } } })),
  });
}

export function useAllMaps(key: string, isWanted: boolean) {
  return useQuery({
    queryKey: ["project", key, "jobs", "maps"],
    queryFn: () => answered(api.GET("/api/projects/{key}/maps", { params: { path: { key } } })),
    enabled: isWanted,
  });
}

export function factsOf(key: string, one: Named | null) {
  return queryOptions({
    queryKey: ["project", key, "job", one?.job ?? 0, "maps", "facts", one?.name ?? ""],
    queryFn: () =>
      answered(api.GET(`${ROOT}/facts`, { params: { path: { key, number: one?.job ?? 0 }, query: { name: one?.name ?? "" } } })) as Promise<Facts>,
    enabled: one !== null,
    // A program may write a file anew without a word of its job: the stamp tells, and a server that has read it answers at once.
    refetchInterval: 5000,
  });
}

export function usePointGroup(key: string, number: number) {
  return useQuery({
    queryKey: ["project", key, "job", number, "maps", "axes"],
    queryFn: () => answered(api.GET(`${ROOT}/axes`, { params: { path: { key, number } } })) as Promise<PointGroup>,
  });
}

/** Of a map of a class those of its own particles. */
export function useOrientations(key: string, number: number, name: string, isWanted: boolean) {
  return useQuery({
    queryKey: ["project", key, "job", number, "maps", "orientations", name],
    queryFn: () => answered(api.GET(`${ROOT}/orientations`, { params: { path: { key, number }, query: { name } } })) as Promise<Orientations>,
    enabled: isWanted,
  });
}

/** The level of a map that encloses so much protein. */
export async function levelOf(key: string, { job, name }: Named, weight_kda: number): Promise<number> {
  return (await answered(api.GET(`${ROOT}/level`, { params: { path: { key, number: job }, query: { name, weight_kda } } }))).level;
}

export async function chimeraxOf(key: string, body: components["schemas"]["MapsLookedAt"]): Promise<string> {
  return answered(api.POST("/api/projects/{key}/maps/chimerax", { params: { path: { key } }, body, parseAs: "text" })) as Promise<string>;
}

export async function fijiOf(key: string, maps: Named[]): Promise<string> {
  return answered(api.POST("/api/projects/{key}/maps/fiji", { params: { path: { key } }, body: { maps }, parseAs: "text" })) as Promise<string>;
}

function address(key: string, { map, stamp }: Facts, what: string, query: Record<string, string>): string {
  const words = new URLSearchParams({ name: map.name, stamp, ...query });
  return addressOf(`projects/${key}/jobs/${map.job}/maps/${what}?${words}`);
}

/** A map's voxels as a worker fetches them. */
export function partOf(key: string, facts: Facts, bin: number): Part {
  const { size, voxel, origin } = facts.placement;
  return { url: address(key, facts, "voxels", { bin: String(bin) }), px: size, voxel, origin, bin };
}

export function slicePicture(key: string, facts: Facts, axis: "x" | "y" | "z", place: number, grey: [number, number], level: number | null): string {
  const [black, white] = grey.map(String) as [string, string];
  return address(key, facts, "slice.png", { axis, place: String(place), black, white, ...(level === null ? {} : { level: String(level) }) });
}

export function projectionPicture(key: string, facts: Facts, axis: "x" | "y" | "z"): string {
  return address(key, facts, "projection.png", { axis });
}

/** Between values and bytes of a map: 254 steps from `low` to `high`, from 1 on. */
export const codeOf = (facts: Facts, value: number) => 1 + ((value - facts.low) / (facts.high - facts.low)) * 254;
export const valueOf = (facts: Facts, code: number) => facts.low + ((code - 1) / 254) * (facts.high - facts.low);

/** Å³ that lie at a level or above it, by the voxels of the whole map: what the library's own proposals count too. */
export function enclosedBy(facts: Facts, level: number): number {
  const first = Math.max(Math.ceil(codeOf(facts, level) - 1), 0); // byte 1 is the first of the counts
  const sum = facts.counts.reduce((before, one, at) => (at >= first ? before + one : before), 0);
  return sum * stepOf(facts, 0) * stepOf(facts, 1) * stepOf(facts, 2);
}

/** Å per voxel along an axis; 1 where the header says none. */
export const stepOf = (facts: Facts, axis: 0 | 1 | 2) => facts.placement.voxel[axis] || 1;
export const hasPixelSize = (facts: Facts) => facts.placement.voxel.every((one) => one > 0);
