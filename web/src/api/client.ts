/** The server's API, typed by its description; errors are the server's own sentences. */
import createClient from "openapi-fetch";

import type { components, paths } from "./schema";

export type JobRow = components["schemas"]["JobRow"];
export type JobAnswer = components["schemas"]["JobAnswer"];
export type Graph = components["schemas"]["GraphAnswer"];
export type ProjectCard = components["schemas"]["ProjectCard"];
export type ProtocolAnswer = components["schemas"]["ProtocolAnswer"];
export type Tried = components["schemas"]["TriedAnswer"];
export type ViewLine = components["schemas"]["ViewLine"];
export type Problem = components["schemas"]["Problem"];
export type Verb = "stop" | "resume" | "retry" | "restart" | "delete" | "alias" | "copy" | "continue";

/** What the server refused, in its words. */
export class Refused extends Error {
  constructor(
    readonly status: number,
    readonly problem: Problem,
  ) {
    super(problem.text || [problem.where, problem.found].filter(Boolean).join(": ") || `error ${status}`);
  }
}

/** Where the page lies, with a slash at its end: everything is asked below it. */
export const base = new URL(".", document.baseURI);

export const api = createClient<paths>({
  baseUrl: base.href.replace(/\/$/, ""),
  credentials: "same-origin",
});

/** The data of an answer; throws what was refused. */
export async function answered<T>(
  asked: Promise<{ data?: T; error?: unknown; response: Response }>,
): Promise<T> {
  const { data, error, response } = await asked;
  if (!response.ok) {
    const problem = (error as { error?: Problem } | undefined)?.error;
    throw new Refused(response.status, problem ?? { where: "", found: response.statusText, expected: "", hint: "", text: "" });
  }
  return data as T;
}

/** An address of the server as the browser loads it, of one that an answer names. */
export function addressOf(path: string): string {
  return new URL(`api/${path}`, base).href;
}
