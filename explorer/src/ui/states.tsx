/** What a view shows while it has no answer: that it waits, that there is nothing, what went wrong. */

import type { ComponentChildren } from "preact";
import type { Answer } from "../api/answer";
import type { Problem } from "../api/client";
import { signIn } from "../api/session";
import { href } from "../router";
import { texts } from "../shell/texts";
import { Chip } from "./chips";
import { Page } from "./page";

/** Shows an answer, or why there is none. While a new answer is awaited the last one stays. */
export function Answered<T>(props: {
  answer: Answer<T>;
  /** Where close matches lead; an id that looks like the missing one is offered as a link. */
  place?: string;
  /** The answer is a whole view: a problem is one, too. */
  page?: boolean;
  children: (data: T) => ComponentChildren;
}) {
  const { data, problem, waiting, again } = props.answer;
  if (problem) {
    const card = <ProblemCard problem={problem} place={props.place} again={again} />;
    return props.page ? <Page title={titleOf(problem)}>{card}</Page> : card;
  }
  if (data === undefined) return waiting ? <Loading /> : null;
  return (
    <div class="answered" aria-busy={waiting}>
      {props.children(data)}
    </div>
  );
}

/** A problem's name in the reader's language; the service's own where this page does not know it. */
export function titleOf(problem: Problem): string {
  const say = texts();
  if (problem.status === 0) return say.unreachable;
  const name = problem.type.replace("urn:kgplan:problem:", "");
  return say.problems[name] ?? (problem.title || say.problem);
}

export function Loading() {
  return (
    <div class="loading" role="status">
      <span class="loading-dots" aria-hidden="true" />
      <span class="hidden">{texts().loading}</span>
    </div>
  );
}

export function Empty(props: { children: ComponentChildren }) {
  return <p class="empty">{props.children}</p>;
}

/** A problem of the service (RFC 9457) in words, with close matches as links and a way out. */
export function ProblemCard(props: {
  problem: Problem;
  place?: string | undefined;
  again?: (() => void) | undefined;
}) {
  const say = texts();
  const { problem, place, again } = props;
  const near = problem.close_matches ?? [];
  const fields = problem.fields ?? [];
  const mayHelp = problem.status === 0 || problem.status === 429 || problem.status >= 500;
  return (
    <div class="problem" role="alert">
      <h2>{titleOf(problem)}</h2>
      {problem.detail && <p lang="en">{problem.detail}</p>}
      {fields.length > 1 && (
        <ul>
          {fields.map((each) => (
            <li key={each.field}>
              <code>{each.field}</code> {each.reason}
            </li>
          ))}
        </ul>
      )}
      {near.length > 0 && place !== undefined && (
        <>
          <p>{say.nearest}</p>
          <ul class="chips">
            {near.map((id) => (
              <Chip key={id} to={href(place, id)}>
                {id}
              </Chip>
            ))}
          </ul>
        </>
      )}
      {(problem.status === 401 || problem.status === 403) && (
        <button type="button" onClick={() => (signIn.value = "asked")}>
          {say.signIn}
        </button>
      )}
      {mayHelp && again && (
        <button type="button" onClick={again}>
          {say.again}
        </button>
      )}
    </div>
  );
}
