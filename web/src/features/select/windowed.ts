/** A list of millions of lines of one height: only those in sight exist. Browsers end a page at some 30 million px, so that a
 * longer list is scrolled by share, and its wheel by lines. */
import { useCallback, useEffect, useLayoutEffect, useRef, useState } from "react";

const TALLEST = 4_000_000; // px

/** `headHeight`: px of what stays at the upper edge, above the lines. */
export function useWindowed(count: number, lineHeight: number, headHeight = 0) {
  const place = useRef<HTMLDivElement>(null);
  const [size, setSize] = useState({ width: 0, height: 0 });
  const [top, setTop] = useState(0); // the line at the upper edge, with its fraction
  const whole = count * lineHeight;
  const isScaled = whole > TALLEST;
  const tall = Math.max(isScaled ? TALLEST : whole, 1);
  const lines = lineHeight ? size.height / lineHeight : 0;
  const lowest = Math.max(0, count - lines);
  const reach = Math.max(1, tall - size.height);
  const offset = isScaled ? (lowest ? (top / lowest) * reach : 0) : top * lineHeight;

  useEffect(() => {
    const element = place.current;
    if (!element) return;
    const watcher = new ResizeObserver(() => setSize({ width: element.clientWidth, height: element.clientHeight - headHeight }));
    watcher.observe(element);
    return () => watcher.disconnect();
  }, [headHeight]);

  const expected = useRef(0);
  expected.current = offset;
  useLayoutEffect(() => {
    const element = place.current;
    if (element && Math.abs(element.scrollTop - offset) > 1) element.scrollTop = offset;
  }, [offset]);

  useEffect(() => {
    const element = place.current;
    if (!element) return;
    const onScroll = () => {
      if (Math.abs(element.scrollTop - expected.current) <= 1) return;
      setTop(isScaled ? (element.scrollTop / reach) * lowest : element.scrollTop / lineHeight);
    };
    const onWheel = (event: WheelEvent) => {
      if (!isScaled || event.ctrlKey || !event.deltaY) return;
      event.preventDefault();
      setTop((now) => Math.min(Math.max(now + event.deltaY / lineHeight, 0), lowest));
    };
    element.addEventListener("scroll", onScroll);
    element.addEventListener("wheel", onWheel, { passive: false });
    return () => {
      element.removeEventListener("scroll", onScroll);
      element.removeEventListener("wheel", onWheel);
    };
  }, [isScaled, reach, lowest, lineHeight]);

  /** Scroll as little as needed for a line to be in sight. */
  const room = useRef({ lines, lowest });
  room.current = { lines, lowest };
  const reveal = useCallback((line: number) => {
    const { lines, lowest } = room.current; // as they are then: what comes later moves nothing
    const under = line + 1 - Math.max(1, lines);
    setTop((now) => Math.min(Math.max(line < now ? line : under > now ? under : now, 0), lowest));
  }, []);

  const clamped = Math.min(top, lowest);
  const first = Math.max(0, Math.floor(clamped));
  const last = Math.min(count, Math.ceil(clamped + lines) + 1);
  /** Where a line lies, px from the beginning of the page of `tall` px. */
  const at = (line: number) => (isScaled ? offset + (line - clamped) * lineHeight : line * lineHeight);
  return { place, size, tall, first, last, at, reveal, linesInSight: Math.max(1, Math.floor(lines)) };
}
