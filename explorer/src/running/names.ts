/** What the concepts and items of a course are called, for plans, which hold them by id. */

import { useAnswer } from "../api/answer";
import { type Schemas, answered, client } from "../api/client";
import { naming } from "../i18n";
import type { Plan } from "./asking";

export type Item = Schemas["Item"];

export interface Names {
  /** What a step's concept is called; its id where nobody knows. */
  concept: (id: string) => string;
  item: (id: string) => Item | undefined;
  /** Concepts of the course, and what it takes for granted; empty where the graph may not be read. */
  concepts: readonly Schemas["Named"][];
}

/** Names as the plan has them, and as the course's map and items do. */
export function useNames(course: string, plan: Plan | undefined): Names {
  const params = { path: { course_id: course } };
  const map = useAnswer(
    (stop) => answered(client.GET("/v1/courses/{course_id}/map", { params, signal: stop })),
    [course],
  );
  const about = useAnswer(
    (stop) => answered(client.GET("/v1/courses/{course_id}", { params, signal: stop })),
    [course],
  );
  const concepts = [...(map.data?.concepts ?? []), ...(map.data?.missing ?? [])];
  const names = new Map(concepts.map((each) => [each.id, naming(each).main]));
  for (const step of plan?.steps ?? []) names.set(step.step_id, stepName(step));
  const items = new Map((about.data?.items ?? []).map((each) => [each.id, each]));
  return {
    concept: (id) => names.get(id) ?? id,
    item: (id) => items.get(id),
    concepts,
  };
}

/** What a step is called. */
export function stepName(step: { step_id: string; name: string; name_en: string }): string {
  return naming({ ...step, id: step.step_id }).main;
}
