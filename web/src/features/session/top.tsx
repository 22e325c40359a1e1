import { Fragment } from "react";

import type { IconName } from "../../drawings";
import { Icon } from "../../icon";
import { ticks } from "../select/values";
import type { Quality, Session } from "./asking";
import { linear, short, span, times } from "./scale";
import { useWidth } from "./width";

const SIGNS: Record<Session["verdict"], { state: string; icon: IconName }> = {
  "keeps up": { state: "succeeded", icon: "succeeded" },
  "falls behind": { state: "doubt", icon: "doubt" },
  stands: { state: "failed", icon: "failed" },
  quiet: { state: "doubt", icon: "doubt" },
  finishing: { state: "running", icon: "running" },
  ended: { state: "succeeded", icon: "succeeded" },
};

/** The one number, and what one asks next. */
export function Behind({ now }: { now: Session }) {
  const sign = SIGNS[now.verdict];
  const behind = now.behind_s === null ? null : span(now.behind_s);
  const left = now.disk?.hours_left ?? null;
  return (
    <section className="block" aria-label="Behind the microscope" data-w="3">
      <div className="body first">
        <h2 className="label">Behind the microscope</h2>
        <div className="behind">
          <b>{behind?.value ?? "–"}</b>
          <span className="unit">{behind?.unit ?? ""}</span>
          <span className="state" data-s={sign.state} title={now.why}>
            <Icon name={sign.icon} />
            {now.verdict}
          </span>
        </div>
        <p className="muted cut-2">{now.why}</p>
        <dl className="kv">
          <dt>Movies</dt>
          <dd>
            {short(now.movies)}
            {now.rate !== null && now.is_open && (
              <>
                , {short(now.rate)} <span className="unit">each hour</span>
              </>
            )}
          </dd>
          <dt>Accepted</dt>
          <dd>
            {now.accepted === null || now.judged === null ? (
              <span className="muted">no limits yet</span>
            ) : (
              <>
                {now.accepted.toLocaleString("en")}
                {now.judged > 0 && (
                  <>
                    , {((100 * now.accepted) / now.judged).toFixed(1)} <span className="unit">%</span>
                  </>
                )}
              </>
            )}
          </dd>
          <dt>Particles</dt>
          <dd>{now.particles === null ? "–" : now.particles.toLocaleString("en")}</dd>
          <dt>Disk full</dt>
          <dd>
            {left !== null && now.disk?.gb_per_hour ? (
              <span title={`${short(now.disk.gb_per_hour)} GB each hour, ${short(now.disk.free_gb)} GB free`}>
                in {span(left * 3600).value} <span className="unit">{span(left * 3600).unit}</span>, {short(now.disk.gb_per_hour)}{" "}
                <span className="unit">GB/h</span>
              </span>
            ) : (
              <>{now.disk ? <>{short(now.disk.free_gb)} <span className="unit">GB free</span></> : "–"}</>
            )}
          </dd>
        </dl>
      </div>
    </section>
  );
}

