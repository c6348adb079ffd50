/** The service, typed by its own description (schema.d.ts is made by `make explorer-types`). */

import createClient, { type Middleware } from "openapi-fetch";
import type { components, paths } from "./schema";
import { signIn, token } from "./session";

export type Schemas = components["schemas"];
export type Problem = Schemas["Problem"];

/** An answer of 4xx or 5xx, or none at all: problem details of RFC 9457. */
export class ProblemError extends Error {
  constructor(readonly problem: Problem) {
    super(problem.detail);
  }
}

const authorized: Middleware = {
  onRequest({ request }) {
    if (token.value) request.headers.set("Authorization", `Bearer ${token.value}`);
    return request;
  },
  onResponse({ response }) {
    if (response.status === 401) signIn.value = "asked";
  },
};

export const client = createClient<paths>({
  baseUrl: document.baseURI.replace(/[#?].*$/, "").replace(/\/$/, ""),
});
client.use(authorized);

interface Said<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

/** What the service answered.
 *
 * @throws ProblemError the service refused, or cannot be reached.
 */
export async function answered<T>(asked: Promise<Said<T>>): Promise<T> {
  let said: Said<T>;
  try {
    said = await asked;
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new ProblemError(problemFrom(null, 0));
  }
  if (said.response.ok) return said.data as T;
  throw new ProblemError(problemFrom(said.error, said.response.status));
}

function problemFrom(body: unknown, status: number): Problem {
  const blank = {
    type: status ? "about:blank" : "urn:kgplan:explorer:unreachable",
    title: "",
    status,
    detail: "",
    close_matches: [],
    fields: [],
  };
  return typeof body === "object" && body !== null ? { ...blank, ...body } : blank;
}
