import { useQueryClient } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import { Link } from "wouter";

import { answered, api, Refused } from "../../api/client";
import { Icon, stateIcon } from "../../icon";
import { notify } from "../../notice";
import { Said } from "../../said";
import { digits } from "../../units";
import { pictureAddress, type Quality, type Session } from "./asking";
import { clock, short, span } from "./scale";

const PLACES = 10;

/** The newest micrographs with their picks; what was rejected says for what. */
export function Newest({ project, quality, mayOpen }: { project: string; quality: Quality | undefined; mayOpen: boolean }) {
  const newest = quality?.newest ?? [];
  const all = quality?.job ? `/p/${project}/jobs/${Number(digits(quality.job))}/micrographs/${quality.output}` : "";
  return (
    <section className="block" aria-label="Newest micrographs" data-w="4">
      <header>
        <h2>Newest micrographs</h2>
        {mayOpen && all && (
          <Link className="btn btn-quiet" href={all}>
            All
            <Icon name="right" />
          </Link>
        )}
      </header>
      <div className="body">
        <div className="newest">
          {Array.from({ length: PLACES }, (_, index) => {
            const one = newest[index];
            if (!one) return <figure key={index} className="place" aria-hidden="true" />;
            const name = one.name.split("/").at(-1) ?? one.name;
            const dots = one.places.map(([x, y]) => `M${x} ${y}h0`).join("");
            const picture: ReactNode = (
              <span className="shot">
                <img
                  src={pictureAddress(project, "micrograph.png", { number: one.number, of: one.name })}
                  alt={`${name}, ${one.picks ?? "no"} picks${one.fate ? `, ${one.fate}` : ""}`}
                  width="104"
                  height="104"
                />
                {dots && (
                  <svg className="picked" viewBox="0 0 1 1" preserveAspectRatio="none" aria-hidden="true">
                    <path d={dots} />
                  </svg>
                )}
                {one.fate === "rejected" && (
                  <span className="flag">
                    <Icon name="failed" small />
                  </span>
                )}
              </span>
            );
            return (
              <figure key={one.name} title={name} data-fate={one.fate}>
                {mayOpen ? <Link href={`${all}?at=${one.number}`}>{picture}</Link> : picture}
                <figcaption>
                  <span>{one.number}</span>
                  {one.fate === "rejected" ? (
                    <b className="bad-text cut" title={one.why}>
                      {one.why || "rejected"}
                    </b>
                  ) : (
                    <span>{one.fit !== null ? `${short(one.fit)} Å` : one.motion !== null ? `${short(one.motion)} px` : ""}</span>
                  )}
                </figcaption>
              </figure>
            );
          })}
        </div>
      </div>
    </section>
  );
}

/** The newest class averages, those with most particles first. */
export function Classes({ project, now, mayOpen }: { project: string; now: Session; mayOpen: boolean }) {
  const found = now.results.classes;
  const of = found ? `${found.job}-${found.iteration ?? ""}-${found.state}` : "";
  const [absent, setAbsent] = useState("");
  return (
    <section className="block" aria-label="Newest classes" data-w="4">
      <header>
        <h2>Newest classes</h2>
        {found && <span className="muted">{saidOf(found, now.now)}</span>}
        {found && mayOpen && (
          <Link className="btn btn-quiet" href={`/p/${project}/jobs/${Number(digits(found.job))}`}>
            Open
            <Icon name="right" />
          </Link>
        )}
      </header>
      <div className="body">
        {found?.is_there && absent !== of ? (
          <img className="averages" src={pictureAddress(project, "classes.jpg", { of })} alt="Class averages, the largest first" onError={() => setAbsent(of)} />
        ) : (
          <div className="averages">
            <p className="muted">{found ? waitsFor(found) : "No 2D classification hangs on the stream's particles."}</p>
          </div>
        )}
      </div>
    </section>
  );
}

