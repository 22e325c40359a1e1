/** What is shown stands in the address, so that every view, filter and selection has a link and a reload changes nothing. */
import { useCallback } from "react";
import { useSearchParams } from "wouter";

type Change = Record<string, string | null>;

/** The words after `?` of the address, and how they are changed: without a step back for each. */
export function useAddress(): [(name: string) => string, (change: Change) => void] {
  const [params, setParams] = useSearchParams();
  const get = useCallback((name: string) => params.get(name) ?? "", [params]);
  const change = useCallback(
    (given: Change) =>
      setParams(
        (before) => {
          const next = new URLSearchParams(before);
          for (const [name, value] of Object.entries(given)) {
            if (value === null || value === "") next.delete(name);
            else next.set(name, value);
          }
          return next;
        },
        { replace: true },
      ),
    [setParams],
  );
  return [get, change];
}

/** `13,14` as numbers. */
export function numbersOf(text: string): number[] {
  return text.split(",").map(Number).filter((one) => one > 0);
}
