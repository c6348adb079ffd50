/** A teacher's view of a course's running plans: `#/class/C_1`, and one learner's of them:
 * `#/class/C_1?learner=U_1000`.
 */

import { useAnswer } from "../api/answer";
import { type Schemas, answered, client } from "../api/client";
import { moment, naming, number } from "../i18n";
import "../learner/learner.css";
import { may, ownLearner } from "../learner/may";
import { href, refine, route } from "../router";
import { locale } from "../shell/preferences";
import { Few } from "../ui/few";
import { Page } from "../ui/page";
import { Answered, Empty } from "../ui/states";
import { OneOfClass } from "./deciding";
import { stepName } from "./names";
import "./running.css";
import { texts } from "./texts";

type Found = Schemas["ClassOut"];
type Row = Schemas["ClassLearnerOut"];
type Stuck = Schemas["StuckOut"];

const COLUMNS = ["learner", "done", "lag", "state", "active", "changes"] as const;
type Column = (typeof COLUMNS)[number];
const FEW = { learners: 50, stuck: 12 };

/** Whether the reader may see a class, as far as the token tells. */
export function mayTeach(): boolean {
  return may("teach") && !ownLearner();
}

export function Class(props: { argument: string }) {
  const learner = route.value.query.get("learner");
  if (!mayTeach()) return <NotYours />;
  if (learner) return <OneOfClass key={learner} learner={learner} course={props.argument} />;
  return <All course={props.argument} />;
}

function NotYours() {
  const say = texts();
  return (
    <Page title={say.class}>
      <Empty>{say.noToken}</Empty>
    </Page>
  );
}

function All({ course }: { course: string }) {
  const say = texts();
  const params = { path: { course_id: course } };
  const answer = useAnswer(
    (stop) =>
      Promise.all([
        answered(client.GET("/v1/courses/{course_id}/class", { params, signal: stop })),
        answered(client.GET("/v1/courses/{course_id}/stuck", { params, signal: stop })),
      ]),
    [course],
  );
  return (
    <Answered answer={answer} place="class" page>
      {([found, stuck]) => (
        <Page
          kind={say.classKind}
          title={naming({ id: course, name: found.name }).main}
          lang={naming({ id: course, name: found.name }).lang}
          actions={
            <a class="button quiet" href={href("course", course)}>
              {say.toCourse}
            </a>
          }
        >
          <p class="lead">{say.classLead}</p>
          {found.learners.length === 0 ? (
            <Empty>{say.nobody}</Empty>
          ) : (
            <div class="running">
              {found.learners.every((each) => each.last_active === null) && (
                <p class="note">{say.noLooks}</p>
              )}
              <Figures found={found} />
              <Table found={found} />
              <div class="run-columns">
                <StuckLearners course={course} stuck={stuck} />
                <StuckConcepts found={found} stuck={stuck} />
              </div>
            </div>
          )}
        </Page>
      )}
    </Answered>
  );
}

function Figures({ found }: { found: Found }) {
  const say = texts();
  const { figures, learners } = found;
  if (!figures) return <p class="soft">{say.tooFew(learners.length)}</p>;
  const shown = [
    ["done", say.percent(figures.done)],
    ["lagging", number(figures.lagging)],
    ["strained", number(figures.strained)],
    ["stuck", number(figures.stuck)],
    ["silent", number(figures.silent)],
  ] as const;
  return (
    <dl class="run-figures">
      {shown.map(([name, figure]) => (
        <div key={name} class={name === "stuck" && figures.stuck > 0 ? "bad" : undefined}>
          <dt>{say.figures[name]}</dt>
          <dd>{figure}</dd>
        </div>
      ))}
    </dl>
  );
}