/** Each step of the stream: the share of its capacity shows the next bottleneck before there is a backlog. */
export function Steps({ now }: { now: Session }) {
  return (
    <section className="block" aria-label="Steps" data-w="5">
      <div className="body first">
        <table className="steps">
          <thead>
            <tr>
              <th className="label">Step</th>
              <th className="label wide">capacity in use</th>
              <th className="label num">each takes</th>
              <th className="label num">done</th>
              <th className="label num">waits</th>
              <th className="label num wide-only">behind</th>
            </tr>
          </thead>
          <tbody>
            {now.steps.map((step) => {
              const each = step.each_s === null ? null : span(step.each_s);
              const behind = step.behind_s === null ? null : span(step.behind_s);
              const isOver = step.load !== null && step.load > 1;
              return (
                <tr key={step.name} data-step={step.name}>
                  <th scope="row" className="cut" title={`${step.name}, ${step.state}${step.why ? `: ${step.why}` : ""}`}>
                    {step.state === "failed" || step.state === "aborted" ? (
                      <span className="state" data-s={step.state}>
                        <Icon name={step.state} small />
                        {step.alias || step.title}
                      </span>
                    ) : (
                      step.alias || step.title
                    )}
                  </th>
                  <td className="wide">
                    <span className="progress" data-over={isOver || undefined} style={{ "--p": `${Math.min(100, 100 * (step.load ?? 0))}%` } as React.CSSProperties}>
                      <i />
                    </span>
                    <span className="vh">{step.load === null ? "unknown" : `${Math.round(100 * step.load)} %`}</span>
                  </td>
                  <td className="num">
                    {each ? (
                      <>
                        {step.each_s! < 0.1 ? "<0.1" : step.each_s! < 10 ? step.each_s!.toFixed(1) : each.value} <span className="unit">{each.unit}</span>
                      </>
                    ) : (
                      "–"
                    )}
                  </td>
                  <td className="num" data-done={step.done}>
                    {step.done.toLocaleString("en")}
                  </td>
                  <td className="num">{step.waits ? step.waits.toLocaleString("en") : "–"}</td>
                  <td className="num wide-only">
                    {behind ? (
                      <>
                        {behind.value} <span className="unit">{behind.unit}</span>
                      </>
                    ) : (
                      "–"
                    )}
                  </td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </div>
    </section>
  );
}

const HIGH = 118;
const [LEFT, RIGHT, TOP, FOOT] = [26, 12, 10, 22];

/** Movies that were written and came through, in equal spans of time. */
export function Pace({ quality }: { quality: Quality | undefined }) {
  const { place, width } = useWidth<HTMLDivElement>(360);
  const pace = quality?.pace ?? null;
  const word = pace === null ? "Movies over time" : `Movies in ${{ 1: "a second", 10: "ten seconds", 60: "a minute", 600: "ten minutes", 3600: "an hour" }[pace.width_s] ?? "a day"}`;
  const most = Math.max(1, ...(pace?.written ?? []), ...(pace?.through ?? []));
  const [first, last] = [pace?.edges[0] ?? 0, pace?.edges.at(-1) ?? 1];
  const x = linear(first, last, LEFT, width - RIGHT);
  const y = linear(0, most, HIGH - FOOT, TOP);
  const line = (counts: number[]) =>
    counts.map((count, index) => `${index ? "L" : "M"}${x.to((pace?.edges[index] ?? 0) + (pace?.width_s ?? 0) / 2).toFixed(1)} ${y.to(count).toFixed(1)}`).join("");
  return (
    <section className="block" aria-label={word} data-w="4">
      <div className="body first">
        <div className="row">
          <h2 className="label grow">{word}</h2>
          <div className="legend">
            <span className="k6">
              <i />
              written
            </span>
            <span className="k1">
              <i />
              through
            </span>
          </div>
        </div>
        <div ref={place}>
          <svg className="chart" width={width} height={HIGH} viewBox={`0 0 ${width} ${HIGH}`} role="img" aria-label={word}>
            {ticks(0, most, 3).filter(Number.isInteger).map((at) => (
              <Fragment key={at}>
                <path className="grid" d={`M${LEFT} ${Math.round(y.to(at)) + 0.5}H${width - RIGHT}`} />
                <text x={LEFT - 5} y={y.to(at) + 4} textAnchor="end">
                  {at}
                </text>
              </Fragment>
            ))}
            <path className="axis" d={`M${LEFT} ${HIGH - FOOT + 0.5}H${width - RIGHT}`} />
            {pace &&
              times(first, last, Math.floor(width / 70)).map(({ at, word: text }) => (
                <Fragment key={at}>
                  <path className="axis" d={`M${Math.round(x.to(at)) + 0.5} ${HIGH - FOOT}v4`} />
                  <text x={x.to(at)} y={HIGH - 6} textAnchor="middle">
                    {text}
                  </text>
                </Fragment>
              ))}
            {pace && <path className="l l6" d={line(pace.written)} />}
            {pace && <path className="l l1" d={line(pace.through)} />}
          </svg>
        </div>
      </div>
    </section>
  );
}
