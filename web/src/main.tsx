import { QueryClient, QueryClientProvider, useQuery } from "@tanstack/react-query";
import { lazy, StrictMode, Suspense } from "react";
import { createRoot } from "react-dom/client";
import { Redirect, Route, Router, Switch } from "wouter";

import { answered, api, base, Refused } from "./api/client";
import { Broken } from "./broken";
import { Home } from "./features/home/home";
import { JobPage } from "./features/job/job";
import { MachinePage } from "./features/machine/machine";
import { ProjectPage } from "./features/project/project";
import { Frame } from "./frame";
import { ReaderContext } from "./reader";
import { Said } from "./said";
import "./style.css";
import "./page.css";

const MicrographPage = lazy(async () => ({ default: (await import("./features/micrograph/micrograph")).MicrographPage }));
const MapPage = lazy(async () => ({ default: (await import("./features/map/map")).MapPage }));
const SelectPage = lazy(() => import("./features/select/select").then((one) => ({ default: one.SelectPage })));
const SessionPage = lazy(() => import("./features/session/session").then((one) => ({ default: one.SessionPage })));

const queries = new QueryClient({
  defaultOptions: { queries: { retry: (count, error) => !(error instanceof Refused) && count < 3, staleTime: Infinity } },
});

/** The token of the printed link stands behind `#`, which browsers send to nobody; it is given away once, for a cookie. */
async function signIn() {
  const token = new URLSearchParams(location.hash.slice(1)).get("token");
  if (token) {
    history.replaceState(null, "", location.pathname + location.search);
    return answered(api.POST("/api/session", { body: { token } }));
  }
  return answered(api.GET("/api/session"));
}

function Page() {
  const session = useQuery({ queryKey: ["session"], queryFn: signIn });
  if (session.isPending) return null;
  if (session.error) {
    const isUnknown = session.error instanceof Refused && session.error.status === 401;
    return (
      <Frame>
        {isUnknown ? (
          <div className="empty">
            <h1>Not signed in</h1>
            <p>Open the link that <code>cryoloom serve</code> printed; it holds the token that this page needs.</p>
          </div>
        ) : (
          <Said error={session.error} />
        )}
      </Frame>
    );
  }
  const inside = base.pathname.replace(/\/$/, "");
  const link = session.data.link ?? null;
  // A read-only link is to one page; all else is closed to it by the server.
  if (link) {
    return (
      <ReaderContext value={link}>
        <Router base={inside}>
          <Switch>
            <Route path={`/p/${link.project}/session`}>
              <Suspense fallback={<Frame>{null}</Frame>}>
                <SessionPage project={link.project} />
              </Suspense>
            </Route>
            <Route>
              <Redirect to={`/p/${link.project}/session`} replace />
            </Route>
          </Switch>
        </Router>
      </ReaderContext>
    );
  }
  return (
    <Router base={inside}>
      <Switch>
        <Route path="/p/:project/session">
          {({ project }) => (
            <Suspense fallback={<Frame>{null}</Frame>}>
              <SessionPage project={project} />
            </Suspense>
          )}
        </Route>
        <Route path="/p/:project/jobs/:number/micrographs/:output">
          {({ project, number, output }) => (
            <Suspense fallback={<Frame>{null}</Frame>}>
              <MicrographPage project={project} number={Number(number)} output={output} />
            </Suspense>
          )}
        </Route>
        <Route path="/p/:project/jobs/:number/maps">
          {({ project, number }) => (
            <Suspense fallback={<Frame>{null}</Frame>}>
              <MapPage key={`${project} ${number}`} project={project} number={Number(number)} />
            </Suspense>
          )}
        </Route>
        <Route path="/p/:project/jobs/:number/select/:output?">
          {({ project, number, output }) => (
            <Suspense fallback={<Frame>{null}</Frame>}>
              <SelectPage project={project} number={Number(number)} output={output ?? ""} />
            </Suspense>
          )}
        </Route>
        <Route path="/p/:project/jobs/:number/:tab?">
          {({ project, number, tab }) => <JobPage project={project} number={Number(number)} tab={tab ?? "results"} />}
        </Route>
        <Route path="/p/:project/:how?">{({ project, how }) => <ProjectPage project={project} how={how ?? "graph"} />}</Route>
        <Route path="/machine">
          <MachinePage />
        </Route>
        <Route path="/">
          <Home home={session.data.home} />
        </Route>
        <Route>
          <Frame>
            <div className="empty">
              <h1>There is no such page</h1>
              <p>
                <a href={base.href}>All projects</a>
              </p>
            </div>
          </Frame>
        </Route>
      </Switch>
    </Router>
  );
}

createRoot(document.getElementById("page")!).render(
  <StrictMode>
    <QueryClientProvider client={queries}>
      <Broken>
        <Page />
      </Broken>
    </QueryClientProvider>
  </StrictMode>,
);
