import { useState } from "react";

import { Icon } from "../../icon";
import { Said } from "../../said";
import { useAsked, type SetOf, type Where } from "./asking";
import type { Choice } from "./choice";
import { counted } from "./values";

type Told = { kept: number; of: number; by_rule: number; unknown: number; weight: number | null; of_weight: number | null };

type Props = {
  where: Where;
  set: SetOf;
  choice: Choice;
  told: Told | undefined;
  whyNot: string; // why nothing can be kept now; "" it can
  isBusy: boolean;
  branch: readonly string[]; // jobs behind the one whose choice was taken up
  keep: (withBranch: boolean) => void;
};

/** What is kept, of how many, as number, share and bar; and the button that makes the job. */
export function TallyBar({ where, set, choice, told, whyNot, isBusy, branch, keep }: Props) {
  const [isPython, setPython] = useState(false);
  const asked = useAsked(where, set.stamp, choice, isPython && !whyNot);
  const isWeighted = told?.weight != null && told.of_weight != null;
  const [kept, of] = isWeighted ? [told.weight!, told.of_weight!] : [told?.kept ?? 0, told?.of ?? 0];
  const share = of ? (100 * kept) / of : 0;
  const noun = isWeighted ? "particles" : set.kind === "coordinates" ? "picks" : set.kind === "class averages" || set.kind === "model" ? "classes" : set.kind;
  return (
    <footer className="tally">
      <span className="count" aria-live="polite">
        {told ? counted(kept) : "–"} <span className="unit">of {told ? counted(of) : "–"} {noun}</span>
      </span>
      <span className="share" aria-hidden="true">
        <i style={{ width: `${share}%` }} />
      </span>
      <span className="second">
        {isWeighted && `${told.kept} of ${told.of} classes, `}
        {share.toFixed(1)} %
      </span>
      {whyNot && told && <span className="muted">{whyNot}</span>}
      <span className="muted wide-only" hidden={whyNot !== ""}>
        <kbd>Space</kbd> choose <kbd>Shift</kbd> range <kbd>A</kbd> all <kbd>I</kbd> invert
      </span>
      <span className="grow" />
      <button className="btn" aria-expanded={isPython} disabled={whyNot !== ""} onClick={() => setPython(!isPython)}>
        <Icon name="copy" />
        As Python
      </button>
      {branch.length > 0 && (
        <button className="btn" disabled={whyNot !== "" || isBusy} title={branch.join(", ")} onClick={() => keep(true)}>
          Keep, and make the {branch.length === 1 ? "job" : `${branch.length} jobs`} behind it anew
        </button>
      )}
      <button className="btn btn-primary" disabled={whyNot !== "" || isBusy} title={whyNot} onClick={() => keep(false)}>
        Keep {told ? counted(kept) : ""}
        <kbd>Ctrl ↵</kbd>
      </button>
      {isPython && !whyNot && (
        <div className="python">
          {asked.error && <Said error={asked.error} />}
          {asked.data && (
            <>
              <pre className="command">{asked.data.python}</pre>
              <button className="btn btn-quiet" onClick={() => void navigator.clipboard?.writeText(asked.data.python)}>
                Copy
              </button>
            </>
          )}
        </div>
      )}
    </footer>
  );
}
