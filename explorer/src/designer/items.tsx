/** Items in words: what each is called, how long it takes, and what it covers. */

import type { Schemas } from "../api/client";
import { href } from "../router";
import { naming, shortId } from "../i18n";
import { kindOf } from "../kinds";
import { Few } from "../ui/few";
import { texts } from "./texts";

type Item = Schemas["Item"];

const NAMED = 4; // concepts that a row names
const FEW = { courses: 6, items: 3, plain: 12 };

/** Items in their order.
 *
 * @param besides a concept that the reader knows to be covered, by id.
 */
export function Items(props: { of: readonly Item[]; few: number; besides?: string }) {
  const say = texts();
  return (
    <Few of={props.of} few={props.few}>
      {(some) => (
        <ol class="plain items">
          {some.map((item) => {
            const kind = kindOf([item.kind]);
            const others = item.concepts.filter((each) => each.id !== props.besides);
            const names = others.slice(0, NAMED).map((each) => naming(each).main);
            const title = item.title || say.untitled[kind];
            const facts = [
              say.kinds[kind],
              item.minutes === null ? "" : say.minutes(item.minutes),
            ].filter(Boolean);
            return (
              <li key={item.id}>
                <span class="item-title">
                  {item.url ? (
                    <a href={item.url} target="_blank" rel="noreferrer">
                      {title}
                    </a>
                  ) : (
                    title
                  )}
                  {facts.length > 0 && <span class="soft small"> {facts.join(" · ")}</span>}
                </span>
                {others.length > 0 && (
                  <span class="nearby">
                    {(props.besides ? say.alsoCovers : say.covers)(
                      say.some(names, others.length - names.length),
                      kind,
                    )}
                  </span>
                )}
              </li>
            );
          })}
        </ol>
      )}
    </Few>
  );
}

/** Where a concept is taught: courses with their items on it, then those that have none. */
export function TaughtIn({ about }: { about: Schemas["AboutConcept"] }) {
  const say = texts();
  const teaching = about.courses.filter((each) => each.items.length > 0);
  const naming = about.courses.filter((each) => each.items.length === 0);
  const items = new Map(teaching.flatMap(({ items }) => items.map((each) => [each.id, each.kind])));
  return (
    <section class="taught">
      <h2>{say.taughtTitle}</h2>
      <p class="soft">
        {say.taught(items.size, kindOf([...items.values()]), teaching.length, naming.length)}
      </p>
      {teaching.length > 0 && (
        <Few of={teaching} few={FEW.courses}>
          {(some) => (
            <ul class="plain taught-in">
              {some.map((course) => (
                <li key={course.course_id} class="card">
                  <h3>
                    <a href={href("course", course.course_id)}>{course.name}</a>{" "}
                    <small>{shortId(course.course_id)}</small>
                  </h3>
                  <Items of={course.items} few={FEW.items} besides={about.concept_id} />
                </li>
              ))}
            </ul>
          )}
        </Few>
      )}
      {naming.length > 0 && (
        <>
          <h3>{say.namedIn}</h3>
          <Few of={naming} few={FEW.plain}>
            {(some) => (
              <ul class="chips">
                {some.map((course) => (
                  <li key={course.course_id}>
                    <a class="chip" href={href("course", course.course_id)}>
                      {course.name} <span class="soft">{shortId(course.course_id)}</span>
                    </a>
                  </li>
                ))}
              </ul>
            )}
          </Few>
        </>
      )}
    </section>
  );
}
