/** The picture of the surfaces, and how hands move it. */
import { useEffect, useRef, useState, type KeyboardEvent, type PointerEvent, type ReactNode } from "react";

import { moved, scaleBar, turned, written, zoomed, type View } from "./camera";
import { Scene, type Picked } from "./scene";

const CLICK_PX = 4;

export function Stage(props: {
  view: View;
  setView: (view: View) => void;
  scene: Scene | null;
  setScene: (scene: Scene | null) => void;
  changeLevel: (steps: number) => void;
  picked: ((picked: Picked | null) => void) | null; // null: a click means nothing
  titles: string[]; // of the parts of the picture, where there are several
  hasScale: boolean;
  label: string;
  children: ReactNode;
}) {
  const { view, setView, scene, setScene, changeLevel, picked, titles, hasScale, label, children } = props;
  const canvas = useRef<HTMLCanvasElement>(null);
  const bar = useRef<HTMLDivElement>(null);
  const drag = useRef<{ x: number; y: number; far: number; isMove: boolean; view: View } | null>(null);
  const [size, setSize] = useState("");
  const now = useRef({ view, setView, changeLevel });
  now.current = { view, setView, changeLevel };

  useEffect(() => {
    const made = new Scene(canvas.current!);
    const ground = () => made.setGround(colourOf(canvas.current!, "--stage"));
    ground();
    const system = matchMedia("(prefers-color-scheme: dark)");
    addEventListener("theme", ground);
    system.addEventListener("change", ground);
    const sizes = new ResizeObserver(() => {
      made.draw();
      setSize(`${canvas.current?.clientWidth} ${canvas.current?.clientHeight}`);
    });
    sizes.observe(canvas.current!);
    setScene(made);
    return () => {
      removeEventListener("theme", ground);
      system.removeEventListener("change", ground);
      sizes.disconnect();
      setScene(null);
      made.end();
    };
  }, []);

  useEffect(() => {
    const element = canvas.current!;
    function onWheel(event: WheelEvent) {
      event.preventDefault();
      if (event.ctrlKey || event.metaKey) now.current.setView(zoomed(now.current.view, Math.exp(event.deltaY / 400)));
      else now.current.changeLevel(-Math.sign(event.deltaY));
    }
    element.addEventListener("wheel", onWheel, { passive: false });
    return () => element.removeEventListener("wheel", onWheel);
  }, []);

  const [columns, rows] = [titles.length > 1 ? 2 : 1, titles.length > 2 ? 2 : 1];
  const paneHeight = () => (canvas.current?.clientHeight ?? 1) / rows;
  const paneWidth = () => (canvas.current?.clientWidth ?? 1) / columns;

  useEffect(() => {
    scene?.setView(view);
    const element = bar.current;
    if (!element || !canvas.current?.clientHeight) return;
    const { angst, px } = scaleBar(paneWidth(), paneHeight(), view);
    element.style.width = `${px}px`;
    element.textContent = angst >= 1000 ? `${angst / 10} nm` : `${angst} Å`;
  }, [scene, view, columns, rows, size, hasScale]);

  function onDown(event: PointerEvent<HTMLCanvasElement>) {
    event.currentTarget.setPointerCapture(event.pointerId);
    drag.current = { x: event.clientX, y: event.clientY, far: 0, isMove: event.button !== 0 || event.shiftKey, view };
  }

  function onMove(event: PointerEvent<HTMLCanvasElement>) {
    const one = drag.current;
    if (!one) return;
    const [dx, dy] = [event.clientX - one.x, event.clientY - one.y];
    one.far = Math.max(one.far, Math.hypot(dx, dy));
    if (one.far < CLICK_PX) return;
    // By steps, from where it is now: turns do not add up as lengths do.
    setView((one.isMove ? moved : turned)(view, dx, dy, paneHeight(), paneWidth()));
    Object.assign(one, { x: event.clientX, y: event.clientY });
  }

  function onUp(event: PointerEvent<HTMLCanvasElement>) {
    const one = drag.current;
    drag.current = null;
    if (!one || one.far >= CLICK_PX || !picked || !scene) return;
    const box = event.currentTarget.getBoundingClientRect();
    picked(scene.pick(event.clientX - box.left, event.clientY - box.top));
  }

  function onKey(event: KeyboardEvent<HTMLCanvasElement>) {
    const arrows: Record<string, [number, number]> = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const arrow = arrows[event.key];
    if (arrow && !event.ctrlKey && !event.altKey) {
      event.preventDefault();
      const height = paneHeight();
      const far = height / 24; // 5 degrees and a bit
      setView((event.shiftKey ? moved : turned)(view, arrow[0] * far, arrow[1] * far, height, paneWidth()));
    } else if (event.key === "+" || event.key === "=") setView(zoomed(view, 1 / 1.15));
    else if (event.key === "-") setView(zoomed(view, 1.15));
    else if (event.key === "Enter" && picked && scene && canvas.current) {
      picked(scene.pick(paneWidth() / 2, paneHeight() / 2));
    }
  }

  return (
    <section className="stage map-stage" aria-label="Surface">
      <canvas
        ref={canvas}
        tabIndex={0}
        role="img"
        aria-label={label}
        data-picks={picked !== null}
        data-view={written(view)}
        onPointerDown={onDown}
        onPointerMove={onMove}
        onPointerUp={onUp}
        onPointerCancel={() => (drag.current = null)}
        onContextMenu={(event) => event.preventDefault()}
        onKeyDown={onKey}
      />
      {titles.length > 1 &&
        titles.map((title, at) => (
          <div
            key={at}
            className="hud map-title"
            style={{ left: `${((at % columns) * 100) / columns}%`, top: `${(Math.floor(at / columns) * 100) / rows}%`, width: `${100 / columns}%` }}
          >
            {title}
          </div>
        ))}
      {picked && <i className="map-cross" aria-hidden="true" style={{ left: `${50 / columns}%`, top: `${50 / rows}%` }} />}
      {children}
      {hasScale && <div ref={bar} className="hud scale-3d map-scale" />}
    </section>
  );
}

/** A colour of the style sheet as it is now, `#rrggbb`. */
export function colourOf(element: HTMLElement, name: string): string {
  const probe = document.createElement("i");
  probe.style.color = `var(${name})`;
  element.parentElement!.append(probe);
  const found = getComputedStyle(probe).color.match(/[\d.]+/g)?.slice(0, 3).map(Number) ?? [255, 255, 255];
  probe.remove();
  return `#${found.map((one) => Math.round(one).toString(16).padStart(2, "0")).join("")}`;
}
