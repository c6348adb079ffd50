/** Choosing: the learner, the goal and the options. */

import { answered, client } from "../api/client";
import { type Answer, useAnswer } from "../api/answer";
import type { Schemas } from "../api/client";
import { moment, naming, shortId } from "../i18n";
import { conceptOption, courseOption } from "../shell/found";
import { href } from "../router";
import { language } from "../shell/preferences";
import { Chip } from "../ui/chips";
import { Combobox, type Option } from "../ui/combobox";
import { Icon } from "../ui/icons";
import { Page } from "../ui/page";
import { Answered, Empty } from "../ui/states";
import { type Choice, LENGTHS, MINUTES, SKIPS, addressOf, choose, chooseGoal } from "./choice";
import { may, ownLearner } from "./may";
import { keepNames, useCourseName } from "./names";
import { usePlanners } from "./planners";
import { texts } from "./texts";

export type Courses = Schemas["LearnerCoursesOut"];

const OFFERED = { learners: 12, examples: 4, courses: 6, concepts: 6 };

/** The view while no learner is chosen. */
export function PickLearner({ choice }: { choice: Choice }) {
  const say = texts();
  const own = ownLearner();
  return (
    <Page title={say.title}>
      <p class="lead">{say.lead}</p>
      <div class="card pick-card">
        {own ? (
          <a class="button" href={addressOf({ ...choice, learner: own })}>
            {say.yourPath}
          </a>
        ) : (
          <>
            <LearnerBox choice={choice} />
            <Examples choice={choice} />
          </>
        )}
      </div>
    </Page>
  );
}

async function findLearners(prefix: string, limit: number, stop: AbortSignal): Promise<string[]> {
  const query = { prefix, limit };
  const asked = client.GET("/v1/learners", { params: { query }, signal: stop });
  return (await answered(asked)).learners;
}

/** A few learners, for a reader who knows no id. */
function Examples({ choice }: { choice: Choice }) {
  const say = texts();
  const answer = useAnswer((stop) => findLearners("", OFFERED.examples, stop), []);
  if (!answer.data?.length) return null;
  return (
    <div class="chosen">
      <span class="soft small">{say.examples}</span>
      <ul class="chips">
        {answer.data.map((id) => (
          <Chip key={id} to={addressOf({ ...choice, learner: id })}>
            {id}
          </Chip>
        ))}
      </ul>
    </div>
  );
}

function LearnerBox({ choice }: { choice: Choice }) {
  const say = texts();

  async function find(text: string, stop: AbortSignal): Promise<Option[]> {
    const learners = await findLearners(text, OFFERED.learners, stop);
    const found = learners.map((id) => ({ key: id, main: id }));
    if (!text || learners.includes(text)) return found;
    return [...found, { key: text, main: say.openTyped(text) }]; // which leads to close matches
  }

  return (
    <label class="field">
      {say.learnerLabel}
      <Combobox
        label={say.learnerLabel}
        placeholder={say.learnerHint}
        how={say.learnerHow}
        look="pick"
        none={() => say.noLearners}
        find={find}
        onChoose={({ key }) => choose(choice, { learner: key })}
      />
    </label>
  );
}

/** The learner's courses; also what they are called. */
export function useCourses(learner: string): Answer<Courses> {
  return useAnswer(
    async (stop) => {
      const params = { path: { learner_id: learner } };
      const found = await answered(
        client.GET("/v1/learners/{learner_id}/courses", { params, signal: stop }),
      );
      keepNames(found.courses.map((each) => ({ id: each.course_id, name: each.name })));
      return found;
    },
    [learner],
  );
}

interface GoalOption extends Option {
  goal: { course: string } | { towards: string };
}

