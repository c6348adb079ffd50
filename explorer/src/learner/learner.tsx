/** The view of a learner or tutor: `#/learner/U_1000?course=C_1`.
 *
 * Who, which goal and with what options stands in the address (choice.ts); the parts below ask the
 * service and show its answer.
 */

import "./learner.css";
import { useState } from "preact/hooks";
import { href, route } from "../router";
import { Kept } from "../running/kept";
import { Page } from "../ui/page";
import { type Choice, PARTS, type Part, addressOf, choiceOf, hasGoal } from "./choice";
import { History } from "./history";
import { MasteryTable } from "./mastery";
import { may, ownLearner } from "./may";
import { Path } from "./path";
import {
  GoalBox,
  Newcomer,
  Options,
  OwnCourses,
  PickLearner,
  useCourses,
  useGoalName,
} from "./picker";
import { Record } from "./record";
import { texts } from "./texts";

export function Learner() {
  const choice = choiceOf(route.value);
  return choice.learner ? <OneLearner choice={choice} /> : <PickLearner choice={choice} />;
}

function OneLearner({ choice }: { choice: Choice }) {
  const say = texts();
  const courses = useCourses(choice.learner);
  const goal = useGoalName(choice);
  const [names, setNames] = useState<ReadonlyMap<string, string>>(new Map());
  const status = courses.problem?.status;
  const isNew = status === 404; // of whom nothing is known has a plan all the same
  const unknown = status !== undefined && status !== 503 && !isNew;
  return (
    <Page
      kind={say.kind}
      title={ownLearner() === choice.learner ? say.yourPath : choice.learner}
      actions={
        <>
          {(hasGoal(choice) || unknown) && may("events:write") && (
            <a
              class="button quiet"
              href={href("place", choice.learner, {
                course: choice.course,
                towards: choice.towards,
              })}
            >
              {say.whereToStart}
            </a>
          )}
          {!ownLearner() && (
            <a class="button quiet" href="#/learner">
              {say.otherLearner}
            </a>
          )}
        </>
      }
    >
      {!unknown && (
        <div class="goal-bar">
          <GoalBox choice={choice} chosen={goal} courses={courses.data} />
          {hasGoal(choice) && choice.part === "path" && (
            <Options choice={choice} nameOf={(concept) => names.get(concept) ?? concept} />
          )}
        </div>
      )}
      {(hasGoal(choice) || choice.part === "record") && !unknown ? (
        <>
          <nav class="parts" aria-label={say.partsLabel}>
            {PARTS.filter((part) => fits(part, choice)).map((part) => (
              <a
                key={part}
                href={addressOf({ ...choice, part })}
                aria-current={part === choice.part ? "page" : undefined}
              >
                {say.parts[part]}
              </a>
            ))}
          </nav>
          {choice.part === "path" && <Path choice={choice} goal={goal} onNames={setNames} />}
          {choice.part === "running" && (
            <Kept learner={choice.learner} course={choice.course} length={choice.length} />
          )}
          {choice.part === "mastery" && <MasteryTable choice={choice} goal={goal} />}
          {choice.part === "history" && <History choice={choice} />}
          {choice.part === "record" && <Record learner={choice.learner} />}
        </>
      ) : (
        <>
          {isNew ? (
            <Newcomer learner={choice.learner} near={courses.problem?.close_matches ?? []} />
          ) : (
            <OwnCourses choice={choice} answer={courses} />
          )}
          {!unknown && !isNew && (
            <p>
              <a href={addressOf({ ...choice, part: "record" })}>{say.parts.record}</a>
            </p>
          )}
        </>
      )}
    </Page>
  );
}

/** Whether a part has something to show. */
function fits(part: Part, choice: Choice): boolean {
  if (part === "record") return true;
  return part === "running" ? choice.course !== "" : hasGoal(choice);
}
