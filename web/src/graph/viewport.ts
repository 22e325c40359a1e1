/** Which part of a drawing is seen, and how large: moved by dragging, wheel and keys. Knows no jobs. */
import { type RefObject, useCallback, useEffect, useLayoutEffect, useRef, useState } from "react";

export type Viewport = { x: number; y: number; k: number };
export type Size = { width: number; height: number };

const LEAST = 0.12;
const MOST = 2.5;
const PER_STEP = 1.25;
const DRAG_PX = 4;
const WIDE_PX = 1200;
const TOOLS_PX = 44; // at the foot

export function scaleWithin(k: number): number {
  return Math.min(MOST, Math.max(LEAST, k));
}

/** The scale and place at which all of a drawing is seen; on a large screen larger than it was made. */
export function fitted(drawing: Size, place: Size): Viewport {
  const high = Math.max(place.height - TOOLS_PX, 1);
  const k = scaleWithin(Math.min(place.width < WIDE_PX ? 1 : 1.5, place.width / drawing.width, high / drawing.height));
  return { x: 0, y: Math.max(0, (high - drawing.height * k) / 4), k };
}

/** Another scale, with the point (px of the place) staying where it is. */
export function zoomed(view: Viewport, factor: number, at: { x: number; y: number }): Viewport {
  const k = scaleWithin(view.k * factor);
  const share = k / view.k;
  return { k, x: at.x - (at.x - view.x) * share, y: at.y - (at.y - view.y) * share };
}

/** So that a box is wholly seen, moved as little as possible. */
export function showing(view: Viewport, box: { x: number; y: number } & Size, place: Size): Viewport {
  const inside = (offset: number, low: number, length: number, whole: number) => {
    const [first, last] = [low * view.k + offset, (low + length) * view.k + offset];
    if (first < 0) return offset - first + 12;
    return last > whole ? offset - (last - whole) - 12 : offset;
  };
  return {
    k: view.k,
    x: inside(view.x, box.x, box.width, place.width),
    y: inside(view.y, box.y, box.height, place.height),
  };
}

/** The viewport of a drawing in an element that fills its place. */
export function useViewport(element: RefObject<HTMLElement | null>, drawing: Size) {
  const [place, setPlace] = useState<Size>({ width: 0, height: 0 });
  const [view, setView] = useState<Viewport | null>(null);
  const drag = useRef<{ x: number; y: number; view: Viewport; isMoving: boolean } | null>(null);

  useLayoutEffect(() => {
    const box = element.current;
    if (!box) return;
    const watcher = new ResizeObserver(() => setPlace({ width: box.clientWidth, height: box.clientHeight }));
    watcher.observe(box);
    setPlace({ width: box.clientWidth, height: box.clientHeight });
    return () => watcher.disconnect();
  }, [element]);

  const now = view ?? (place.width ? fitted(drawing, place) : { x: 0, y: 0, k: 1 });
  const latest = useRef(now);
  latest.current = now;

  useEffect(() => {
    const box = element.current;
    if (!box) return;
    function onWheel(event: WheelEvent) {
      event.preventDefault();
      const corner = box!.getBoundingClientRect();
      const before = latest.current;
      if (event.ctrlKey || event.metaKey) {
        const at = { x: event.clientX - corner.left, y: event.clientY - corner.top };
        setView(zoomed(before, Math.exp(-event.deltaY * 0.004), at));
      } else {
        const [dx, dy] = event.shiftKey ? [event.deltaY, event.deltaX] : [event.deltaX, event.deltaY];
        setView({ ...before, x: before.x - dx, y: before.y - dy });
      }
    }
    // React's own listeners may not keep the page from scrolling.
    box.addEventListener("wheel", onWheel, { passive: false });
    return () => box.removeEventListener("wheel", onWheel);
  }, [element]);

  const middle = useCallback(() => ({ x: place.width / 2, y: place.height / 2 }), [place]);
  return {
    view: now,
    place,
    setView,
    fit: () => setView(fitted(drawing, place)),
    zoomIn: () => setView(zoomed(latest.current, PER_STEP, middle())),
    zoomOut: () => setView(zoomed(latest.current, 1 / PER_STEP, middle())),
    show: (box: { x: number; y: number } & Size) => setView(showing(latest.current, box, place)),
    dragging: {
      onPointerDown(event: React.PointerEvent) {
        if (event.button !== 0 || (event.target as Element).closest("a, button, input")) return;
        drag.current = { x: event.clientX, y: event.clientY, view: latest.current, isMoving: false };
      },
      onPointerMove(event: React.PointerEvent) {
        const from = drag.current;
        if (!from) return;
        const [dx, dy] = [event.clientX - from.x, event.clientY - from.y];
        if (!from.isMoving && Math.hypot(dx, dy) < DRAG_PX) return;
        if (!from.isMoving) event.currentTarget.setPointerCapture(event.pointerId);
        from.isMoving = true;
        setView({ ...from.view, x: from.view.x + dx, y: from.view.y + dy });
      },
      onPointerUp() {
        drag.current = null;
      },
    },
  };
}
