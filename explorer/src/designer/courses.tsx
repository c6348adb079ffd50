/** Courses by name. */

import type { ComponentChildren } from "preact";
import { useAnswer } from "../api/answer";
import { answered, client } from "../api/client";
import { shortId } from "../i18n";
import { href, refine, route } from "../router";
import { courseAbout, type FoundCourse } from "../shell/found";
import { Names, Unnamed } from "../ui/names";
import { Page } from "../ui/page";
import { Answered, Empty } from "../ui/states";
import "./designer.css";
import { texts } from "./texts";

const MOST = 60;

export function Courses() {
  const say = texts();
  return (
    <Page title={say.courses}>
      <p class="lead">{say.coursesLead}</p>
      <FoundCourses
        tile={(course, about) => (
          <a class="tile" href={href("course", course.id)}>
            {about}
          </a>
        )}
      />
    </Page>
  );
}

/** A box to type in, and the courses that are called so, each as a tile. */
export function FoundCourses(props: {
  tile: (course: FoundCourse, about: ComponentChildren) => ComponentChildren;
}) {
  const say = texts();
  const text = route.value.query.get("text") ?? "";
  const answer = useAnswer(
    (stop) =>
      answered(
        client.GET("/v1/courses", { params: { query: { text, limit: MOST } }, signal: stop }),
      ),
    [text],
  );
  return (
    <>
      <label class="field narrow">
        {say.filter}
        <input
          type="search"
          value={text}
          onInput={(event) => refine({ text: event.currentTarget.value })}
        />
      </label>
      <Answered answer={answer}>
        {({ found }) => (
          <>
            <p class="soft" role="status">
              {say.shownCourses(found.length, found.length === MOST)}
            </p>
            <Unnamed of={found} />
            {found.length === 0 && <Empty>{say.noCourse}</Empty>}
            <ul class="plain tiles">
              {found.map((each) => (
                <li key={each.id}>
                  {props.tile(
                    each,
                    <>
                      <Names of={each} />
                      <span class="nearby">{courseAbout(each)}</span>
                      <span class="nearby">{shortId(each.id)}</span>
                    </>,
                  )}
                </li>
              ))}
            </ul>
          </>
        )}
      </Answered>
    </>
  );
}
