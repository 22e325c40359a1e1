import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { useLocation } from "wouter";

import { answered, api } from "../../api/client";
import { Icon } from "../../icon";
import { notify } from "../../notice";
import { Said } from "../../said";
import { digits } from "../../units";
import { type Limit, type Limits, type Quality, useLimitsPlan } from "./asking";
import { Consequences } from "./consequences";
import { type Side, SeriesChart } from "./series";

const SETTLED_MS = 250;
const LAST_HOURS_S = 3 * 3600; // of a phone

type Props = { project: string; quality: Quality | undefined; version: number; mayChange: boolean; isNarrow: boolean };

/** What was measured, over the time at which movies were written; limits that are moved become the stream's filter. */
export function QualityByTime({ project, quality, version, mayChange, isNarrow }: Props) {
  const [moved, setMoved] = useState<Limits>({});
  const [, go] = useLocation();
  const isMoved = Object.keys(moved).length > 0;
  const shown = quality && isNarrow ? lately(quality) : quality;
  const outside = quality?.series.reduce((sum, one) => sum + one.outside, 0) ?? 0;

  function move(label: string, before: Limit, side: Side, value: number | null) {
    setMoved((known) => {
      const next = { ...(known[label] ?? before), [side]: value };
      const { [label]: _, ...others } = known;
      return next.low === before.low && next.high === before.high ? others : { ...known, [label]: next };
    });
  }

  return (
    <section className="block quality" aria-label="Quality by time" data-w="8">
      <header>
        <h2>Quality by time</h2>
        {isNarrow && <span className="muted">last 3 h</span>}
        {outside > 0 && <span className="badge badge-fail">{outside.toLocaleString("en")} outside</span>}
      </header>
      <div className="body timeseries">
        {shown?.series.length === 0 && (
          <p className="muted">Nothing is measured yet. Defocus, fit and drift come with motion correction and CTF estimation.</p>
        )}
        {shown?.series.map((series, index) => {
          const { label } = series.quantity;
          const before = { low: series.limit.low ?? null, high: series.limit.high ?? null };
          return (
            <SeriesChart
              key={label}
              series={series}
              times={shown.times}
              limit={moved[label] ?? before}
              height={(isNarrow ? 110 : 66) + (index === shown.series.length - 1 ? 14 : 0)}
              isLast={isNarrow || index === shown.series.length - 1}
              isNarrow={isNarrow}
              move={mayChange ? (side, value) => move(label, before, side, value) : null}
              open={
                mayChange && shown.numbers.length
                  ? (at) => go(`/p/${project}/jobs/${Number(digits(shown.job))}/micrographs/${shown.output}?at=${shown.numbers[at]}`)
                  : null
              }
            />
          );
        })}
      </div>
      <p className="read">
        {mayChange
          ? "Drag a limit, or move it by the arrow keys: micrographs old and new follow, as one job. A cross lies outside; a click opens its micrograph."
          : "A cross lies outside the limits of the stream, which its user sets."}
        {quality?.besides && ` The filter asks besides: ${quality.besides}.`}
      </p>
      {isMoved && <Moved project={project} quality={quality} version={version} moved={moved} leave={() => setMoved({})} />}
    </section>
  );
}

/** Said before the button: what would be kept, what is made again, and how long it takes. */
function Moved(props: { project: string; quality: Quality | undefined; version: number; moved: Limits; leave: () => void }) {
  const { project, quality, version, moved, leave } = props;
  const queries = useQueryClient();
  const settled = useSettled(moved);
  const plan = useLimitsPlan(project, settled, version);
  const [error, setError] = useState<Error | null>(null);
  const [isBusy, setBusy] = useState(false);
  const found = plan.data;
  const isTrue = settled === moved && !plan.isPlaceholderData && !plan.isFetching;

  async function make() {
    setBusy(true);
    setError(null);
    try {
      const made = await answered(api.POST("/api/projects/{key}/session/limits", { params: { path: { key: project } }, body: { limits: moved } }));
      notify(`${made.jobs.join(", ")} ${made.jobs.length === 1 ? "judges" : "judge"} the stream by these limits; the branch before is stopped.`);
      leave();
      await queries.invalidateQueries({ queryKey: ["project", project] });
    } catch (refused) {
      setError(refused as Error);
    } finally {
      setBusy(false);
    }
  }

  return (
    <section className="pop below stack" role="dialog" aria-label="Other limits">
      {(plan.error ?? error) && <Said error={(plan.error ?? error)!} />}
      {found && (
        <>
          <p className="row wrap" aria-live="polite">
            <b>
              Would keep {found.kept?.toLocaleString("en")} of {found.of?.toLocaleString("en")}
            </b>
            <span className="muted">
              now {found.kept_now?.toLocaleString("en")}
              {quality?.filter ? ` by ${quality.filter}` : ", without a filter"}
            </span>
          </p>
          <Consequences plan={found} />
        </>
      )}
      <div className="row wrap">
        <span className="grow" />
        <button className="btn" onClick={leave}>
          Leave as it is
        </button>
        <button className="btn btn-primary" disabled={!found || !isTrue || isBusy} onClick={() => void make()}>
          <Icon name="succeeded" />
          {found ? `Keep ${found.kept?.toLocaleString("en")} of ${found.of?.toLocaleString("en")}` : "Keep …"}
        </button>
      </div>
    </section>
  );
}

/** A value as it is when it has not changed for a moment. */
function useSettled<T>(value: T): T {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), SETTLED_MS);
    return () => clearTimeout(timer);
  }, [value]);
  return settled;
}

/** The last hours: a phone is no wider. */
function lately(quality: Quality): Quality {
  const from = quality.times.findIndex((at) => at >= (quality.times.at(-1) ?? 0) - LAST_HOURS_S);
  if (from <= 0) return quality;
  const cut = <T,>(values: T[]) => values.slice(values.length ? from : 0);
  const series = quality.series.map((one) => ({ ...one, values: cut(one.values), low: cut(one.low), high: cut(one.high) }));
  return { ...quality, times: cut(quality.times), numbers: cut(quality.numbers), series };
}
