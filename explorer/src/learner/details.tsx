/** One step: where to learn it, why it was chosen, what to say about it, and an event to try. */

import { useId, useState } from "preact/hooks";
import { number } from "../i18n";
import { kindOf } from "../kinds";
import { href } from "../router";
import { language } from "../shell/preferences";
import type { Happening } from "./act";
import { may } from "./may";
import { nameOf } from "./names";
import { type Explanation, HAPPENS, type Path, type Resource, type Said, type Step } from "./road";
import { usePlanners } from "./planners";
import { Resources } from "./resources";
import { texts } from "./texts";

export interface Actions {
  /** Something is being sent. */
  sending: boolean;
  onSaid: (step: Step, said: Said) => void;
  onRefused: (step: Step, resource: Resource) => void;
  onHappened: (title: string, happening: Happening) => void;
  onPin: (step: Step) => void;
  onExclude: (step: Step) => void;
}

/** Rules that look at no figure. */
const WITHOUT_FIGURE = new Set<Explanation["rule"]>([
  "foundation",
  "next",
  "order",
  "pinned",
  "practice",
  "retry",
  "target",
]);
const WORDS: Said[] = ["done", "too_easy", "too_hard", "not_for_me"];

export function Details(props: {
  step: Step;
  explanation: Explanation | undefined;
  path: Path;
  learner: string;
  pinned: boolean;
  /** They stand beside the road, which shows the first things to open alone. */
  beside: boolean;
  actions: Actions;
}) {
  const say = texts();
  const { step, explanation, actions } = props;
  const speaks = may("events:write");
  const refused = speaks ? (resource: Resource) => actions.onRefused(step, resource) : undefined;
  const ordered = explanation !== undefined && WITHOUT_FIGURE.has(explanation.rule);
  return (
    <div class="details">
      <h3 class="details-title">{say.whyThis(nameOf(step))}</h3>
      <section>
        <Formula step={step} path={props.path} decided={!ordered} />
        {explanation && <p>{explanation.because}</p>}
        <p class="note">
          {say.basis[step.basis]}
          {step.doubt && ` ${say.doubt[step.doubt]}`}
        </p>
      </section>
      {props.beside && (
        <section>
          <h4>{say.toOpen}</h4>
          <Resources of={step.resources} course={props.path.course_id} onRefused={refused} />
        </section>
      )}
      {step.runners_up.length > 0 && (
        <section>
          <h4>{say.otherWays}</h4>
          <Resources
            of={step.runners_up}
            course={props.path.course_id}
            onRefused={refused}
            others
          />
        </section>
      )}
      <section>
        <h4>{say.feedback}</h4>
        {speaks ? (
          <div class="words">
            {WORDS.map((word) => (
              <button
                key={word}
                type="button"
                class="quiet"
                title={say.saidHow[word]}
                aria-disabled={actions.sending}
                onClick={() => actions.onSaid(step, word)}
              >
                {say.said[word]}
              </button>
            ))}
          </div>
        ) : (
          <p class="soft">{say.notAllowed}</p>
        )}
        <div class="words">
          <button
            type="button"
            class="quiet"
            aria-pressed={props.pinned}
            onClick={() => actions.onPin(step)}
          >
            {props.pinned ? say.unpin : say.pin}
          </button>
          <button type="button" class="quiet" onClick={() => actions.onExclude(step)}>
            {say.exclude}
          </button>
        </div>
        <p class="soft small">{say.pinHow}</p>
      </section>
      {explanation && <Reasons step={step} explanation={explanation} compared={!ordered} />}
      <section>
        <h4>{say.tryIt}</h4>
        {speaks ? (
          <TryEvent step={step} learner={props.learner} actions={actions} />
        ) : (
          <p class="soft">{say.notAllowed}</p>
        )}
      </section>
    </div>
  );
}

/** The terms as the sum that decided; the mastery alone where none did. */
function Formula({ step, path, decided }: { step: Step; path: Path; decided: boolean }) {
  const say = texts();
  const planner = usePlanners()?.planners.find((each) => each.name === path.options.planner);
  const figure = planner?.figure[language.value] ?? "";
  const { preference, mastery, value, similarity, score } = step.terms;
  if (score !== null && similarity !== null)
    return (
      <p class="formula">
        <Term value={similarity} label={say.similarity} />
        <span class="sign">+</span>
        <Term value={1 - mastery} label={say.oneMinusMastery} />
        <span class="sign">=</span>
        <Term value={score} label={say.score} result />
      </p>
    );
  if (preference !== null && value !== null && planner?.weighs_mastery)
    return (
      <p class="formula">
        <Term value={preference} label={say.preference} />
        <span class="sign">−</span>
        <Term value={mastery} label={say.masteryTerm} />
        <span class="sign">=</span>
        <Term value={value} label={figure} result />
      </p>
    );
  return (
    <p class="formula">
      {decided && value !== null && <Term value={value} label={figure} result />}
      <Term value={mastery} label={say.masteryTerm} />
    </p>
  );
}

function Term(props: { value: number; label: string; result?: boolean }) {
  return (
    <span class={props.result ? "term result" : "term"}>
      <b>{number(props.value, 2)}</b>
      <span>{props.label}</span>
    </span>
  );
}

