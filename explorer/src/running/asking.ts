/** A running plan is asked for, changed and followed. */

import { useEffect, useRef, useState } from "preact/hooks";
import { type Answer, useAnswer } from "../api/answer";
import { ProblemError, type Schemas, answered, client } from "../api/client";
import { token } from "../api/session";

export type Plan = Schemas["RunOut"];
export type Change = Schemas["ChangeOut"];
export type Step = Schemas["RunningStepOut"];

/** Whose plan, and in which course. */
export interface Whose {
  learner: string;
  course: string;
}

export interface Running {
  plan: Plan;
  /** Names the plan as it was read, for who decides about it. */
  tag: string;
  /** The newest first. */
  changes: Change[];
}

const MOST = 200; // changes that a page shows
const POLL_MS = 15_000;
const AGAIN_MS = 500; // after a stream that ended as it should
const OVER = [401, 403, 404]; // what asking again does not mend

function paramsOf({ learner, course }: Whose) {
  return { path: { learner_id: learner }, query: { course_id: course } };
}

/** The plan and its changes. */
export async function readRunning(whose: Whose, stop: AbortSignal): Promise<Running> {
  const params = paramsOf(whose);
  const asked = client.GET("/v1/learners/{learner_id}/plan", { params, signal: stop });
  const plan = await answered<Plan>(asked);
  const tag = (await asked).response.headers.get("etag") ?? "";
  const { changes } = await answered(
    client.GET("/v1/learners/{learner_id}/plan/changes", {
      params: { ...params, query: { ...params.query, limit: MOST } },
      signal: stop,
    }),
  );
  return { plan, tag, changes };
}

/** Begins a plan; `weekly` minutes, `length` steps and a date where they are given. */
export async function begin(
  whose: Whose,
  weekly: number | null,
  length: number | null,
  date: string | null,
): Promise<void> {
  const body = {
    ...(weekly === null ? {} : { weekly }),
    ...(date === null ? {} : { date }),
    ...(length === null ? {} : { length }),
  };
  await answered(client.PUT("/v1/learners/{learner_id}/plan", { params: paramsOf(whose), body }));
}

/** Sets the date of a plan, or takes it away; dates of steps stay. */
export async function setDate(whose: Whose, plan: Plan, date: string | null): Promise<void> {
  const steps = Object.fromEntries(
    plan.steps.flatMap((each) => (each.date === null ? [] : [[each.step_id, each.date]])),
  );
  const params = paramsOf(whose);
  const body = { date, steps };
  await answered(client.PUT("/v1/learners/{learner_id}/plan/dates", { params, body }));
}

export async function switchOff(whose: Whose, off: boolean): Promise<void> {
  const params = paramsOf(whose);
  await answered(client.PUT("/v1/learners/{learner_id}/plan/off", { params, body: { off } }));
}

export async function undo(whose: Whose, n: number, reason: string): Promise<void> {
  const { path, query } = paramsOf(whose);
  await answered(
    client.POST("/v1/learners/{learner_id}/plan/changes/{n}/undo", {
      params: { path: { ...path, n }, query },
      body: { reason },
    }),
  );
}

/** Does what a rule only suggested. */
export async function accept(whose: Whose, n: number, reason: string): Promise<void> {
  const { path, query } = paramsOf(whose);
  await answered(
    client.POST("/v1/learners/{learner_id}/plan/changes/{n}/accept", {
      params: { path: { ...path, n }, query },
      body: { reason },
    }),
  );
}

/** Decides about the plan that a tag names; gives the prerequisites that this breaks. */
export async function decide(
  whose: Whose,
  tag: string,
  body: Schemas["OverrideIn"],
): Promise<Schemas["BrokenOut"][]> {
  const params = { ...paramsOf(whose), header: { "If-Match": tag } };
  const done = await answered(client.POST("/v1/learners/{learner_id}/overrides", { params, body }));
  return done.warnings;
}

/** A learner's plan, asked for again when the service tells a new version of it. */
export function useRunning(whose: Whose): Answer<Running> & { live: boolean } {
  const answer = useAnswer((stop) => readRunning(whose, stop), [whose.learner, whose.course]);
  const [live, setLive] = useState(false);
  const version = useRef(0);
  const known = answer.data?.plan.version ?? 0;
  useEffect(() => void (version.current = known), [known]);
  const is = known > 0;
  useEffect(() => {
    if (!is) return;
    const control = new AbortController();
    const { signal } = control;
    void follow(whose, signal, (told) => {
      if (signal.aborted) return;
      setLive(told !== null);
      if (told !== version.current) answer.again();
    });
    return () => control.abort();
  }, [whose.learner, whose.course, is, token.value]);
  return { ...answer, live };
}

/** Tells each version of a plan as it comes; null, now and then, where no stream tells it. */
async function follow(
  whose: Whose,
  stop: AbortSignal,
  tell: (version: number | null) => void,
): Promise<void> {
  while (!stop.aborted) {
    let told = false;
    try {
      const stream = await answered(
        client.GET("/v1/learners/{learner_id}/plan/stream", {
          params: paramsOf(whose),
          parseAs: "stream",
          signal: stop,
        }),
      );
      for await (const version of versionsIn(stream as ReadableStream<Uint8Array>)) {
        told = true;
        tell(version);
      }
    } catch (error) {
      const over = error instanceof ProblemError && OVER.includes(error.problem.status);
      if (over) {
        tell(null);
        return;
      }
    }
    await new Promise((done) => setTimeout(done, told ? AGAIN_MS : POLL_MS));
    if (!told) tell(null);
  }
}

/** The versions that a stream of server-sent events tells (HTML, 9.2). */
async function* versionsIn(stream: ReadableStream<Uint8Array>): AsyncGenerator<number> {
  const reader = stream.getReader();
  const decoder = new TextDecoder();
  let text = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    text += decoder.decode(value, { stream: true });
    const events = text.split("\n\n");
    text = events.pop() ?? "";
    for (const event of events) {
      const data = /^data: (.*)$/m.exec(event)?.[1];
      if (data) yield (JSON.parse(data) as { version: number }).version;
    }
  }
}
