import { useEffect, useRef, useState } from "react";

/** How wide an element is, so that a chart is drawn to its size and its words are not stretched. */
export function useWidth<T extends Element>(first: number) {
  const place = useRef<T>(null);
  const [width, setWidth] = useState(first);
  useEffect(() => {
    const element = place.current;
    if (!element) return;
    const watcher = new ResizeObserver(([entry]) => entry && setWidth(Math.max(120, Math.floor(entry.contentRect.width))));
    watcher.observe(element);
    return () => watcher.disconnect();
  }, []);
  return { place, width };
}
