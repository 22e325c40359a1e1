import { useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { Link, Redirect, useLocation } from "wouter";

import { addressOf, answered, api } from "../../api/client";
import { Frame } from "../../frame";
import { Icon } from "../../icon";
import { Said } from "../../said";

/** All projects that were opened lately; of a server for one project, that project at once. */
export function Home({ home }: { home: string }) {
  const [, go] = useLocation();
  const queries = useQueryClient();
  const [path, setPath] = useState("");
  const [error, setError] = useState<Error | null>(null);
  const projects = useQuery({ queryKey: ["projects"], queryFn: () => answered(api.GET("/api/projects")) });
  const first = projects.data?.[0];
  if (home && first) return <Redirect to={`/p/${first.key}`} replace />;

  async function open(create: boolean) {
    try {
      const opened = await answered(api.POST("/api/projects", { body: { path, create } }));
      await queries.invalidateQueries({ queryKey: ["projects"] });
      go(`/p/${opened.key}`);
    } catch (refused) {
      setError(refused as Error);
    }
  }

  function submit(event: FormEvent) {
    event.preventDefault();
    void open(false);
  }

  return (
    <Frame place={[{ word: "Projects" }]}>
      <div className="toolbar">
        <form className="row grow" onSubmit={submit}>
          <label className="row grow">
            <span className="muted">Folder</span>
            <input
              className="input grow"
              value={path}
              onChange={(event) => setPath(event.target.value)}
              placeholder="/data/project; RELION's own are opened as they are"
              aria-label="Folder of a project"
            />
          </label>
          <button className="btn" disabled={!path}>
            Open
          </button>
          <button className="btn btn-primary" type="button" disabled={!path} onClick={() => void open(true)}>
            <Icon name="plus" />
            New project
          </button>
        </form>
      </div>
      {error && <Said error={error} />}
      {projects.error && <Said error={projects.error} />}
      {projects.data?.length === 0 && (
        <div className="empty">
          <h1>No project was opened yet</h1>
          <p>Name a folder above. New project makes one there. Open takes one that is there: a project of RELION's is opened in place, and not a byte of it is changed by looking.</p>
        </div>
      )}
      <div className="cardgrid">
        {projects.data?.map((one) => (
          <Link key={one.key} className="card" href={`/p/${one.key}`} aria-disabled={!one.there}>
            <span className="pic">
              {one.there && one.shown > 0 && (
                <img
                  src={addressOf(`projects/${one.key}/jobs/${one.shown}/face.png?v=${one.changed}`)}
                  alt=""
                  loading="lazy"
                  onError={(event) => (event.currentTarget.hidden = true)}
                />
              )}
            </span>
            <b className="cut">{one.name}</b>
            <span className="muted cut">{one.path}</span>
            <span className="row">
              {one.there ? (
                <span className="muted">
                  {one.jobs} jobs{one.running ? `, ${one.running} running` : ""}
                  {one.failed ? `, ${one.failed} failed` : ""}
                  {one.made && <b>{` · ${one.made}`}</b>}
                </span>
              ) : (
                <span className="state" data-s="failed">
                  <Icon name="failed" />
                  not there
                </span>
              )}
            </span>
          </Link>
        ))}
      </div>
    </Frame>
  );
}