function Reasons(props: { step: Step; explanation: Explanation; compared: boolean }) {
  const say = texts();
  const { step } = props;
  const { alternatives, rejected, changes, ended } = props.explanation;
  const own = step.terms.score ?? step.terms.value;
  const most = Math.max(own ?? 0, ...alternatives.map((each) => each.figure), 1e-9);
  return (
    <>
      {props.compared && (
        <section>
          <h4>
            {rejected ? say.rejected(rejected) : say.rejectedNone}
            {rejected > alternatives.length && alternatives.length > 0 && (
              <small>{say.bestShown(alternatives.length)}</small>
            )}
          </h4>
          {alternatives.length > 0 && (
            <table class="others">
              <thead>
                <tr>
                  <th scope="col">{say.concept}</th>
                  <th scope="col" class="figure">
                    {say.figure}
                  </th>
                  <th scope="col">{say.verdict}</th>
                </tr>
              </thead>
              <tbody>
                {own !== null && (
                  <tr class="chosen-row">
                    <th scope="row">{nameOf(step)}</th>
                    <td class="figure">
                      <Bar value={own} most={most} />
                    </td>
                    <td>{say.chosen}</td>
                  </tr>
                )}
                {alternatives.map((each) => (
                  <tr key={each.concept_id}>
                    <th scope="row">
                      <a href={href("concept", each.concept_id)}>{nameOf(each)}</a>
                    </th>
                    <td class="figure">
                      <Bar value={each.figure} most={most} />
                    </td>
                    <td>{each.verdict === "lower" ? say.lower : each.because}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          )}
        </section>
      )}
      <section>
        <h4>{say.changes}</h4>
        {changes.length === 0 ? (
          <p class="soft">{say.noChanges}</p>
        ) : (
          <ul class="plain what-if">
            {changes.map((each) => (
              <li key={each.because}>{each.because}</li>
            ))}
          </ul>
        )}
      </section>
      {ended.length > 0 && (
        <section>
          <h4>{say.ended}</h4>
          <ul class="plain what-if">
            {ended.map((each) => (
              <li key={each.concept_id}>
                <a href={href("concept", each.concept_id)}>{nameOf(each)}</a>{" "}
                <span class="soft">{each.because}</span>
              </li>
            ))}
          </ul>
        </section>
      )}
    </>
  );
}

function Bar({ value, most }: { value: number; most: number }) {
  return (
    <span class="bar">
      <span class="bar-fill" style={{ width: `${(Math.max(value, 0) / most) * 100}%` }} />
      <span class="bar-value">{number(value, 2)}</span>
    </span>
  );
}

/** A small form that sends a plain event on one of the things that the step says to open. */
function TryEvent(props: { step: Step; learner: string; actions: Actions }) {
  const say = texts();
  const { step, actions } = props;
  const items = step.resources.flatMap(({ course_id, item_id, kind, title, minutes }) =>
    item_id ? [{ course: course_id, item: item_id, kind: kindOf([kind]), title, minutes }] : [],
  );
  const [at, setAt] = useState(0);
  const [wanted, setWanted] = useState<Happening["what"] | null>(null);
  const [value, setValue] = useState(1);
  const range = useId();
  const chosen = items[at] ?? items[0];
  if (!chosen) return <p class="soft">{say.noEvents}</p>;
  const { course, item } = chosen;
  const may = HAPPENS[chosen.kind];
  const what = may.find((each) => each === wanted) ?? may[0];

  function submit(event: Event): void {
    event.preventDefault();
    actions.onHappened(chosen?.title || nameOf(step), {
      learner: props.learner,
      course,
      item,
      value,
      what,
    });
  }

  return (
    <form class="try" onSubmit={submit}>
      <p class="soft small">{say.tryHow}</p>
      {items.length > 1 && (
        <label class="field">
          {say.whichItem}
          <select value={at} onChange={(event) => setAt(Number(event.currentTarget.value))}>
            {items.map((each, place) => (
              <option key={each.item} value={place}>
                {each.title || say.untitled[each.kind]}
                {each.minutes === null ? "" : ` · ${say.minutesOf(each.minutes)}`}
              </option>
            ))}
          </select>
        </label>
      )}
      <fieldset class="switch">
        <legend class="hidden">{say.what}</legend>
        {may.map((each) => (
          <label key={each}>
            <input
              type="radio"
              name={`${range}-what`}
              checked={what === each}
              onChange={() => setWanted(each)}
            />
            <span>{say[each]}</span>
          </label>
        ))}
      </fieldset>
      <div class="field">
        <label for={range}>{say.values[what]}</label>
        <span class="range">
          <input
            id={range}
            type="range"
            min={0}
            max={1}
            step={0.05}
            value={value}
            aria-valuetext={say.percent(value)}
            onInput={(event) => setValue(Number(event.currentTarget.value))}
          />
          <output for={range}>{say.percent(value)}</output>
        </span>
      </div>
      <button aria-disabled={actions.sending}>{actions.sending ? say.sending : say.send}</button>
    </form>
  );
}
