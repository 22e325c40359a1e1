import { useEffect, useRef, useState, type PointerEvent } from "react";

import { fitted, isWithin, toFile, zoomed, type Point, type Size, type View } from "./geometry";
import { drawOverlay, type Colouring, type Threshold } from "./overlay";
import { nearest, within, type Pick } from "./picks";
import { Tiles, type Look, type Picture } from "./tiles";

export type Tool = "look" | "pick" | "erase" | "measure";
export type Acts = {
  add: (places: Point[]) => void;
  remove: (picks: Pick[]) => void;
  move: (pick: Pick, to: Point) => void;
};

type Props = {
  picture: Picture;
  /** Of the micrographs to which one may go next: their tiles are asked for when this one is sharp. */
  neighbours: Picture[];
  look: Look;
  view: View | null; // null: the whole of it
  setView: (view: View | null) => void;
  picks: readonly Pick[];
  radius: number;
  colouring: Colouring;
  threshold: Threshold;
  areEnds: boolean;
  tool: Tool;
  brush: number; // px of the micrograph
  acts: Acts;
  isHidden: boolean;
  label: string;
  gone: () => void;
  /** All that is seen of this picture is there: others may be fetched now. */
  sharp: (name: string) => void;
};

type Drag =
  | { kind: "pan"; from: Point; view: View; moved: boolean }
  | { kind: "pick"; pick: Pick; from: Point; to: Point | null }
  | { kind: "erase"; erased: Map<number, Pick> }
  | { kind: "measure"; from: Point; to: Point };

const CLICK_PX = 4;
const PAN_KEY_PX = 60;
const LEAST_REACH_PX = 8;

