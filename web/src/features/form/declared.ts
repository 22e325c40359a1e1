import type { ProtocolAnswer } from "../../api/client";

export type InputOf = {
  is: "input";
  name: string;
  label: string;
  kind: string;
  optional: boolean;
  several: boolean;
  help: string;
  level?: string;
};
export type ParamOf = {
  is: "param";
  name: string;
  label: string;
  tab: string;
  type: string;
  default_text: string;
  unit: string;
  level: string;
  limits: string;
  choices: string[];
  help: string;
  wizard: string;
};

/** A protocol's inputs, and its parameters by tab, in the order of its declaration. */
export function declared(form: ProtocolAnswer): { inputs: InputOf[]; tabs: { tab: string; params: ParamOf[] }[] } {
  const inputs = form.inputs.map((one) => ({ ...(one as InputOf), is: "input" as const }));
  const params = form.params.map((one) => ({ ...(one as ParamOf), is: "param" as const }));
  const tabs = [...new Set(params.map((one) => one.tab))];
  return { inputs, tabs: tabs.map((tab) => ({ tab, params: params.filter((one) => one.tab === tab) })) };
}
