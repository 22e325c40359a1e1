import { DRAWINGS, type IconName } from "./drawings";

/** A drawing beside a word; it says nothing by itself. */
export function Icon({ name, small = false }: { name: IconName; small?: boolean }) {
  return (
    <svg
      className={small ? "icon icon-s" : "icon"}
      viewBox="0 0 16 16"
      aria-hidden="true"
      dangerouslySetInnerHTML={{ __html: DRAWINGS[name] }}
    />
  );
}

const OF_STATE: Record<string, IconName> = {
  succeeded: "succeeded",
  running: "running",
  failed: "failed",
  scheduled: "scheduled",
  aborted: "aborted",
};

/** A state is an icon and a word; what succeeded and says why one should look is doubtful. */
export function StateOf({ state, why = "" }: { state: string; why?: string }) {
  if (state === "succeeded" && why) {
    return (
      <span className="state" data-s="doubt" title={why}>
        <Icon name="doubt" />
        doubtful
      </span>
    );
  }
  // A job that was only made is aborted in RELION's words; nobody has stopped it.
  if (state === "aborted" && why === "not started") {
    return (
      <span className="state" data-s="scheduled">
        <Icon name="scheduled" />
        not started
      </span>
    );
  }
  return (
    <span className="state" data-s={state}>
      <Icon name={OF_STATE[state] ?? "scheduled"} />
      {state}
    </span>
  );
}

export function stateIcon(state: string): IconName {
  return OF_STATE[state] ?? "scheduled";
}