/** A micrograph at any scale with what lies on it, for mouse and keyboard. It knows no server but for tiles. */
export function Stage(props: Props) {
  const { picture, neighbours, look, setView, picks, tool, acts } = props;
  const canvas = useRef<HTMLCanvasElement>(null);
  const tiles = useRef<Tiles>(null);
  const [size, setSize] = useState<Size>({ width: 0, height: 0 });
  const [drag, setDrag] = useState<Drag | null>(null);
  const [pointer, setPointer] = useState<Point | null>(null);
  const [started, setStarted] = useState<Point | null>(null);
  const [ruler, setRuler] = useState<{ from: Point; to: Point } | null>(null);
  const [byKey, setByKey] = useState(false);
  const [news, setNews] = useState(0);
  const view = props.view ?? fitted(picture, size);
  const gone = useRef(props.gone);
  gone.current = props.gone;

  tiles.current ??= new Tiles(
    () => setNews((count) => count + 1),
    () => gone.current(),
  );

  useEffect(() => {
    const element = canvas.current;
    if (!element) return;
    const watcher = new ResizeObserver(() => setSize({ width: element.clientWidth, height: element.clientHeight }));
    watcher.observe(element);
    return () => watcher.disconnect();
  }, []);

  useEffect(() => {
    setRuler(null);
    setStarted(null);
  }, [picture.name, tool]);

  const reach = Math.max(props.radius, LEAST_REACH_PX / view.scale);
  const file = (at: Point) => toFile(at, view, picture, size);
  const below = (at: Point) => (props.isHidden ? null : nearest(picks, file(at), reach));
  const erased = drag?.kind === "erase" ? drag.erased : null;

  useEffect(() => {
    const element = canvas.current;
    const pen = element?.getContext("2d");
    if (!element || !pen || !size.width || !tiles.current) return;
    const asked = requestAnimationFrame(() => {
      const density = devicePixelRatio;
      const [wide, high] = [Math.round(size.width * density), Math.round(size.height * density)];
      if (element.width !== wide || element.height !== high) [element.width, element.height] = [wide, high];
      pen.setTransform(density, 0, 0, density, 0, 0);
      pen.fillStyle = "#0b0b0c";
      pen.fillRect(0, 0, size.width, size.height);
      const { isShown, isSharp } = tiles.current?.draw(pen, picture, look, view, size, density) ?? { isShown: false, isSharp: false };
      element.dataset.shown = isShown ? picture.name : "";
      element.dataset.sharp = String(isSharp);
      element.dataset.view = [view.scale, view.x, view.y].join(" ");
      if (isSharp) props.sharp(picture.name);
      if (isSharp) for (const one of neighbours) tiles.current?.prefetch(one, look, props.view ?? fitted(one, size), size, density);
      const isMoving = drag?.kind === "pick" && drag.to;
      const over = {
        picks: props.isHidden ? [] : erased ? picks.filter((one) => !erased.has(one.key)) : picks,
        radius: props.radius,
        colouring: props.colouring,
        threshold: props.threshold,
        areEnds: props.areEnds,
        started,
        lit: tool === "pick" && pointer && !drag ? (below(pointer)?.key ?? null) : null,
        dragged: isMoving ? { key: drag.pick.key, to: drag.to as Point } : null,
        brush: tool === "erase" && pointer ? { at: pointer, radius: props.brush * view.scale } : null,
        ruler: drag?.kind === "measure" ? drag : ruler,
        cross: byKey && tool !== "look",
        angpix: picture.angpix,
      };
      drawOverlay(pen, over, view, picture, size);
    });
    return () => cancelAnimationFrame(asked);
  }, [props, size, drag, pointer, started, ruler, byKey, news]);

  useEffect(() => {
    const element = canvas.current;
    if (!element) return;
    // React's own listener for wheels cannot keep the page from scrolling.
    function onWheel(event: WheelEvent) {
      event.preventDefault();
      const factor = Math.exp(-event.deltaY * (event.ctrlKey ? 0.01 : 0.0015));
      setView(zoomed(view, factor, { x: event.offsetX, y: event.offsetY }, picture, size));
    }
    element.addEventListener("wheel", onWheel, { passive: false });
    return () => element.removeEventListener("wheel", onWheel);
  });

  const at = (event: PointerEvent): Point => {
    const box = event.currentTarget.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  };

  function act(place: Point, hit: Pick | null) {
    if (tool === "erase") return acts.remove(hit ? [hit] : within(picks, place, props.brush));
    if (tool !== "pick") return;
    if (hit) return acts.remove([hit]);
    if (!isWithin(place, picture)) return;
    if (!props.areEnds) return acts.add([place]);
    if (!started) return setStarted(place);
    acts.add([started, place]);
    setStarted(null);
  }

  function onDown(event: PointerEvent<HTMLCanvasElement>) {
    const where = at(event);
    event.currentTarget.setPointerCapture(event.pointerId);
    setByKey(false);
    if (event.button === 0 && tool === "measure") return setDrag({ kind: "measure", from: file(where), to: file(where) });
    if (event.button === 0 && tool === "erase") return setDrag({ kind: "erase", erased: brushed(where, new Map()) });
    const hit = event.button === 0 && tool === "pick" ? below(where) : null;
    setDrag(hit ? { kind: "pick", pick: hit, from: where, to: null } : { kind: "pan", from: where, view, moved: event.button !== 0 });
  }

  function brushed(where: Point, before: Map<number, Pick>): Map<number, Pick> {
    const found = within(picks, file(where), props.brush);
    return found.length ? new Map([...before, ...found.map((one) => [one.key, one] as const)]) : before;
  }

  function onMove(event: PointerEvent<HTMLCanvasElement>) {
    const where = at(event);
    setPointer(where);
    if (!drag) return;
    if (drag.kind === "measure") setDrag({ ...drag, to: file(where) });
    if (drag.kind === "erase") setDrag({ kind: "erase", erased: brushed(where, drag.erased) });
    const far = "from" in drag && drag.kind !== "measure" && Math.hypot(where.x - drag.from.x, where.y - drag.from.y) > CLICK_PX;
    if (drag.kind === "pick" && (far || drag.to)) {
      const [now, then] = [file(where), file(drag.from)];
      setDrag({ ...drag, to: { x: drag.pick.x + now.x - then.x, y: drag.pick.y + now.y - then.y } });
    }
    if (drag.kind === "pan" && (far || drag.moved)) {
      if (!drag.moved) setDrag({ ...drag, moved: true });
      const { scale } = drag.view;
      setView({ scale, x: drag.view.x - (where.x - drag.from.x) / scale, y: drag.view.y - (where.y - drag.from.y) / scale });
    }
  }

  function onUp(event: PointerEvent<HTMLCanvasElement>) {
    const where = at(event);
    setDrag(null);
    if (!drag) return;
    if (drag.kind === "measure") setRuler({ from: drag.from, to: file(where) });
    if (drag.kind === "erase") acts.remove([...brushed(where, drag.erased).values()]);
    if (drag.kind === "pick" && drag.to) {
      if (isWithin(drag.to, picture)) acts.move(drag.pick, drag.to);
    } else if (drag.kind === "pick") act(file(where), drag.pick);
    if (drag.kind === "pan" && !drag.moved) act(file(where), null);
  }

  function onKey(event: React.KeyboardEvent) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const step = PAN_KEY_PX / view.scale / (event.shiftKey ? 6 : 1);
    const pans: Record<string, [number, number]> = {
      ArrowLeft: [-step, 0],
      ArrowRight: [step, 0],
      ArrowUp: [0, -step],
      ArrowDown: [0, step],
    };
    const pan = pans[event.key];
    const middle = { x: size.width / 2, y: size.height / 2 };
    if (pan) setView({ ...view, x: view.x + pan[0], y: view.y + pan[1] });
    else if (event.key === "Enter" || event.key === " ") act(file(middle), tool === "pick" ? below(middle) : null);
    else if (event.key === "+" || event.key === "=") setView(zoomed(view, 1.4, middle, picture, size));
    else if (event.key === "-") setView(zoomed(view, 1 / 1.4, middle, picture, size));
    else if (event.key === "Escape") {
      setStarted(null);
      setRuler(null);
    } else return;
    event.preventDefault();
    setByKey(true);
  }

  return (
    <canvas
      ref={canvas}
      className="mic-stage"
      data-tool={tool}
      tabIndex={0}
      role="application"
      aria-label={props.label}
      aria-describedby="mic-keys"
      onPointerDown={onDown}
      onPointerMove={onMove}
      onPointerUp={onUp}
      onPointerCancel={() => setDrag(null)}
      onPointerLeave={() => setPointer(null)}
      onKeyDown={onKey}
      onBlur={() => setByKey(false)}
      onContextMenu={(event) => event.preventDefault()}
    />
  );
}
