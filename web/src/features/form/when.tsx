export type Wishes = { waitFor: string; priority: string; memory: string; alone: boolean };
export const NO_WISHES: Wishes = { waitFor: "", priority: "", memory: "", alone: false };

/** When a job runs and what it takes of the machine, besides what its protocol asks for. */
export function When({ wishes, set }: { wishes: Wishes; set: (wishes: Wishes) => void }) {
  return (
    <details className="when">
      <summary>When it runs, and with how much of the machine</summary>
      <div className="row">
        <label className="row">
          Wait for
          <input
            className="input"
            value={wishes.waitFor}
            placeholder="jobs, besides its inputs"
            onChange={(event) => set({ ...wishes, waitFor: event.target.value })}
          />
        </label>
        <label className="row">
          Priority
          <input
            className="input short"
            inputMode="numeric"
            value={wishes.priority}
            placeholder="0"
            onChange={(event) => set({ ...wishes, priority: event.target.value })}
          />
        </label>
        <label className="row">
          Memory
          <input
            className="input short"
            inputMode="decimal"
            value={wishes.memory}
            placeholder="its own estimate"
            onChange={(event) => set({ ...wishes, memory: event.target.value })}
          />
          <span className="unit">GB</span>
        </label>
        <label className="row">
          <input
            className="switch"
            type="checkbox"
            checked={wishes.alone}
            onChange={() => set({ ...wishes, alone: !wishes.alone })}
          />
          Alone on the machine
        </label>
      </div>
    </details>
  );
}
