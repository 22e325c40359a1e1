import { useQuery } from "@tanstack/react-query";
import { useId, useState } from "react";

import { answered, api, type Tried } from "../../api/client";
import { Icon } from "../../icon";
import { digits, folder } from "../../units";
import type { InputOf, ParamOf } from "./declared";

type Props = {
  project: string;
  protocol: string;
  declared: InputOf | ParamOf;
  value: string | undefined;
  isOff: boolean;
  fault: Tried["faults"][number] | undefined;
  set: (value: string | null) => void;
  wizard: (() => void) | null;
};

/** One input or parameter: its name, its value with the unit, what is wrong with it. */
export function Field(props: Props) {
  const { declared: one, value, isOff, fault } = props;
  const id = useId();
  const isChanged = value !== undefined;
  const classes = ["field", isChanged && "changed", isOff && "off", one.level === "advanced" && "advanced", isLong(one) && "long"];
  const usual = one.is === "param" && isChanged && one.default_text ? `Default ${one.default_text}.` : "";
  return (
    <div className={classes.filter(Boolean).join(" ")} data-field={one.name}>
      <label htmlFor={id} title={one.name}>
        {one.label}
      </label>
      {one.is === "input" ? <InputValue {...props} one={one} id={id} /> : <ParamValue {...props} one={one} id={id} />}
      <span className="note">{isOff ? "without effect now" : [one.help, usual].filter(Boolean).join(" ")}</span>
      {props.wizard && one.is === "param" && (
        <button type="button" className="btn btn-quiet ask" onClick={props.wizard} disabled={isOff}>
          <Icon name="wizard" />
          {one.wizard}
        </button>
      )}
      {fault && (
        <p className="say fail" id={`${id}-say`}>
          <Icon name="failed" small />
          {[fault.found && `It is ${fault.found}`, fault.expected && `expected ${fault.expected}`].filter(Boolean).join(", ")}.{" "}
          {fault.hint}
        </p>
      )}
    </div>
  );
}

/** Whether it is read from its beginning and has no usual length: a path, a pattern, an expression, another job's data. */
function isLong(one: InputOf | ParamOf): boolean {
  if (one.is === "input") return true;
  // RELION names its parameters for files so, and some have a default: `auto`, a program.
  return one.type === "str" && !one.choices.length && (one.default_text === "" || one.name.startsWith("fn_"));
}

function InputValue({ project, protocol, one, id, value, fault, set }: Props & { one: InputOf; id: string }) {
  const offers = useQuery({
    queryKey: ["project", project, "jobs", "offers", protocol, one.name],
    queryFn: () => {
      const path = { key: project, protocol, name: one.name };
      return answered(api.GET("/api/projects/{key}/offers/{protocol}/{name}", { params: { path } }));
    },
  });
  const words = one.several ? (value ?? "").split("\n").filter(Boolean) : [];
  const [typed, setTyped] = useState("");
  const [isOver, setOver] = useState(false);

  function take(word: string) {
    if (!one.several) return set(word);
    if (word.trim() && !words.includes(word.trim())) set([...words, word.trim()].join("\n"));
    setTyped("");
  }

  return (
    <div
      className={isOver ? "with-unit over" : "with-unit"}
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={(event) => {
        event.preventDefault();
        setOver(false);
        take(event.dataTransfer.getData("text/plain"));
      }}
    >
      {words.map((word) => (
        <button
          key={word}
          type="button"
          className="chip"
          aria-label={`Take ${word} out`}
          onClick={() => set(words.filter((other) => other !== word).join("\n") || null)}
        >
          {word}
          <Icon name="close" small />
        </button>
      ))}
      <input
        id={id}
        className="input"
        list={`${id}-list`}
        value={one.several ? typed : (value ?? "")}
        placeholder={offers.data?.length ? `${one.kind}: drag a job here, or name one` : `no job makes ${one.kind} yet`}
        aria-invalid={fault ? true : undefined}
        aria-describedby={fault ? `${id}-say` : undefined}
        onChange={(event) => {
          if (!one.several) set(event.target.value);
          else if (offers.data?.some((offer) => offer.word === event.target.value)) take(event.target.value);
          else setTyped(event.target.value);
        }}
        onKeyDown={(event) => {
          if (one.several && event.key === "Enter" && typed) {
            event.preventDefault();
            take(typed);
          }
        }}
        onBlur={() => one.several && typed && take(typed)}
      />
      <datalist id={`${id}-list`}>
        {offers.data?.map((offer) => (
          <option key={offer.word} value={offer.word}>
            {offer.alias || `${digits(offer.job)} ${folder(offer.job)}`}, {offer.output}
          </option>
        ))}
      </datalist>
      <span className="unit">{one.optional ? "" : "needed"}</span>
    </div>
  );
}

function ParamValue({ one, id, value, isOff, fault, set }: Props & { one: ParamOf; id: string }) {
  if (one.type === "bool") {
    const isOn = (value ?? one.default_text) === "Yes";
    return (
      <input
        id={id}
        className="switch"
        type="checkbox"
        checked={isOn}
        disabled={isOff}
        onChange={() => set(isOn ? "No" : "Yes")}
      />
    );
  }
  const shared = {
    id,
    className: one.type === "str" ? "input text" : "input",
    disabled: isOff,
    "aria-invalid": fault ? (true as const) : undefined,
    "aria-describedby": fault ? `${id}-say` : undefined,
  };
  return (
    <div className="with-unit">
      {one.choices.length ? (
        <select {...shared} value={value ?? one.default_text} onChange={(event) => set(event.target.value)}>
          {one.choices.map((choice) => (
            <option key={choice}>{choice}</option>
          ))}
        </select>
      ) : (
        <input
          {...shared}
          value={value ?? ""}
          placeholder={one.default_text}
          inputMode={["int", "float"].includes(one.type) ? "decimal" : "text"}
          onChange={(event) => set(event.target.value)}
        />
      )}
      <span className="unit" title={one.limits}>
        {one.unit}
      </span>
    </div>
  );
}
