/** A plan at work: how it stands, and its steps as a line of things to do. */

import { day, moment } from "../i18n";
import { href } from "../router";
import { Empty } from "../ui/states";
import type { Plan, Step } from "./asking";
import { type Names, stepName } from "./names";
import { texts } from "./texts";

const LATE_MS = 600_000; // after a look was due, until it is said that nobody looks

/** How far it is, and whether it follows. */
export function Standing({ plan, live }: { plan: Plan; live: boolean }) {
  const say = texts();
  const wanted = plan.steps.filter((each) => !each.optional || each.done);
  const done = wanted.filter((each) => each.done).length;
  const due = plan.next_look === null ? Infinity : Date.parse(plan.next_look);
  const late = !plan.off && due < Date.now() - LATE_MS;
  const at = plan.steps.find((each) => each.step_id === plan.at);
  const states = [plan.states.pace, plan.states.difficulty, plan.states.ahead].flatMap(
    (each) => say.states[each] ?? [],
  );
  const facts = [
    say.summary(done, wanted.length),
    at && !at.done ? say.at(stepName(at)) : "",
    plan.weekly === null ? "" : say.weeklyIs(plan.weekly),
    plan.lag === null ? "" : say.lag(plan.lag),
    plan.finish === null ? "" : say.finish(moment(plan.finish)),
    plan.date === null ? "" : say.dateIs(day(plan.date)),
    plan.looked === null ? "" : say.looked(moment(plan.looked)),
    plan.next_look === null || late ? "" : say.nextLook(moment(plan.next_look)),
  ].filter(Boolean);
  return (
    <div class="run-standing">
      <progress
        max={Math.max(1, wanted.length)}
        value={done}
        aria-label={say.summary(done, wanted.length)}
      />
      <p class="run-facts">
        {facts.map((each) => (
          <span key={each}>{each}</span>
        ))}
        <span class={live ? "run-live" : undefined}>{live ? say.live : say.polls}</span>
        {states.map((each) => (
          <span key={each} class="badge run-state">
            {each}
          </span>
        ))}
      </p>
      {plan.off && <p class="note">{say.isOff}</p>}
      {plan.frozen && <p class="note">{say.isFrozen}</p>}
      {late && <p class="note">{say.notLooked}</p>}
      <Misses plan={plan} />
    </div>
  );
}

/** Dates that will be missed, and what would have to go. */
function Misses({ plan }: { plan: Plan }) {
  const say = texts();
  const called = new Map(plan.steps.map((each) => [each.step_id, stepName(each)]));
  const name = (id: string) => called.get(id) ?? id;
  return (
    <>
      {plan.misses.map((each) => {
        const go = each.would_go.map(name);
        const step = each.step_id === null ? null : name(each.step_id);
        return (
          <p key={each.step_id ?? ""} class="note run-missed">
            {say.missed(step, day(each.date), day(each.finish))}{" "}
            {each.fits ? say.wouldGo(go, each.minutes) : say.wouldNotDo(go, each.minutes)}
          </p>
        );
      })}
    </>
  );
}

/** The step to go on with; what was put in before others comes first. */
export function nextOf(plan: Plan): string {
  return plan.steps.find((each) => !each.done && !each.optional)?.step_id ?? "";
}

/** What is to be known of a step at one look. */
export function Badges(props: { step: Step; next: boolean; fresh: boolean }) {
  const say = texts();
  const { step, next, fresh } = props;
  return (
    <>
      {step.done && <span class="badge done">{say.done}</span>}
      {next && <span class="badge next">{say.next}</span>}
      {fresh && !step.done && <span class="badge fresh">{say.fresh}</span>}
      {step.optional && !step.done && <span class="badge">{say.optional}</span>}
      {step.pinned && <span class="badge">{say.pinned}</span>}
      {step.is_goal && <span class="badge">{say.goal}</span>}
      {step.overridden && !step.pinned && <span class="badge">{say.decidedBadge}</span>}
    </>
  );
}

export function Timeline(props: { plan: Plan; names: Names; fresh: ReadonlySet<string> }) {
  const say = texts();
  const { plan, names, fresh } = props;
  const next = nextOf(plan);
  return (
    <section class="run-part" aria-labelledby="run-todo">
      <h2 id="run-todo">{say.todo}</h2>
      {plan.steps.length === 0 && <Empty>{say.noSteps}</Empty>}
      <ol class="plain run-line">
        {plan.steps.map((step) => (
          <li
            key={step.step_id}
            class={step.done ? "done" : step.step_id === next ? "next" : undefined}
            aria-current={step.step_id === next ? "step" : undefined}
          >
            <div class="stop-status">
              <Badges step={step} next={step.step_id === next} fresh={fresh.has(step.step_id)} />
              {step.minutes > 0 && <span>{say.minutes(step.minutes)}</span>}
              {step.date !== null && <span>{say.by(day(step.date))}</span>}
            </div>
            <h3>
              <a href={href("concept", step.step_id)}>{stepName(step)}</a>
            </h3>
            {!step.done && <Things step={step} names={names} />}
          </li>
        ))}
      </ol>
    </section>
  );
}

function Things({ step, names }: { step: Step; names: Names }) {
  const say = texts();
  const { items, asks } = step;
  if (items.length + asks.length === 0) return <p class="soft small">{say.nothingOnIt}</p>;
  return (
    <ul class="plain run-items">
      {items.map((id) => {
        const item = names.item(id);
        const title = item?.title || say.item(id);
        return (
          <li key={id}>
            {item?.url ? (
              <a href={item.url} target="_blank" rel="noreferrer">
                {title}
              </a>
            ) : (
              title
            )}
          </li>
        );
      })}
      {asks.length > 0 && <li class="soft">{say.exercises(asks.length)}</li>}
    </ul>
  );
}
