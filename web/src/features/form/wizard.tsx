import { useQuery } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";

import { answered, api } from "../../api/client";
import { Icon } from "../../icon";
import { Said } from "../../said";
import { BlockOf, type Part } from "../job/block";

const ASK_AFTER_MS = 150;

type Props = {
  project: string;
  protocol: string;
  param: string;
  title: string;
  given: Record<string, string | string[]>;
  set: (values: Record<string, string>) => void;
  close: () => void;
};

/** Below its field: what the data say of a value, drawn anew as the form changes; its proposals fill the form. */
export function WizardPanel({ project, protocol, param, title, given, set, close }: Props) {
  const [item, setItem] = useState("");
  const [asked, setAsked] = useState({ given, item });
  useEffect(() => {
    const timer = setTimeout(() => setAsked({ given, item }), ASK_AFTER_MS);
    return () => clearTimeout(timer);
  }, [given, item]);
  const advice = useQuery({
    queryKey: ["project", project, "wizard", protocol, param, asked],
    queryFn: () =>
      answered(
        api.POST("/api/projects/{key}/wizards/{param}", {
          params: { path: { key: project, param } },
          body: { protocol, ...asked, alias: "", label: "", start: true, priority: 0, alone: false, memory_gb: 0 },
        }),
      ),
    placeholderData: (before) => before,
    gcTime: 60_000,
  });
  const found = advice.data;
  const panel = useRef<HTMLElement>(null);
  const isThere = found !== undefined;
  useEffect(() => {
    panel.current?.scrollIntoView({ block: "nearest" });
  }, [isThere]);
  return (
    <section ref={panel} className="wizard stack" aria-label={title} aria-busy={advice.isFetching}>
      <div className="row">
        <h2 className="grow">{title}</h2>
        {found?.item && (
          <input
            className="input"
            type="search"
            aria-label="Which micrograph"
            placeholder={found.item.slice(found.item.lastIndexOf("/") + 1)}
            onKeyDown={(event) => {
              if (event.key !== "Enter") return;
              event.preventDefault();
              setItem(event.currentTarget.value);
            }}
          />
        )}
        <button type="button" className="btn btn-quiet btn-icon" aria-label={`Close: ${title}`} onClick={close}>
          <Icon name="close" />
        </button>
      </div>
      {advice.isPending && <p className="muted">Looking at the data…</p>}
      {advice.error && <Said error={advice.error} />}
      {!advice.error && found && (
        <>
          {(found.parts as Part[]).map((part, index) => (
            <div key={index}>
              <p className="label">{part.title}</p>
              <BlockOf part={part} />
            </div>
          ))}
          {found.sliders.map((slider) => {
            const typed = given[slider.param];
            const value = typeof typed === "string" && typed !== "" && !Number.isNaN(Number(typed)) ? Number(typed) : slider.now;
            return (
              <label key={slider.param} className="row">
                <span className="muted">{slider.param}</span>
                <input
                  className="grow"
                  type="range"
                  min={slider.low}
                  max={slider.high}
                  step={slider.step}
                  value={value ?? slider.low}
                  onChange={(event) => set({ [slider.param]: event.target.value })}
                />
                <span className="num">{value === null || value === undefined ? "–" : Number(value.toPrecision(4))}</span>
              </label>
            );
          })}
          <p className="read">{found.said}</p>
          <div className="row wrap">
            {found.proposals.map((one) => (
              <button key={one.words} type="button" className="btn btn-primary" onClick={() => set(one.values)}>
                {one.words}
              </button>
            ))}
          </div>
        </>
      )}
    </section>
  );
}
