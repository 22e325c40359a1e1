import { useState } from "react";

import { addressOf } from "../../api/client";

/** The power spectrum with a ring at a resolution; the pointer shows the ring at its own. */
export function Spectrum({ name, angpix, fit }: { name: string; angpix: number; fit: number | null }) {
  const [at, setAt] = useState<number | null>(null); // share of the Nyquist frequency
  const [isLarge, setLarge] = useState(false);
  // The edge is the Nyquist frequency, at two pixels.
  const ring = at ?? (fit && angpix ? (2 * angpix) / fit : null);
  const resolution = ring && angpix ? (2 * angpix) / ring : null;

  function onMove(event: React.PointerEvent) {
    const box = event.currentTarget.getBoundingClientRect();
    const [x, y] = [event.clientX - box.left - box.width / 2, event.clientY - box.top - box.width / 2];
    const share = Math.hypot(x, y) / (box.width / 2);
    setAt(share > 0.02 && share <= 1 ? share : null);
  }

  return (
    <button
      className={isLarge ? "inset mic-large" : "inset"}
      aria-pressed={isLarge}
      title={isLarge ? "Smaller" : "Larger"}
      onClick={() => setLarge(!isLarge)}
      onPointerMove={onMove}
      onPointerLeave={() => setAt(null)}
    >
      <img src={addressOf(`tiles/${name}/spectrum.png`)} alt="" />
      <svg viewBox="-1 -1 2 2" aria-hidden="true">
        {ring !== null && ring <= 1.4 && <circle r={ring} strokeWidth={isLarge ? 0.006 : 0.016} />}
      </svg>
      <span>
        <span className="vh">Power spectrum, larger: </span>
        {resolution ? `ring at ${resolution.toFixed(1)} Å` : "spectrum"}
        {at === null && resolution !== null && ", CTF fit"}
      </span>
    </button>
  );
}
