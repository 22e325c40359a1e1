import { useEffect, useRef, useState } from "react";

type Spec = Record<string, unknown>;

/** Loaded with the first chart: it weighs more than all the rest. */
const vega = () => Promise.all([import("vega"), import("vega-interpreter")]);

function inkOf(element: Element): Spec {
  const style = getComputedStyle(element);
  const of = (name: string) => style.getPropertyValue(name).trim() || undefined;
  const [ink, line] = [colourIn(element, "--ink-2"), colourIn(element, "--line")];
  return {
    font: of("--font"),
    axis: { labelColor: ink, titleColor: ink, gridColor: line, domainColor: ink, tickColor: ink },
    legend: { labelColor: ink, titleColor: ink },
    title: { color: ink },
  };
}

/** A token's colour as drawn: `light-dark()` is resolved where it is used only. */
function colourIn(element: Element, token: string): string {
  const probe = document.createElement("span");
  probe.style.color = `var(${token})`;
  element.append(probe);
  const colour = getComputedStyle(probe).color;
  probe.remove();
  return colour;
}

/** A chart in Vega's words, drawn to the width of its place; anew when the theme or the width changes. */
export function Chart({ spec, title }: { spec: Spec; title: string }) {
  const place = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(0);
  const [theme, setTheme] = useState(0);
  const [fault, setFault] = useState("");

  useEffect(() => {
    const element = place.current;
    if (!element) return;
    const watcher = new ResizeObserver(([entry]) => entry && setWidth(Math.floor(entry.contentRect.width)));
    watcher.observe(element);
    const onTheme = () => setTheme((count) => count + 1);
    addEventListener("theme", onTheme);
    return () => {
      watcher.disconnect();
      removeEventListener("theme", onTheme);
    };
  }, []);

  useEffect(() => {
    const element = place.current;
    if (!element || width < 50) return;
    let view: { finalize(): unknown } | null = null;
    let isOver = false;
    void vega().then(
      ([core, { expressionInterpreter }]) => {
        if (isOver) return;
        try {
          // Without the interpreter a chart's expressions would be code made of text, which the page may not run.
          const runtime = core.parse(spec as never, inkOf(element) as never, { ast: true });
          const made = new core.View(runtime, { expr: expressionInterpreter, renderer: "canvas", container: element, hover: true });
          view = made;
          void made.runAsync().then(() => setFault(""));
        } catch (error) {
          setFault(String(error));
        }
      },
      () => setFault("the drawing library could not be loaded"),
    );
    return () => {
      isOver = true;
      view?.finalize();
      element.replaceChildren();
    };
  }, [spec, width, theme]);

  return (
    <>
      <div ref={place} className="chart-place" role="img" aria-label={title} />
      {fault && <p className="say fail">This chart could not be drawn: {fault}</p>}
    </>
  );
}