/** The newest map. */
export function FirstMap({ project, now, mayOpen }: { project: string; now: Session; mayOpen: boolean }) {
  const found = now.results.map;
  const of = found ? `${found.job}-${found.iteration ?? ""}-${found.state}` : "";
  const [absent, setAbsent] = useState("");
  return (
    <section className="block" aria-label="Newest map" data-w="4">
      <header>
        <h2>Newest map</h2>
        {found && mayOpen && (
          <Link className="btn btn-quiet" href={`/p/${project}/jobs/${Number(digits(found.job))}`}>
            Open
            <Icon name="right" />
          </Link>
        )}
      </header>
      <div className="body row top">
        <span className="pic large">
          {found?.is_there && absent !== of && <img src={pictureAddress(project, "map.png", { of })} alt={`Map of ${found.title}`} onError={() => setAbsent(of)} />}
        </span>
        {found ? (
          <dl className="kv grow">
            <dt>{found.title}</dt>
            <dd>{found.ended ? clock(found.ended) : found.state}</dd>
            <dt>Made</dt>
            <dd>{found.made || (found.iteration === null ? "–" : `iteration ${found.iteration}`)}</dd>
            <dt>Job</dt>
            <dd>{found.alias || found.job}</dd>
          </dl>
        ) : (
          <p className="muted">None yet. An initial model of chosen classes makes the first.</p>
        )}
      </div>
    </section>
  );
}

/** Items that a step could not treat, each with its reason; all of them are tried again in one go. */
export function Failed({ project, now, mayChange }: { project: string; now: Session; mayChange: boolean }) {
  const queries = useQueryClient();
  const [error, setError] = useState<Error | null>(null);
  const [isBusy, setBusy] = useState(false);
  const jobs = [...new Set(now.failed.map((one) => one.job))];

  async function retry() {
    setBusy(true);
    setError(null);
    try {
      const body = { numbers: jobs.map((job) => Number(digits(job))), dependents: true, harsh: false, priority: 0 };
      const done = await answered(api.POST("/api/projects/{key}/acts/{act}", { params: { path: { key: project, act: "retry" } }, body }));
      const first = done.refused[0];
      if (first) setError(new Refused(409, first.problem));
      else notify(`${now.failed_total === 1 ? "The item is" : `All ${now.failed_total} are`} tried again.`);
      await queries.invalidateQueries({ queryKey: ["project", project] });
    } catch (refused) {
      setError(refused as Error);
    } finally {
      setBusy(false);
    }
  }

  return (
    <section className="block" aria-label="Failed items" data-w="4">
      <header>
        <h2>Failed items</h2>
        {now.failed_total > 0 && <span className="badge badge-fail">{now.failed_total}</span>}
        {now.failed_total > 0 && mayChange && (
          <button className="btn btn-quiet" disabled={isBusy} onClick={() => void retry()}>
            <Icon name="retry" />
            {now.failed_total === 1 ? "Try it again" : `Try all ${now.failed_total} again`}
          </button>
        )}
      </header>
      {error && <Said error={error} />}
      <div className="body list" tabIndex={0} role="region" aria-label="Reasons">
        {now.failed_total === 0 && <p className="muted">None. Movies that cannot be used would stand here with the reason.</p>}
        <ul>
          {now.failed.map((one) => (
            <li key={`${one.job}${one.item}`} title={one.job}>
              {one.why.startsWith(one.name) ? (
                <>
                  <b>{one.name}</b>
                  {one.why.slice(one.name.length)}
                </>
              ) : (
                <>
                  <b>{one.name}</b>: {one.why}
                </>
              )}
            </li>
          ))}
        </ul>
      </div>
    </section>
  );
}

/** What one would want to know on coming back. */
export function WhatHappened({ now }: { now: Session }) {
  return (
    <section className="block" aria-label="What happened" data-w="8">
      <header>
        <h2>What happened</h2>
      </header>
      <div className="body list" tabIndex={0} role="region" aria-label="Events">
        <table className="table">
          <tbody>
            {now.happened.map((one) => (
              <tr key={`${one.t}${one.job}`}>
                <td>{clock(one.t)}</td>
                <td className="wide" title={one.job}>
                  {one.state ? (
                    <span className="state" data-s={one.state}>
                      <Icon name={stateIcon(one.state)} />
                      {one.text}
                    </span>
                  ) : (
                    one.text
                  )}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

function waitsFor(found: NonNullable<Session["results"]["classes"]>): string {
  if (found.state === "scheduled") return `${found.title}, ${found.job}, begins when all particles are there. sets.trigger gives it some before.`;
  return found.state === "running" ? "The first iteration has not ended yet." : `${found.title} ${found.state}.`;
}

function saidOf(found: NonNullable<Session["results"]["classes"]>, now: number): string {
  if (!found.ended) return found.iteration === null ? found.state : `iteration ${found.iteration}`;
  const ago = span(Math.max(0, now - found.ended));
  return `${found.made}, ${ago.value} ${ago.unit} ago`;
}
