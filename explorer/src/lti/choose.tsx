/** The view in which who teaches chooses the course that a link in a learning platform opens. */

import { ticket } from "../api/handed";
import { FoundCourses } from "../designer/courses";
import { Page } from "../ui/page";
import { texts } from "./texts";

const FORM = "choice";

export function Choose() {
  const say = texts();
  if (!ticket)
    return (
      <Page title={say.title}>
        <p>{say.notAsked}</p>
      </Page>
    );
  return (
    <Page
      title={say.title}
      actions={
        <button class="quiet" form={FORM}>
          {say.nothing}
        </button>
      }
    >
      <p class="lead">{say.lead}</p>
      {/* it holds no box to type in, where Enter would choose the first course */}
      <form id={FORM} method="post" action={new URL("lti/deep-links", document.baseURI).href}>
        <input type="hidden" name="ticket" value={ticket} />
      </form>
      <FoundCourses
        tile={(course, about) => (
          <button class="tile" form={FORM} name="course_id" value={course.id}>
            {about}
          </button>
        )}
      />
    </Page>
  );
}
