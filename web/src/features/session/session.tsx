import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { Link } from "wouter";

import { addressOf, answered, api, Refused } from "../../api/client";
import { useProject } from "../../asking";
import { Frame } from "../../frame";
import { Icon } from "../../icon";
import { notify } from "../../notice";
import { useByLink } from "../../reader";
import { Said } from "../../said";
import { digits, duration } from "../../units";
import { type Session, useQuality, useSession } from "./asking";
import { Change } from "./change";
import { Links } from "./links";
import { QualityByTime } from "./quality";
import { Classes, Failed, FirstMap, Newest, WhatHappened } from "./results";
import { span } from "./scale";
import "./session.css";
import { Behind, Pace, Steps } from "./top";

type Opened = "change" | "links" | "";
const NARROW = "(max-width: 48rem)";

/** The page that a facility leaves open: how far behind a stream is, its steps, its quality, what failed. */
export function SessionPage({ project }: { project: string }) {
  const link = useByLink();
  const mayChange = link === null;
  const info = useProject(project, mayChange);
  const session = useSession(project);
  const now = session.data;
  const quality = useQuality(project, now?.version).data;
  const isNarrow = useMedia(NARROW);
  const [opened, setOpened] = useState<Opened>("");
  const isNone = session.error instanceof Refused && session.error.status === 409;
  const isAway = session.error !== null && !(session.error instanceof Refused);
  const name = info.data?.name ?? "";
  const day = now?.began ? new Date(now.began * 1000).toLocaleDateString("en-GB", { day: "numeric", month: "short" }) : "";
  const place = mayChange ? [{ word: "Projects", to: "/" }, { word: name, to: `/p/${project}` }, { word: "Session" }] : [{ word: "Session" }];
  const running = now?.steps.filter((step) => step.state === "running").length ?? 0;
  return (
    <Frame place={place} running={running} isAway={isAway}>
      <div className="toolbar">
        <h1>{day ? `Session of ${day}` : "Session"}</h1>
        {now && <Run now={now} />}
        <span className="grow wide-only" />
        {mayChange && now && (
          <>
            <button className="btn" aria-expanded={opened === "change"} onClick={() => setOpened(opened === "change" ? "" : "change")}>
              <Icon name="settings" />
              Change parameters
            </button>
            <Stream project={project} now={now} />
            <button className="btn" aria-expanded={opened === "links"} onClick={() => setOpened(opened === "links" ? "" : "links")}>
              <Icon name="link" />
              Read-only link
            </button>
            <a className="btn wide-only" href={addressOf(`projects/${project}/session/report.html`)} download>
              <Icon name="report" />
              Report
            </a>
          </>
        )}
        {link && (
          <span className="muted row">
            <Icon name="link" />
            read-only until {new Date(link.until * 1000 - 1000).toLocaleDateString("en-GB", { day: "numeric", month: "short", year: "numeric" })}
          </span>
        )}
      </div>
      {session.error && !isNone && !isAway && <Said error={session.error} />}
      {isNone && <Nothing project={project} mayChange={mayChange} />}
      {now && (
        <div className="dash scroll grow" tabIndex={0} role="region" aria-label="Session">
          {!now.is_open && <Over project={project} now={now} mayChange={mayChange} />}
          <Behind now={now} />
          <Steps now={now} />
          <Pace quality={quality} />
          <QualityByTime project={project} quality={quality} version={now.version} mayChange={mayChange} isNarrow={isNarrow} />
          <Newest project={project} quality={quality} mayOpen={mayChange} />
          <Classes project={project} now={now} mayOpen={mayChange} />
          <Failed project={project} now={now} mayChange={mayChange} />
          <FirstMap project={project} now={now} mayOpen={mayChange} />
          <WhatHappened now={now} />
        </div>
      )}
      {opened === "change" && now && <Change project={project} now={now} close={() => setOpened("")} />}
      {opened === "links" && <Links project={project} close={() => setOpened("")} />}
    </Frame>
  );
}

function Run({ now }: { now: Session }) {
  const ago = now.newest ? span(Math.max(0, now.now - now.newest)) : null;
  return (
    <>
      <span className="state" data-s={now.is_open ? "running" : "succeeded"}>
        <Icon name={now.is_open ? "running" : "succeeded"} />
        {now.is_open ? "running" : "over"}, {duration(Math.max(0, now.until - now.began))}
      </span>
      <span className="muted wide-only cut">
        {now.pattern}
        {ago && now.is_open && `, new file ${ago.value} ${ago.unit} ago`}
      </span>
    </>
  );
}

/** The stream is ended, or taken up again. */
function Stream({ project, now }: { project: string; now: Session }) {
  const queries = useQueryClient();
  const [error, setError] = useState<Error | null>(null);

  async function act(verb: "end-stream" | "resume") {
    try {
      const body = { numbers: [Number(digits(now.source))], dependents: true, harsh: false, priority: 0 };
      const done = await answered(api.POST("/api/projects/{key}/acts/{act}", { params: { path: { key: project, act: verb } }, body }));
      const first = done.refused[0];
      setError(first ? new Refused(409, first.problem) : null);
      if (!first) notify(verb === "resume" ? "The stream is taken up again." : "The stream is ended; what has come is processed.");
      await queries.invalidateQueries({ queryKey: ["project", project] });
    } catch (refused) {
      setError(refused as Error);
    }
  }

  return (
    <>
      <button className="btn" onClick={() => void act(now.is_open ? "end-stream" : "resume")}>
        <Icon name={now.is_open ? "stop" : "play"} />
        {now.is_open ? "End the stream" : "Take it up again"}
      </button>
      {error && <Said error={error} />}
    </>
  );
}

/** Without a running stream: what is shown is the last one's, and what to do next. */
function Over({ project, now, mayChange }: { project: string; now: Session; mayChange: boolean }) {
  return (
    <p className="over row" data-w="12">
      <Icon name="session" />
      <span className="grow">
        No stream runs. This is the last one: {now.movies.toLocaleString("en")} movies in {duration(Math.max(0, now.until - now.began))}.
      </span>
      {mayChange && (
        <Link className="btn" href={`/p/${project}?new=import.movies`}>
          <Icon name="plus" />
          Begin a new one
        </Link>
      )}
    </p>
  );
}

function Nothing({ project, mayChange }: { project: string; mayChange: boolean }) {
  return (
    <div className="empty">
      <Icon name="session" />
      <h1>No session yet</h1>
      <p>A session begins with an import that follows the microscope's folder: its movies are corrected, fitted, picked and cut as they come.</p>
      {mayChange && (
        <Link className="btn btn-primary" href={`/p/${project}?new=import.movies`}>
          Import movies as they come
        </Link>
      )}
    </div>
  );
}

function useMedia(query: string): boolean {
  const [holds, setHolds] = useState(() => matchMedia(query).matches);
  useEffect(() => {
    const list = matchMedia(query);
    const onChange = () => setHolds(list.matches);
    list.addEventListener("change", onChange);
    return () => list.removeEventListener("change", onChange);
  }, [query]);
  return holds;
}