function Table({ found }: { found: Found }) {
  const say = texts();
  const { query } = route.value;
  const column = COLUMNS.find((each) => each === query.get("sort")) ?? "learner";
  const falling = query.has("down");
  const rows = found.learners.toSorted((a, b) => {
    const last = unknown(a, column) - unknown(b, column);
    return last || (falling ? compare(b, a, column) : compare(a, b, column));
  });
  const sort = (each: Column) => refine({ sort: each, down: each === column && !falling });
  return (
    <section class="run-part" aria-labelledby="class-learners">
      <h2 id="class-learners">{say.tableTitle}</h2>
      <Few of={rows} few={FEW.learners}>
        {(some) => (
          <div class="scroll">
            <table class="run-class">
              <caption class="hidden">{say.tableCaption}</caption>
              <thead>
                <tr>
                  {COLUMNS.map((each) => (
                    <th
                      key={each}
                      scope="col"
                      class={each}
                      aria-sort={
                        each === column ? (falling ? "descending" : "ascending") : undefined
                      }
                    >
                      <button type="button" class="sort" onClick={() => sort(each)}>
                        {say.columns[each]}
                        <span aria-hidden="true">
                          {each === column ? (falling ? "↓" : "↑") : "↕"}
                        </span>
                      </button>
                    </th>
                  ))}
                </tr>
              </thead>
              <tbody>
                {some.map((each) => (
                  <tr key={each.learner_id}>
                    <th scope="row" class="learner">
                      <a href={href("class", found.course_id, { learner: each.learner_id })}>
                        {each.learner_id}
                      </a>
                    </th>
                    <td class="done">
                      <meter min={0} max={1} value={each.done} aria-hidden="true" />{" "}
                      {say.percent(each.done)}
                    </td>
                    <td class="lag">{say.lag(each.lag)}</td>
                    <td class="state">
                      <States of={each} />
                    </td>
                    <td class="active">
                      {each.last_active === null ? say.never : moment(each.last_active)}
                    </td>
                    <td class="changes">{number(each.changes)}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        )}
      </Few>
    </section>
  );
}

function States({ of }: { of: Row }) {
  const say = texts();
  const states = statesOf(of);
  if (of.off) return <span class="badge">{say.off}</span>;
  if (states.length === 0) return <span class="soft">{say.calm}</span>;
  return (
    <>
      {states.map((each) => (
        <span key={each} class={`badge run-state ${each}`}>
          {say.states[each] ?? each}
        </span>
      ))}
    </>
  );
}

/** States of which something is to be said; the first one weighs most. */
function statesOf({ states }: Row): string[] {
  const say = texts();
  return [states.difficulty, states.pace, states.ahead].filter((each) => each in say.states);
}

const WEIGHT = ["stuck", "strained", "lagging", "ahead"];

/** How much somebody's state wants to be looked at. */
function weight(row: Row): number {
  const [first = ""] = statesOf(row);
  const at = WEIGHT.indexOf(first);
  return at < 0 || row.off ? WEIGHT.length : at;
}

/** 1 where a row has nothing in a column: it stands last, whichever way it is sorted. */
function unknown(row: Row, column: Column): number {
  if (column === "lag") return Number(row.lag === null);
  return column === "active" ? Number(row.last_active === null) : 0;
}

function compare(a: Row, b: Row, column: Column): number {
  switch (column) {
    case "learner":
      return a.learner_id.localeCompare(b.learner_id, locale(), { numeric: true });
    case "done":
      return a.done - b.done;
    case "lag":
      return (a.lag ?? 0) - (b.lag ?? 0);
    case "state":
      return weight(a) - weight(b);
    case "active":
      return Date.parse(a.last_active ?? "") - Date.parse(b.last_active ?? "") || 0;
    case "changes":
      return a.changes - b.changes;
  }
}

function StuckLearners({ course, stuck }: { course: string; stuck: Stuck }) {
  const say = texts();
  return (
    <section class="run-part" aria-labelledby="class-stuck">
      <h2 id="class-stuck">{say.stuckTitle}</h2>
      {stuck.learners.length === 0 ? (
        <Empty>{say.noStuck}</Empty>
      ) : (
        <p class="soft small">{say.stuckLead}</p>
      )}
      <Few of={stuck.learners} few={FEW.stuck}>
        {(some) => (
          <ol class="plain run-rows">
            {some.map((each) => (
              <li key={each.learner_id}>
                <a href={href("class", course, { learner: each.learner_id })}>{each.learner_id}</a>{" "}
                {say.stuckAt(stepName(each), each.state === "stuck")}{" "}
                <span class="soft">{say.lasted(each.hours)}</span>
              </li>
            ))}
          </ol>
        )}
      </Few>
    </section>
  );
}

function StuckConcepts({ found, stuck }: { found: Found; stuck: Stuck }) {
  const say = texts();
  return (
    <section class="run-part" aria-labelledby="class-concepts">
      <h2 id="class-concepts">{say.conceptsTitle}</h2>
      {stuck.concepts.length === 0 && (
        <Empty>{found.figures ? say.noConcepts : say.conceptsFew}</Empty>
      )}
      <Few of={stuck.concepts} few={FEW.stuck}>
        {(some) => (
          <ol class="plain run-rows">
            {some.map((each) => (
              <li key={each.step_id}>
                <a href={href("concept", each.step_id)}>{stepName(each)}</a>{" "}
                <span class="soft">{say.learners(each.learners)}</span>
              </li>
            ))}
          </ol>
        )}
      </Few>
    </section>
  );
}
