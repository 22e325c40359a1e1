import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Fragment, useEffect, useMemo, useRef, useState } from "react";

import { answered, api, type Tried } from "../../api/client";
import { Icon } from "../../icon";
import { notify } from "../../notice";
import { Said } from "../../said";
import { digits } from "../../units";
import { Field } from "./field";
import { declared, type InputOf, type ParamOf } from "./declared";
import { ProtocolPicker } from "./picker";
import { Recipe } from "./recipe";
import { WizardPanel } from "./wizard";
import { NO_WISHES, When, type Wishes } from "./when";

type Values = Record<string, string>;
const TRY_AFTER_MS = 350;

/** A new job in a drawer over what one looked at. `begin`: "", a protocol, or JSON of a protocol with what is given. */
export function NewJob(props: { project: string; begin: string; close: () => void; done?: (number: number) => void }) {
  const begun = useMemo(() => parsed(props.begin), [props.begin]);
  const [protocol, setProtocol] = useState(begun.protocol);
  const drawer = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    // Not modal: jobs are dragged into it from the graph beside it.
    if (!drawer.current?.open) drawer.current?.show();
    // A dialog gives the focus to what stands first, and that is the button that closes it.
    drawer.current?.querySelector<HTMLElement>("input")?.focus();
  }, [protocol]);
  return (
    <dialog
      ref={drawer}
      className="drawer"
      aria-label="New job"
      onClose={props.close}
      onKeyDown={(event) => event.key === "Escape" && !event.defaultPrevented && drawer.current?.close()}
    >
      {protocol ? (
        <Form {...props} protocol={protocol} given={protocol === begun.protocol ? begun.given : {}} back={() => setProtocol("")} />
      ) : (
        <ProtocolPicker choose={setProtocol} close={props.close} />
      )}
    </dialog>
  );
}

function parsed(begin: string): { protocol: string; given: Values } {
  if (!begin.startsWith("{")) return { protocol: begin, given: {} };
  const { protocol, given } = JSON.parse(begin) as { protocol: string; given: Values };
  // What another job has still to give is left to the user.
  return { protocol, given: Object.fromEntries(Object.entries(given).filter(([, value]) => value !== "...")) };
}

