import { useEffect, useState } from "react";

import { Icon } from "../../icon";
import type { IconName } from "../../drawings";
import type { Tool } from "./stage";
import type { Look } from "./tiles";

export const TOOLS: { tool: Tool; word: string; key: string; icon: IconName; edits: boolean; says: string }[] = [
  { tool: "look", word: "Look", key: "V", icon: "eye", edits: false, says: "drag to move, wheel to zoom" },
  { tool: "pick", word: "Pick", key: "A", icon: "coordinates", edits: true, says: "click to add, on a pick to remove it, drag one to move it" },
  { tool: "erase", word: "Erase", key: "E", icon: "trash", edits: true, says: "drag over picks; [ and ] change the brush" },
  { tool: "measure", word: "Measure", key: "D", icon: "ruler", edits: false, says: "drag from one point to another" },
];

/** What the pointer does, and how the picture is shown. */
export function Tools(props: {
  tool: Tool;
  setTool: (tool: Tool) => void;
  canEdit: boolean;
  look: Look;
  lowpass: number;
  circles: number | null;
  hasSpectrum: boolean;
  set: (changes: Record<string, string | null>) => void;
  fit: () => void;
}) {
  const { tool, setTool, canEdit, look, lowpass, circles, hasSpectrum, set, fit } = props;
  return (
    <div className="toolbar" role="toolbar" aria-label="Tools">
      <span className="seg">
        {TOOLS.filter((one) => canEdit || !one.edits).map((one) => (
          <button key={one.tool} aria-pressed={one.tool === tool} title={one.says} onClick={() => setTool(one.tool)}>
            <Icon name={one.icon} />
            {one.word}
            <kbd>{one.key}</kbd>
          </button>
        ))}
      </span>
      <button className="btn btn-quiet" title="The whole micrograph" onClick={fit}>
        <Icon name="fit" />
        All<kbd>0</kbd>
      </button>
      <span className="grow" />
      {circles !== null && <Length label="Circles" value={circles} set={(value) => set({ circles: value })} />}
      <Length label="Low-pass" value={lowpass} set={(value) => set({ lowpass: value })} />
      <label className="row">
        Contrast
        <input
          className="mic-range"
          type="range"
          min="0.5"
          max="8"
          step="0.25"
          // To the right is more: black and white lie nearer to the mean.
          value={8.5 - look.contrast}
          aria-valuetext={`black and white at ${look.contrast} deviations`}
          onChange={(event) => set({ contrast: String(8.5 - Number(event.target.value)) })}
        />
      </label>
      <label className="row">
        <input type="checkbox" checked={look.invert} onChange={(event) => set({ invert: event.target.checked ? "yes" : null })} />
        Invert
      </label>
      <label className="row">
        <input type="checkbox" checked={hasSpectrum} onChange={(event) => set({ spectrum: event.target.checked ? null : "no" })} />
        Spectrum
      </label>
    </div>
  );
}

/** A length in Å that counts when one has finished typing. */
function Length({ label, value, set }: { label: string; value: number; set: (value: string) => void }) {
  const [text, setText] = useState(String(value));
  useEffect(() => setText(String(value)), [value]);
  const take = () => (text.trim() !== "" && Number(text) >= 0 ? set(String(Number(text))) : setText(String(value)));
  return (
    <label className="row">
      {label}
      <input
        className="input mic-px"
        inputMode="decimal"
        value={text}
        onChange={(event) => setText(event.target.value)}
        onBlur={take}
        onKeyDown={(event) => event.key === "Enter" && take()}
      />
      <span className="unit">Å</span>
    </label>
  );
}
