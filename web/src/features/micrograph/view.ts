import { useEffect, useRef, useState } from "react";
import { useSearchParams } from "wouter";

import type { View } from "./geometry";

const REST_MS = 300;

/** Where one looks, kept in the address soon after one has stopped moving. */
export function useView(): [View | null, (view: View | null) => void] {
  const [params, setParams] = useSearchParams();
  const [view, setView] = useState<View | null>(() => {
    const [scale, x, y] = ["zoom", "x", "y"].map((name) => Number(params.get(name) ?? NaN));
    return scale && x !== undefined && y !== undefined && [scale, x, y].every(Number.isFinite) ? { scale, x, y } : null;
  });
  const isFirst = useRef(true);
  useEffect(() => {
    if (isFirst.current) {
      isFirst.current = false;
      return;
    }
    const timer = setTimeout(
      () =>
        setParams(
          (before) => {
            const said = view && { zoom: view.scale.toPrecision(4), x: view.x.toFixed(1), y: view.y.toFixed(1) };
            for (const name of ["zoom", "x", "y"] as const) said ? before.set(name, said[name]) : before.delete(name);
            return before;
          },
          { replace: true },
        ),
      REST_MS,
    );
    return () => clearTimeout(timer);
  }, [view]);
  return [view, setView];
}
