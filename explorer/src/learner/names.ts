/** What concepts and courses are called.
 *
 * Paths hold courses by id: their names are asked for once each.
 */

import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { answered, client } from "../api/client";
import { type Naming, naming } from "../i18n";
import type { Named } from "./road";

const names = signal<ReadonlyMap<string, string>>(new Map());
const asked = new Set<string>();

/** What a concept is called. */
export function namesOf(concept: Named): Naming {
  return naming({ ...concept, id: concept.concept_id });
}

/** A concept's name as the reader's language has it. */
export function nameOf(concept: Named): string {
  return namesOf(concept).main;
}

/** Keeps names that came with other answers. */
export function keepNames(courses: readonly { id: string; name: string }[]): void {
  for (const { id } of courses) asked.add(id);
  names.value = new Map([...names.value, ...courses.map(({ id, name }) => [id, name] as const)]);
}

/** The course's name; its id until the name is known, or where the reader may not see it. */
export function useCourseName(id: string): string {
  useEffect(() => {
    if (!id || asked.has(id)) return;
    asked.add(id);
    const query = { text: id, limit: 1 };
    answered(client.GET("/v1/courses", { params: { query } })).then(
      ({ found }) => keepNames(found.filter((each) => each.id === id)),
      () => asked.delete(id), // the id says as much; asked again when it is shown again
    );
  }, [id]);
  return names.value.get(id) ?? id;
}