function Form(props: {
  project: string;
  protocol: string;
  given: Values;
  close: () => void;
  back: () => void;
  done?: (number: number) => void;
}) {
  const { project, protocol } = props;
  const queries = useQueryClient();
  const form = useQuery({
    queryKey: ["protocol", protocol],
    queryFn: () => answered(api.GET("/api/protocols/{name}", { params: { path: { name: protocol } } })),
  });
  const [given, setGiven] = useState<Values>(props.given);
  const [tried, setTried] = useState<Tried | null>(null);
  const [words, setWords] = useState("");
  const [withAdvanced, setAdvanced] = useState(false);
  const [onlyChanged, setOnlyChanged] = useState(false);
  const [alias, setAlias] = useState("");
  const [error, setError] = useState<Error | null>(null);
  const [isBusy, setBusy] = useState(false);

  const [wizard, setWizard] = useState("");
  const [wishes, setWishes] = useState<Wishes>(NO_WISHES);
  const body = useMemo(
    () => ({
      protocol, given: split(given), alias, label: "", start: true,
      wait_for: wishes.waitFor.split(/[\s,]+/).filter(Boolean),
      priority: Number(wishes.priority) || 0, alone: wishes.alone, memory_gb: Number(wishes.memory) || 0,
    }),
    [protocol, given, alias, wishes],
  );
  useEffect(() => {
    let isOld = false;
    const timer = setTimeout(() => {
      answered(api.POST("/api/projects/{key}/try", { params: { path: { key: project } }, body })).then(
        (found) => !isOld && (setTried(found), setError(null)),
        (refused: Error) => !isOld && setError(refused),
      );
    }, TRY_AFTER_MS);
    return () => {
      isOld = true;
      clearTimeout(timer);
    };
  }, [body, project]);

  const fields = useRef<HTMLDivElement>(null);
  const isThere = form.data !== undefined;
  useEffect(() => {
    if (isThere) fields.current?.querySelector<HTMLElement>("input")?.focus();
  }, [isThere]);

  async function run(start: boolean) {
    setBusy(true);
    try {
      const made = await answered(
        api.POST("/api/projects/{key}/jobs", { params: { path: { key: project } }, body: { ...body, start } }),
      );
      await queries.invalidateQueries({ queryKey: ["project", project] });
      const [name = ""] = made.jobs;
      notify(start ? `${name} is on its way.` : `${name} is made, and starts when it is told to.`);
      props.done?.(Number(digits(name)));
      props.close();
    } catch (refused) {
      setError(refused as Error);
      setBusy(false);
    }
  }

  if (form.error) return <Said error={form.error} />;
  if (!form.data) return null;
  const { inputs, tabs } = declared(form.data);
  const off = new Set(tried?.off ?? []);
  const faults = new Map(tried?.faults.map((fault) => [fault.field, fault]) ?? []);
  const whole = faults.get("");
  const isShown = (one: { name: string; label: string; level?: string }) =>
    (withAdvanced || one.level !== "advanced" || one.name in given || words !== "") &&
    (!onlyChanged || one.name in given) &&
    `${one.name} ${one.label}`.toLowerCase().includes(words.toLowerCase());
  const set = (name: string, value: string | null) =>
    setGiven((before) => {
      const { [name]: _, ...rest } = before;
      return value === null || value === "" ? rest : { ...rest, [name]: value };
    });
  const field = (one: InputOf | ParamOf) => (
    <Fragment key={one.name}>
    <Field
      project={project}
      protocol={protocol}
      declared={one}
      value={given[one.name]}
      isOff={off.has(one.name)}
      fault={faults.get(one.name)}
      set={(value) => set(one.name, value)}
      wizard={one.is === "param" && one.wizard ? () => setWizard(wizard === one.name ? "" : one.name) : null}
    />
    {one.is === "param" && wizard === one.name && (
      <WizardPanel
        project={project}
        protocol={protocol}
        param={one.name}
        title={one.wizard}
        given={body.given}
        set={(values) => setGiven((before) => ({ ...before, ...values }))}
        close={() => setWizard("")}
      />
    )}
    </Fragment>
  );
  return (
    <form
      className="stack whole"
      onSubmit={(event) => {
        event.preventDefault();
        void run(true);
      }}
    >
      <header className="stack">
        <div className="row">
          <h1>{form.data.label}</h1>
          <span className="muted grow cut">{protocol}</span>
          <button type="button" className="btn btn-quiet" onClick={props.back}>
            Another kind
          </button>
          <button type="button" className="btn btn-quiet btn-icon" aria-label="Close" onClick={props.close}>
            <Icon name="close" />
          </button>
        </div>
        <p className="muted">{form.data.help}</p>
        <div className="row">
          <input
            className="input"
            type="search"
            placeholder="Find a parameter"
            aria-label="Find a parameter"
            value={words}
            onChange={(event) => setWords(event.target.value)}
          />
          <label className="row">
            <input className="switch" type="checkbox" checked={withAdvanced} onChange={() => setAdvanced(!withAdvanced)} />
            Advanced
          </label>
          <label className="row">
            <input className="switch" type="checkbox" checked={onlyChanged} onChange={() => setOnlyChanged(!onlyChanged)} />
            Only what differs
          </label>
          <span className="grow" />
          <span className="muted">
            given <span className="badge">{Object.keys(given).length}</span>
          </span>
        </div>
      </header>
      <div ref={fields} className="fields grow scroll" tabIndex={0} role="region" aria-label="Parameters">
        {inputs.filter(isShown).map(field)}
        {tabs.map(({ tab, params }) => {
          const shown = params.filter(isShown);
          if (!shown.length) return null;
          return (
            <fieldset key={tab}>
              <legend className="label">{tab}</legend>
              {shown.map(field)}
            </fieldset>
          );
        })}
      </div>
      <footer className="stack">
        <Recipe project={project} body={body} command={tried?.command ?? ""} isWhole={tried?.faults.length === 0} />
        <When wishes={wishes} set={setWishes} />
        {whole && (
          <p className="say fail" role="alert">
            <Icon name="failed" small />
            {whole.text}
          </p>
        )}
        {error && <Said error={error} />}
        <div className="row">
          <input
            className="input"
            placeholder="Alias (optional)"
            aria-label="Alias"
            value={alias}
            onChange={(event) => setAlias(event.target.value)}
          />
          <span className="grow" />
          {(tried?.faults.length ?? 0) > 0 && (
            <span className="state" data-s="failed">
              <Icon name="failed" />
              {tried!.faults.length} to mend
            </span>
          )}
          <button type="button" className="btn" disabled={isBusy || !tried || tried.faults.length > 0} onClick={() => void run(false)}>
            Make, start later
          </button>
          <button className="btn btn-primary" disabled={isBusy || !tried || tried.faults.length > 0}>
            <Icon name="play" />
            Run
          </button>
        </div>
      </footer>
    </form>
  );
}

/** Several datasets of one input are a list. */
function split(given: Values): Record<string, string | string[]> {
  return Object.fromEntries(
    Object.entries(given).map(([name, value]) => [name, value.includes("\n") ? value.split("\n").filter(Boolean) : value]),
  );
}
