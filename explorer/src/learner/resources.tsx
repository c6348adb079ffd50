/** What to open: its title, how long it takes, and which masteries it moves. */

import { href } from "../router";
import { kindOf } from "../kinds";
import { Few } from "../ui/few";
import { nameOf, namesOf } from "./names";
import { type Gap, type Move, NOTICED, type Named, type Resource, type Reviews } from "./road";
import { WhyThisOne } from "./rank";
import { texts } from "./texts";

const THROUGH = 0.8; // score from which an answer is right, as for the service
const BRIEF = { resources: 2, moves: 4 };

/** Things to do, in the order in which to do them.
 *
 * @param course of the goal: what lies in another one says so.
 * @param brief the first ones, and of each the masteries that gain most; the others are counted.
 */
export function Resources(props: {
  of: readonly Resource[];
  course: string | null;
  brief?: boolean;
  /** They are others beside those that a step opens: which of them is the reader's choice. */
  others?: boolean;
  /** Takes that one is not for the learner; nobody may say so where there is none. */
  onRefused?: ((resource: Resource) => void) | undefined;
}) {
  const say = texts();
  const shown = props.brief ? props.of.slice(0, BRIEF.resources) : props.of;
  const more = props.of.length - shown.length;
  // a planner that does not say what each of them moves names places to choose from
  const choice =
    !props.others && props.of.length > 1 && props.of.every((each) => each.moves.length === 0);
  if (props.of.length === 0) return <p class="soft">{say.nothingToOpen}</p>;
  return (
    <>
      {choice && <p class="soft small">{say.oneOf}</p>}
      <ol class="plain resources">
        {shown.map((each) => (
          <li key={`${each.course_id} ${each.item_id}`}>
            <One
              resource={each}
              course={props.course}
              brief={props.brief ?? false}
              onRefused={props.onRefused}
            />
          </li>
        ))}
      </ol>
      {more > 0 && <p class="soft small">{say.moreToOpen(more)}</p>}
    </>
  );
}

function One(props: {
  resource: Resource;
  course: string | null;
  brief: boolean;
  onRefused?: ((resource: Resource) => void) | undefined;
}) {
  const say = texts();
  const { resource, course, brief } = props;
  const { title, url, minutes, share, score, again } = resource;
  const kind = kindOf([resource.kind]);
  const failed = kind === "exercise" && score !== null && score < THROUGH;
  const facts = [
    say.kinds[kind],
    minutes === null ? "" : say.minutesOf(minutes),
    again ? say.again[kind] : share > 0 ? say.soFar(share, kind) : "",
    failed ? say.notYet(score) : "",
    resource.optional ? say.mayLeave : "",
    resource.course_id === course ? "" : resource.course_name,
  ].filter(Boolean);
  const called = resource.item_id === null ? say.nothingOnIt : title || say.untitled[kind];
  const moves = resource.moves
    .filter((each) => Math.abs(gainOf(each)) >= NOTICED)
    .toSorted((a, b) => gainOf(b) - gainOf(a));
  const told = brief ? moves.slice(0, BRIEF.moves) : moves;
  return (
    <>
      <p class="resource">
        <span class={`play ${kind} ${again ? "again" : ""}`} aria-hidden="true" />
        {url ? (
          <a class="resource-title" href={url} target="_blank" rel="noreferrer">
            {called}
          </a>
        ) : (
          <span class="resource-title">{called}</span>
        )}{" "}
        <span class="soft small">{facts.join(" · ")}</span>
      </p>
      {share > 0 && !again && (
        <span class="share" aria-hidden="true">
          <span style={{ width: `${share * 100}%` }} />
        </span>
      )}
      {moves.length > 0 && (
        <ul class="plain moves" aria-label={say.moves}>
          {kind === "exercise" && <li class="soft small">{say.onceRight}</li>}
          {told.map((move) => (
            <OneMove key={move.concept_id} move={move} brief={brief} />
          ))}
          {moves.length > told.length && (
            <li class="soft">{say.moreMoves(moves.length - told.length)}</li>
          )}
        </ul>
      )}
      {!brief && resource.rank && <WhyThisOne rank={resource.rank} />}
      {!brief && props.onRefused && resource.item_id !== null && (
        <p>
          <button
            type="button"
            class="quiet refuse"
            aria-label={say.refuse(called)}
            onClick={() => props.onRefused?.(resource)}
          >
            {say.said.not_for_me}
          </button>
        </p>
      )}
    </>
  );
}

/** A mastery now, and where doing it is expected to bring it. */
function OneMove({ move, brief }: { move: Move; brief: boolean }) {
  const say = texts();
  const { main, lang } = namesOf(move);
  const from = Math.min(move.mastery, move.expected);
  const told = say.moved(move.mastery, move.expected);
  return (
    <li class="move">
      {brief ? (
        <span lang={lang}>{main}</span>
      ) : (
        <a href={href("concept", move.concept_id)} lang={lang}>
          {main}
        </a>
      )}
      <span class="move-track" title={told} aria-hidden="true">
        <span class="move-now" style={{ width: `${from * 100}%` }} />
        <span
          class="move-gain"
          style={{ left: `${from * 100}%`, width: `${Math.abs(gainOf(move)) * 100}%` }}
        />
      </span>
      <span class="hidden">{told}</span>
    </li>
  );
}

function gainOf(move: Move): number {
  return move.expected - move.mastery;
}

/** What the service says of a plan as a whole: what it rests on, leaves out, and why it ends.
 *
 * Of a new learner it is said before the road, else behind it.
 */
export function Notes({ of }: { of: readonly string[] }) {
  if (of.length === 0) return null;
  return (
    <ul class="plain notes">
      {of.map((each) => (
        <li key={each}>{each}</li>
      ))}
    </ul>
  );
}

/** What was held and is about to be forgotten, and what to open for it. */
export function DueAgain(props: { of: Reviews; course: string }) {
  const say = texts();
  const { reviews, later } = props.of;
  if (reviews.length === 0) return null;
  return (
    <section class="due">
      <h3>{say.dueAgain}</h3>
      <ul class="plain resources">
        {reviews.map(({ resource, because }) => (
          <li key={`${resource.course_id} ${resource.item_id}`}>
            <One resource={resource} course={props.course} brief />
            <p class="soft small">{because}</p>
          </li>
        ))}
      </ul>
      {later > 0 && <p class="soft small">{say.dueLater(later)}</p>}
    </section>
  );
}

/** What is needed or asked for and taught nowhere that is known, in plain words.
 *
 * @param plan what the plan names, as the concepts that need a gap are among it.
 */
export function Gaps(props: { of: readonly Gap[]; plan: readonly Named[] }) {
  const say = texts();
  if (props.of.length === 0) return null;
  const called = new Map(props.plan.map((each) => [each.concept_id, nameOf(each)]));
  return (
    <section class="gaps">
      <h3>{say.gaps}</h3>
      <Few of={props.of}>
        {(some) => (
          <ul class="plain">
            {some.map((gap) => {
              const needed = gap.needed_by.filter((each) => each !== gap.concept_id);
              return (
                <li key={gap.concept_id}>
                  <a href={href("concept", gap.concept_id)} lang={namesOf(gap).lang}>
                    {nameOf(gap)}
                  </a>{" "}
                  <span class="soft">
                    {needed.length > 0
                      ? say.neededFor(needed.map((each) => called.get(each) ?? each))
                      : say.askedFor}
                  </span>
                </li>
              );
            })}
          </ul>
        )}
      </Few>
    </section>
  );
}
