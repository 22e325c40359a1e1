/** What is looked at, and how: all of it stands in the address, so that a link shows another person the same. */
import { useCallback, useEffect, useRef, useState } from "react";
import { useSearchParams } from "wouter";

import { namedOf, wordOf, type Named } from "./asking";
import { read, written, type View } from "./camera";

export type Layer = Named & {
  level: number | null; // null: as the server proposes
  opacity: number;
  isHidden: boolean;
};

export type ClipBy = "" | "view" | "x" | "y" | "z";

export type Look = {
  layers: Layer[]; // empty: as the job has them
  active: number;
  isBeside: boolean; // each in a part of the picture of its own
  by: Named | null; // whose values colour the surfaces
  ramp: [number, number] | null; // values at the good and at the other end
  view: View | null; // null: all is seen, along z
  places: [number, number, number] | null; // of the slices, px of the active map
  grey: [number, number] | null; // values that are black and white
  dust: number; // nm³, below which pieces are hidden
  clip: { by: ClipBy; at: number }; // at: part of the way from the far to the near end
  shows: ReadonlySet<string>; // axes, views, planes
};

export const COLOURS = ["#1d9683", "#d98a2b", "#8d9196", "#b06fd0"];
export const MOST_LAYERS = 4;
const REST_MS = 300;

const layersOf = (words: URLSearchParams): Layer[] => {
  const part = (name: string) => (words.get(name) ?? "").split(",");
  const [levels, opacities, hidden] = [part("level"), part("opacity"), part("hidden")];
  return (words.get("of") ?? "")
    .split(",")
    .map((word) => namedOf(decodeURIComponent(word)))
    .filter((one) => one !== null)
    .slice(0, MOST_LAYERS)
    .map((one, at) => ({
      ...one,
      level: levels[at] ? finite(levels[at]) : null,
      opacity: opacities[at] ? Math.min(Math.max(finite(opacities[at]) ?? 1, 0), 1) : 1,
      isHidden: hidden.includes(String(at)),
    }));
};

export function lookOf(words: URLSearchParams): Look {
  const numbers = (name: string, count: number) => {
    const found = (words.get(name) ?? "").split(",").map(Number);
    return words.get(name) && found.length === count && found.every(Number.isFinite) ? found : null;
  };
  const [kind, at] = (words.get("clip") ?? "").split(":");
  const layers = layersOf(words);
  return {
    layers,
    active: Math.min(Math.max(finite(words.get("active")) ?? 0, 0), Math.max(layers.length - 1, 0)),
    isBeside: words.get("how") === "beside",
    by: namedOf(words.get("by") ?? ""),
    ramp: numbers("ramp", 2) as [number, number] | null,
    view: read(words.get("cam") ?? ""),
    places: numbers("xyz", 3) as [number, number, number] | null,
    grey: numbers("grey", 2) as [number, number] | null,
    dust: Math.max(0, finite(words.get("dust")) ?? 0),
    clip: { by: (["view", "x", "y", "z"].includes(kind ?? "") ? kind : "") as ClipBy, at: Math.min(Math.max(finite(at) ?? 1, 0), 1) },
    shows: new Set((words.get("shows") ?? "").split(",").filter(Boolean)),
  };
}

export function wordsOf(look: Look): Record<string, string> {
  const { layers } = look;
  const short = (one: number) => String(Number(one.toPrecision(5)));
  return {
    of: layers.map((one) => encodeURIComponent(wordOf(one))).join(","),
    level: layers.some((one) => one.level !== null) ? layers.map((one) => (one.level === null ? "" : short(one.level))).join(",") : "",
    opacity: layers.some((one) => one.opacity < 1) ? layers.map((one) => short(one.opacity)).join(",") : "",
    hidden: layers.flatMap((one, at) => (one.isHidden ? [at] : [])).join(","),
    active: look.active ? String(look.active) : "",
    how: look.isBeside ? "beside" : "",
    by: look.by ? wordOf(look.by) : "",
    ramp: look.ramp?.map(short).join(",") ?? "",
    cam: look.view ? written(look.view) : "",
    xyz: look.places?.join(",") ?? "",
    grey: look.grey?.map(short).join(",") ?? "",
    dust: look.dust ? short(look.dust) : "",
    clip: look.clip.by ? `${look.clip.by}:${short(look.clip.at)}` : "",
    shows: [...look.shows].join(","),
  };
}

/** What is looked at, changed at once and written into the address soon after one has stopped changing it. */
export function useLook(): [Look, (change: (before: Look) => Partial<Look>) => void] {
  const [params, setParams] = useSearchParams();
  const [look, setLook] = useState(() => lookOf(params));
  const isFirst = useRef(true);
  const said = JSON.stringify(wordsOf(look));
  useEffect(() => {
    if (isFirst.current) {
      isFirst.current = false;
      return;
    }
    const timer = setTimeout(
      () =>
        setParams(
          (before) => {
            const next = new URLSearchParams(before);
            for (const [name, value] of Object.entries(JSON.parse(said) as Record<string, string>)) value ? next.set(name, value) : next.delete(name);
            return next;
          },
          { replace: true },
        ),
      REST_MS,
    );
    return () => clearTimeout(timer);
  }, [said]);
  const change = useCallback((by: (before: Look) => Partial<Look>) => setLook((before) => ({ ...before, ...by(before) })), []);
  return [look, change];
}

function finite(text: string | null | undefined): number | null {
  const value = text === null || text === undefined || text === "" ? NaN : Number(text);
  return Number.isFinite(value) ? value : null;
}
