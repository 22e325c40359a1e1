/** A layer's surface: its worker, what it makes, and that it is drawn. It shows nothing itself. */
import { useEffect, useRef, useState } from "react";

import { codeOf, partOf, valueOf, type Facts } from "./asking";
import { Mesher, type Surface } from "./mesher";
import type { Scale, Scene, Style } from "./scene";

const REST_MS = 160;
const FLUENT_MS = 90; // a surface that takes longer is drawn coarsely while the level moves

/** What is known of a surface that is drawn. */
export type Drawn = { triangles: number; share: number; pieces: number; bin: number; ms: number; isWhole: boolean };

export function LayerSurface(props: {
  project: string;
  facts: Facts;
  layer: string;
  scene: Scene | null;
  level: number;
  dust: number; // Å³
  style: Style;
  by: Facts | null;
  ramp: [number, number];
  drawn: (layer: string, drawn: Drawn | null) => void;
  ready: (layer: string, mesher: Mesher | null) => void;
  failed: (error: Error) => void;
}) {
  const { project, facts, layer, scene, level, dust, style, by, ramp, drawn, ready, failed } = props;
  const [mesher, setMesher] = useState<Mesher | null>(null);
  const [loaded, setLoaded] = useState(0);
  const [coloured, setColoured] = useState("");
  const took = useRef(0);
  const shown = useRef<Surface | null>(null);

  useEffect(() => {
    const made = new Mesher();
    let isOver = false;
    setMesher(made);
    setLoaded(0);
    setColoured("");
    took.current = 0;
    void (async () => {
      try {
        // What is coarse is there at once; the rest follows while one looks.
        for (const [count, bin] of facts.bins.entries()) {
          await made.load(partOf(project, facts, bin));
          if (isOver) return;
          setLoaded(count + 1);
          ready(layer, made);
        }
      } catch (error) {
        if (!isOver) failed(error as Error);
      }
    })();
    return () => {
      isOver = true;
      ready(layer, null);
      made.end();
    };
  }, [project, layer, facts.stamp]);

  useEffect(
    () => () => {
      scene?.setSurface(layer, null, style, null);
      drawn(layer, null);
    },
    [scene, layer],
  );

  useEffect(() => {
    if (!mesher || !loaded) return;
    let isOver = false;
    const bin = by?.bins[0] ?? 1;
    mesher
      .colour(by && partOf(project, by, bin))
      .then(() => !isOver && setColoured(by ? by.stamp : ""))
      .catch((error: Error) => !isOver && failed(error));
    return () => {
      isOver = true;
    };
  }, [mesher, loaded > 0, by?.stamp]);

  const scale: Scale | null = by && { good: codeOf(by, ramp[0]), poor: codeOf(by, ramp[1]) };
  const code = codeOf(facts, level);
  useEffect(() => {
    if (!mesher || !loaded || !scene) return;
    let isOver = false;
    const isWhole = loaded === facts.bins.length;
    async function make(isQuick: boolean) {
      const made = await mesher!.surface(code, dust, isQuick);
      if (isOver || !made) return;
      if (!isQuick) took.current = made.ms;
      shown.current = made;
      scene!.setSurface(layer, made, style, made.values ? scale : null);
      drawn(layer, {
        triangles: made.triangles.length / 3,
        share: made.share,
        pieces: made.pieces,
        bin: made.bin,
        ms: made.ms,
        isWhole: isWhole && made.bin === Math.min(...facts.bins),
      });
    }
    const say = (error: Error) => !isOver && failed(error);
    if (took.current <= FLUENT_MS || facts.bins.length === 1) {
      void make(false).catch(say);
      return () => {
        isOver = true;
      };
    }
    void make(true).catch(say);
    const timer = setTimeout(() => void make(false).catch(say), REST_MS);
    return () => {
      isOver = true;
      clearTimeout(timer);
    };
  }, [mesher, loaded, scene, code, dust, coloured, layer]);

  useEffect(() => {
    scene?.paint(layer, style, shown.current?.values ? scale : null);
  }, [scene, layer, style.colour, style.opacity, style.isShown, scale?.good, scale?.poor]);

  return null;
}

/** The value that a byte of the colouring map stands for. */
export const colourValue = (by: Facts, code: number) => valueOf(by, code);
