/** What a search found, as a row to choose from: its name, and what tells it from its namesakes. */

import type { Schemas } from "../api/client";
import { naming, shortId } from "../i18n";
import { kindOf } from "../kinds";
import type { Option } from "../ui/combobox";
import { texts } from "./texts";

export type FoundConcept = Schemas["FoundConcept"];
export type FoundCourse = Schemas["FoundCourse"];

export function conceptOption(found: FoundConcept): Option {
  const say = texts();
  const { main, other, lang } = naming(found);
  return {
    key: `concept ${found.id}`,
    main,
    other: lang ? say.noEnglish : other,
    lang,
    kind: found.match === "near" ? say.near : "",
    about: told([found.field, say.inCourses(found.courses)]),
  };
}

export function courseOption(found: FoundCourse): Option {
  const say = texts();
  const { main, lang } = naming(found);
  return {
    key: `course ${found.id}`,
    main,
    other: shortId(found.id),
    lang,
    kind: found.match === "near" ? say.near : say.course,
    about: courseAbout(found),
  };
}

/** Where a course belongs, and how large it is. */
export function courseAbout(found: FoundCourse): string {
  const say = texts();
  const { concepts, items, kinds, learners } = found;
  const known = items > 0 ? say.hasItems(items, kindOf(kinds)) : ""; // none may be known of one that has some
  return told([
    found.school,
    found.field,
    say.hasConcepts(concepts),
    known,
    say.hasLearners(learners),
  ]);
}

/** Facts in one line, which is broken between them alone. */
function told(facts: readonly string[]): string {
  return facts
    .filter(Boolean)
    .map((fact) => fact.replaceAll(" ", "\u00a0"))
    .join(" · ");
}
