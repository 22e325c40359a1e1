/** What is looked at as a picture, and as files that other programs open. */
import { useState } from "react";

import { Icon } from "../../icon";
import { chimeraxOf, fijiOf, type Facts, type Named } from "./asking";
import { matrixOf, scaleBar, type View } from "./camera";
import { COLOURS, type Layer } from "./look";
import type { Scene } from "./scene";

export type Grounds = "white" | "none" | "shown";

export function Saving(props: {
  project: string;
  name: string; // of files
  scene: Scene | null;
  view: View;
  radius: number;
  ground: () => string;
  layers: Layer[];
  levels: number[];
  facts: (Facts | undefined)[];
  by: Named | null;
  ramp: [number, number];
  failed: (error: Error) => void;
}) {
  const { project, name, scene, view, radius, ground, layers, levels, facts, by, ramp, failed } = props;
  const [width, setWidth] = useState(2400);
  const [on, setOn] = useState<Grounds>("white");
  const [hasScale, setScale] = useState(true);

  async function attempt(what: () => Promise<void>) {
    try {
      await what();
    } catch (error) {
      failed(error as Error);
    }
  }

  async function chimerax() {
    const text = await chimeraxOf(project, {
      maps: layers.map((one, at) => ({
        job: one.job,
        name: one.name,
        level: levels[at] ?? 0,
        colour: COLOURS[at]!,
        opacity: one.opacity,
        is_shown: !one.isHidden,
      })),
      colouring: by && { job: by.job, name: by.name, good: ramp[0], poor: ramp[1] },
      camera: matrixOf(view, 4 * radius),
    });
    save(new Blob([text], { type: "text/plain" }), `${name}.cxc`);
  }

  async function fiji() {
    const text = await fijiOf(project, layers.map(({ job, name: own }) => ({ job, name: own })));
    save(new Blob([text], { type: "text/plain" }), `${name}.ijm`);
  }

  async function picture() {
    if (!scene) return;
    const colour = on === "white" ? "#ffffff" : on === "none" ? null : ground();
    const { image, height } = await scene.picture(width, colour);
    const [columns, rows] = scene.grid;
    if (hasScale && facts.every((one) => one && one.placement.voxel[0] > 0)) drawScale(image, scaleBar(image.width / columns, height / rows, view), on === "shown" ? ground() : "#ffffff");
    const blob = await new Promise<Blob | null>((done) => image.toBlob(done, "image/png"));
    if (!blob) throw new Error(`A picture of ${width} px is too large for this browser: take a smaller one.`);
    save(blob, `${name}.png`);
  }

  return (
    <>
      <button className="btn" disabled={!layers.length} onClick={() => void attempt(chimerax)}>
        <Icon name="copy" />
        ChimeraX<span className="muted">.cxc</span>
      </button>
      <button className="btn wide-only" disabled={!layers.length} onClick={() => void attempt(fiji)}>
        Fiji<span className="muted">.ijm</span>
      </button>
      <button className="btn" popoverTarget="map-picture" disabled={!scene}>
        <Icon name="save" />
        Picture
      </button>
      <div id="map-picture" popover="auto" className="pop" role="dialog" aria-label="A picture">
        <label className="row">
          Width
          <input className="input num map-number" type="number" min={200} max={16000} step={100} value={width} aria-label="Width of the picture, px" onChange={(event) => setWidth(Number(event.target.value))} />
          <span className="unit">px</span>
        </label>
        <div className="seg" role="group" aria-label="Ground of the picture">
          {(["white", "none", "shown"] as const).map((one) => (
            <button key={one} className="btn-quiet" aria-pressed={on === one} onClick={() => setOn(one)}>
              {{ white: "white", none: "transparent", shown: "as here" }[one]}
            </button>
          ))}
        </div>
        <label className="row">
          <input type="checkbox" checked={hasScale} onChange={(event) => setScale(event.target.checked)} />
          with a scale bar
        </label>
        <button className="btn btn-primary" disabled={!(width >= 200 && width <= 16000)} onClick={() => void attempt(picture)}>
          Save PNG
        </button>
      </div>
    </>
  );
}

function drawScale(image: HTMLCanvasElement, { angst, px }: { angst: number; px: number }, ground: string) {
  const pen = image.getContext("2d")!;
  const size = image.width / 50;
  const isDark = parseInt(ground.slice(1, 3), 16) < 128;
  pen.fillStyle = isDark ? "#ffffff" : "#17181a";
  const [right, low] = [image.width - size, image.height - size];
  pen.fillRect(right - px, low - size / 6, px, size / 6);
  pen.font = `${size}px sans-serif`;
  pen.textAlign = "center";
  pen.fillText(`${angst} Å`, right - px / 2, low - size / 2);
}

function save(blob: Blob, name: string) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