/** The box that finds a course or a concept; the learner's own courses while nothing is typed. */
export function GoalBox(props: {
  choice: Choice;
  chosen?: string;
  courses: Courses | undefined;
  /** What to do with the goal; by default the learner's road to it is shown. */
  onGoal?: (goal: GoalOption["goal"]) => void;
}) {
  const say = texts();
  const { choice, courses } = props;

  async function find(text: string, stop: AbortSignal): Promise<GoalOption[]> {
    const own = courses?.courses ?? [];
    if (!text)
      return own.map(({ course_id, name }) => ({
        key: course_id,
        main: name,
        other: shortId(course_id),
        kind: say.ownCourse,
        goal: { course: course_id },
      }));
    const ask = (limit: number) => ({ params: { query: { text, limit } }, signal: stop });
    const [found, concepts] = await Promise.all([
      answered(client.GET("/v1/courses", ask(OFFERED.courses))),
      answered(client.GET("/v1/concepts", ask(OFFERED.concepts))),
    ]);
    keepNames(found.found);
    const mine = new Set(own.map((each) => each.course_id));
    const ownFirst = found.found.toSorted(
      (a, b) => Number(mine.has(b.id)) - Number(mine.has(a.id)),
    );
    return [
      ...ownFirst.map((each) => ({
        ...courseOption(each),
        kind: mine.has(each.id) ? say.ownCourse : say.course,
        goal: { course: each.id },
      })),
      ...concepts.found.map((each) => ({
        ...conceptOption(each),
        kind: say.concept,
        goal: { towards: each.id },
      })),
    ];
  }

  return (
    <label class="field">
      {say.goalLabel}
      <Combobox
        label={say.goalLabel}
        placeholder={say.goalHint}
        how={say.goalHow}
        look="pick"
        none={() => say.noGoals}
        {...(props.chosen ? { chosen: props.chosen } : {})}
        on={`${language.value} ${courses?.learner_id ?? ""}`}
        find={find}
        onChoose={({ goal }) => (props.onGoal ?? ((to) => chooseGoal(choice, to)))(goal)}
      />
    </label>
  );
}

/** A learner of whom nothing is known: new, or the id is mistyped. */
export function Newcomer({ learner, near }: { learner: string; near: string[] }) {
  const say = texts();
  return (
    <section class="own" role="status">
      <Empty>{say.newcomer(learner)}</Empty>
      {near.length > 0 && (
        <>
          <p>{say.newcomerNear}</p>
          <ul class="chips">
            {near.map((id) => (
              <Chip key={id} to={href("learner", id)}>
                {id}
              </Chip>
            ))}
          </ul>
        </>
      )}
    </section>
  );
}

/** The learner's courses as a list to choose from. */
export function OwnCourses({ choice, answer }: { choice: Choice; answer: Answer<Courses> }) {
  const say = texts();
  return (
    <section class="own">
      {!answer.problem && <h2>{say.ownCourses}</h2>}
      <Answered answer={answer} place="learner">
        {({ courses }) =>
          courses.length === 0 ? (
            <Empty>{say.noOwnCourses}</Empty>
          ) : (
            <ul class="own-list">
              {courses.map((each) => (
                <li key={each.course_id}>
                  <a
                    class="own-course"
                    href={addressOf({ ...choice, course: each.course_id, towards: "" })}
                  >
                    <span class="own-name">{each.name}</span>
                    <span class="own-when">{shortId(each.course_id)}</span>
                    <span class="own-when">
                      {each.planned ? say.planned(moment(each.planned)) : say.notPlanned}
                    </span>
                    <Icon name="next" />
                  </a>
                </li>
              ))}
            </ul>
          )
        }
      </Answered>
    </section>
  );
}

