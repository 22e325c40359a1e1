import { useState } from "react";

import { Icon } from "../../icon";
import { Said } from "../../said";
import type { Desk, Shown } from "./desk";

/** Whether edits are in the file, and back and forth among them. */
export function EditState({ desk, shown }: { desk: Desk; shown: Shown }) {
  const { state, icon, word } = STATES[shown.state];
  return (
    <span className="row">
      <span role="status" className="state" data-s={state}>
        <Icon name={icon} />
        {shown.state === "away" ? `${changes(shown)} wait for the server` : word}
      </span>
      <button className="btn btn-icon" title="Undo (Ctrl+Z)" aria-label="Undo" disabled={!shown.canUndo} onClick={() => desk.undo()}>
        <Icon name="undo" />
      </button>
      <button className="btn btn-icon" title="Redo (Ctrl+Y)" aria-label="Redo" disabled={!shown.canRedo} onClick={() => desk.redo()}>
        <Icon name="redo" />
      </button>
    </span>
  );
}

/** Why edits are not in the file, and what can be done. */
export function EditTrouble({ desk, shown }: { desk: Desk; shown: Shown }) {
  const [isBusy, setBusy] = useState(false);
  const edits = changes(shown);

  async function giveUp() {
    setBusy(true);
    try {
      await desk.giveUp();
    } finally {
      setBusy(false);
    }
  }

  return (
    <>
      {shown.state === "conflict" && (
        <div className="mic-note">
          <div className="banner" data-s="doubt" role="alert">
            <Icon name="doubt" />
            <div>
              <h2>Changed in another place meanwhile</h2>
              <p>
                {shown.theirs === 1 ? "There is 1 pick" : `There are ${shown.theirs} picks`} on this micrograph now. Not written, and kept here: {edits} of
                yours.
              </p>
            </div>
            <div className="row">
              <button className="btn btn-primary" onClick={() => desk.doAgain()}>
                Do my {edits} on theirs
              </button>
              <button className="btn" disabled={isBusy} onClick={() => void giveUp()}>
                Take theirs
              </button>
            </div>
          </div>
        </div>
      )}
      {shown.state === "refused" && shown.error && (
        <div className="mic-note">
          <Said error={shown.error} />
          <div className="row">
            <button className="btn btn-primary" onClick={() => desk.undo()} disabled={!shown.canUndo}>
              Undo my last change
            </button>
            <button className="btn" disabled={isBusy} onClick={() => void giveUp()}>
              Drop my {edits}
            </button>
          </div>
        </div>
      )}
    </>
  );
}

function changes(shown: Shown): string {
  return `${shown.waiting} ${shown.waiting === 1 ? "change" : "changes"}`;
}

const STATES = {
  saved: { state: "succeeded", icon: "succeeded", word: "saved" },
  unsaved: { state: "running", icon: "running", word: "saving" },
  away: { state: "aborted", icon: "doubt", word: "" },
  conflict: { state: "aborted", icon: "doubt", word: "not saved" },
  refused: { state: "failed", icon: "failed", word: "not saved" },
} as const;
