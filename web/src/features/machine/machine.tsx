import { useQuery } from "@tanstack/react-query";
import { Link } from "wouter";

import { answered, api } from "../../api/client";
import type { components } from "../../api/schema";
import { Frame } from "../../frame";
import { Icon } from "../../icon";
import { Said } from "../../said";
import { digits } from "../../units";

type Holder = components["schemas"]["HolderShape"];

const LOOK_EVERY_MS = 3000;

/** What runs and waits on this machine in all projects, what is left of it, what is installed. */
export function MachinePage() {
  const machine = useQuery({
    queryKey: ["machine"],
    queryFn: () => answered(api.GET("/api/machine")),
    refetchInterval: LOOK_EVERY_MS,
  });
  const doctor = useQuery({
    queryKey: ["machine", "doctor"],
    queryFn: () => answered(api.GET("/api/machine/doctor")),
    staleTime: 60_000,
  });
  const now = machine.data;
  const wrong = doctor.data?.checks.filter((check) => !check.ok) ?? [];
  return (
    <Frame place={[{ word: "Projects", to: "/" }, { word: "Machine" }]}>
      <div className="scroll grow" tabIndex={0} role="region" aria-label="Machine">
        <h1 className="vh">This machine</h1>
        {machine.error && <Said error={machine.error} />}
        <div className="blocks jobgrid">
          {now && (
            <section className="block">
              <header>
                <h2>What is taken</h2>
              </header>
              <div className="body stack">
                <Share word="Cores" taken={now.cores_taken} all={now.cores} unit="" />
                <Share word="Memory" taken={now.memory_taken_mb / 1024} all={now.memory_mb / 1024} unit="GB" />
                {now.gpus.length > 0 ? (
                  <Share word="GPUs" taken={now.gpus_taken.length} all={now.gpus.length} unit="" />
                ) : (
                  <p className="muted">No GPU that jobs may take.</p>
                )}
                {now.disks.map((disk) => (
                  <Share
                    key={disk.where}
                    word={`Disk of ${disk.where}`}
                    taken={disk.total_gb - disk.free_gb}
                    all={disk.total_gb}
                    unit="GB"
                  />
                ))}
              </div>
              <p className="read">
                What jobs of all your projects hold now, of what the settings let them hold. Load of the last minute, of all users:{" "}
                {now.load.toFixed(1)}; free memory: {(now.free_memory_mb / 1024).toFixed(1)} GB.
              </p>
            </section>
          )}
          {now && (
            <section className="block wide">
              <header>
                <h2>What runs and waits</h2>
              </header>
              <div className="body">
                {now.running.length + now.waiting.length === 0 && <p className="muted">Nothing runs and nothing waits.</p>}
                {now.running.length + now.waiting.length > 0 && <Holders running={now.running} waiting={now.waiting} />}
              </div>
              <p className="read">Far fewer busy cores than a job holds: it waits for the disk, or was given more than it can use.</p>
            </section>
          )}
          <section className="block wide">
            <header>
              <h2>What is installed</h2>
              {doctor.data && (
                <span className="state" data-s={wrong.length ? "failed" : "succeeded"}>
                  <Icon name={wrong.length ? "failed" : "succeeded"} />
                  {wrong.length ? `${wrong.length} missing` : "all is there"}
                </span>
              )}
              <button className="btn" disabled={doctor.isFetching} onClick={() => void doctor.refetch()}>
                Look again
              </button>
            </header>
            <div className="body">
              {doctor.error && <Said error={doctor.error} />}
              <table className="table">
                <tbody>
                  {[...(doctor.data?.checks ?? [])]
                    .sort((one, other) => Number(one.ok) - Number(other.ok))
                    .map((check) => (
                      <tr key={check.what}>
                        <td>{check.what}</td>
                        <td>
                          <span className="state" data-s={check.ok ? "succeeded" : "failed"}>
                            <Icon name={check.ok ? "succeeded" : "failed"} />
                            {check.ok ? "ok" : "missing"}
                          </span>
                        </td>
                        <td className="second">{check.found}</td>
                      </tr>
                    ))}
                </tbody>
              </table>
            </div>
            <p className="read">
              The same as <code>cryoloom doctor</code>; a protocol whose program is missing says so in its form too.
            </p>
          </section>
          <section className="block">
            <header>
              <h2>Settings</h2>
            </header>
            <div className="body">
              <table className="table">
                <tbody>
                  {doctor.data?.settings.map((setting) => (
                    <tr key={setting.name}>
                      <td>{setting.name}</td>
                      <td className="num">{setting.value || "–"}</td>
                      <td className="second">{setting.source}</td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </div>
            <p className="read">Where each value comes from; later ones win: your file, the project's, the environment.</p>
          </section>
        </div>
      </div>
    </Frame>
  );
}

function Share({ word, taken, all, unit }: { word: string; taken: number; all: number; unit: string }) {
  const of = (value: number) => (unit ? (value < 10 ? value.toFixed(1) : Math.round(value)) : value);
  return (
    <label className="stack">
      <span className="row">
        <span className="grow cut">{word}</span>
        <span className="num">
          {of(taken)} of {of(all)} {unit}
        </span>
      </span>
      <meter min={0} max={all || 1} value={taken} />
    </label>
  );
}

function Holders({ running, waiting }: { running: Holder[]; waiting: Holder[] }) {
  const rows = [...running.map((one) => ["runs", one] as const), ...waiting.map((one) => ["waits", one] as const)];
  return (
    <table className="table">
      <thead>
        <tr>
          <th>Job</th>
          <th>Project</th>
          <th />
          <th className="num">Cores</th>
          <th className="num">Busy</th>
          <th className="num">Asked for, GB</th>
          <th className="num">Holds, GB</th>
          <th className="num">GPUs</th>
        </tr>
      </thead>
      <tbody>
        {rows.map(([word, one], index) => (
          <tr key={index}>
            <td>{one.key ? <Link href={`/p/${one.key}/jobs/${Number(digits(one.job))}`}>{one.job}</Link> : one.job}</td>
            <td className="second cut">{one.project}</td>
            <td>{word}</td>
            <td className="num">{one.cores}</td>
            <td className="num">{one.busy_cores ?? "–"}</td>
            <td className="num">{(one.memory_mb / 1024).toFixed(1)}</td>
            <td className="num">{one.resident_mb === null ? "–" : (one.resident_mb / 1000).toFixed(1)}</td>
            <td className="num">{one.gpus.join(", ") || "–"}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