/** The options of the plan; each counts as soon as it is chosen. */
export function Options({
  choice,
  nameOf,
}: {
  choice: Choice;
  /** What a concept that was left out or pinned is called. */
  nameOf: (concept: string) => string;
}) {
  const say = texts();
  const planners = usePlanners();
  const changed =
    Number(choice.length !== null) +
    Number(choice.minutes !== null) +
    Number(choice.skip !== null) +
    Number(choice.planner !== "") +
    choice.exclude.length +
    choice.pin.length;
  return (
    <details class="options">
      <summary>
        {say.options}
        {changed > 0 && <span class="count">{say.optionsNow(changed)}</span>}
      </summary>
      <div class="options-grid">
        <NumberField
          label={say.length}
          least={LENGTHS.least}
          most={LENGTHS.most}
          none={say.worthIt}
          value={choice.length}
          onChange={(length) => choose(choice, { length })}
        />
        <NumberField
          label={say.minutes}
          least={MINUTES.least}
          most={MINUTES.most}
          none={say.noLimit}
          value={choice.minutes}
          onChange={(minutes) => choose(choice, { minutes })}
        />
        <NumberField
          label={say.skip}
          least={SKIPS.least}
          most={SKIPS.most}
          step={0.05}
          none={say.noSkip}
          value={choice.skip}
          onChange={(skip) => choose(choice, { skip })}
        />
        <label class="field">
          {say.planner}
          <select
            value={choice.planner || planners?.default}
            onChange={({ currentTarget: { value } }) =>
              choose(choice, { planner: value === planners?.default ? "" : value })
            }
          >
            {planners?.planners.map((each) => (
              <option key={each.name} value={each.name} title={each.about}>
                {each.title[language.value]}
              </option>
            ))}
          </select>
        </label>
      </div>
      <Chosen
        label={say.pinned}
        concepts={choice.pin}
        nameOf={nameOf}
        onTakeBack={(id) => choose(choice, { pin: choice.pin.filter((each) => each !== id) })}
      />
      <Chosen
        label={say.excluded}
        concepts={choice.exclude}
        nameOf={nameOf}
        onTakeBack={(id) =>
          choose(choice, { exclude: choice.exclude.filter((each) => each !== id) })
        }
      />
      {changed > 0 && (
        <button
          type="button"
          class="quiet"
          onClick={() =>
            choose(choice, {
              length: null,
              minutes: null,
              skip: null,
              planner: "",
              exclude: [],
              pin: [],
            })
          }
        >
          {say.reset}
        </button>
      )}
    </details>
  );
}

/** A number that counts once it is typed whole; null: the box is empty. */
function NumberField(props: {
  label: string;
  least: number;
  most: number;
  step?: number;
  /** Said in the empty box. */
  none?: string;
  value: number | null;
  onChange: (value: number | null) => void;
}) {
  return (
    <label class="field">
      {props.label}
      <input
        type="number"
        min={props.least}
        max={props.most}
        step={props.step ?? 1}
        placeholder={props.none}
        value={props.value ?? ""}
        onChange={({ currentTarget: box }) => {
          if (box.reportValidity()) props.onChange(box.value ? Number(box.value) : null);
        }}
      />
    </label>
  );
}

function Chosen(props: {
  label: string;
  concepts: string[];
  nameOf: (concept: string) => string;
  onTakeBack: (concept: string) => void;
}) {
  const say = texts();
  if (props.concepts.length === 0) return null;
  return (
    <div class="chosen">
      <span class="soft">{props.label}</span>
      <ul class="chips">
        {props.concepts.map((id) => (
          <li key={id} class="chip">
            {props.nameOf(id)}
            <button
              type="button"
              class="chip-button"
              aria-label={say.takeBack(props.nameOf(id))}
              onClick={() => props.onTakeBack(id)}
            >
              <Icon name="close" />
            </button>
          </li>
        ))}
      </ul>
    </div>
  );
}

/** What the goal is called. */
export function useGoalName(choice: Choice): string {
  const course = useCourseName(choice.course);
  const towards = useAnswer(
    choice.towards && may("graph:read") ? (stop) => conceptName(choice.towards, stop) : null,
    [choice.towards],
  );
  if (choice.course) return course;
  return towards.data ? naming(towards.data).main : choice.towards;
}

async function conceptName(
  id: string,
  stop: AbortSignal,
): Promise<{ id: string; name: string; name_en?: string } | undefined> {
  const query = { text: id, limit: 1 };
  const { found } = await answered(client.GET("/v1/concepts", { params: { query }, signal: stop }));
  return found.find((each) => each.id === id);
}
