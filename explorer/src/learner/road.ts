/** A learner's road: what is behind, the steps ahead, and how two of them differ. */

import { answered, client, ProblemError, type Schemas } from "../api/client";
import type { Kind } from "../kinds";
import { type Choice, goalOf, questionOf } from "./choice";

export type Step = Schemas["Step"];
export type Path = Schemas["Path"];
export type Resource = Schemas["Resource"];
export type Rank = Schemas["Rank"];
export type Move = Schemas["Move"];
export type Gap = Schemas["Gap"];
export type Progress = Schemas["ProgressOut"];
export type Reviews = Pick<Schemas["ReviewsOut"], "reviews" | "later">;
export type Status = Schemas["StepProgressOut"]["status"];
export type Explanation = Schemas["StepExplanation"];
export type Mastery = Schemas["ConceptMastery"];
export type Said = Schemas["FeedbackIn"]["said"];

export type What = "watched" | "read" | "answered";

/** What can happen with an item: a video may have a question beside it. */
export const HAPPENS: Record<Kind, readonly [What, ...What[]]> = {
  video: ["watched", "answered"],
  exercise: ["answered"],
  text: ["read"],
  mixed: ["watched", "read", "answered"],
};

export interface Road {
  path: Path;
  progress: Pick<Progress, "steps" | "behind">;
  /** What of the course is due again. */
  reviews: Reviews;
}

export interface Named {
  concept_id: string;
  name: string;
  name_en?: string | undefined;
}

const NOWHERE_YET: Road["progress"] = { steps: [], behind: [] };
const NOTHING_DUE: Reviews = { reviews: [], later: 0 };

/** Asks for the path, then how far the learner has come along it, and what is due again. */
export async function readRoad(choice: Choice, stop: AbortSignal): Promise<Road> {
  const at = { learner_id: choice.learner };
  const path = await answered(
    client.GET("/v1/learners/{learner_id}/path", {
      params: { path: at, query: questionOf(choice) },
      signal: stop,
    }),
  );
  const progress = answered(
    client.GET("/v1/learners/{learner_id}/progress", {
      params: { path: at, query: goalOf(choice) },
      signal: stop,
    }),
  ).catch((error: unknown) => {
    // a plan of whom nothing is known is not kept
    if (error instanceof ProblemError && error.problem.status === 404) return NOWHERE_YET;
    throw error;
  });
  const reviews = choice.course ? readReviews(choice, stop) : NOTHING_DUE;
  return { path, progress: await progress, reviews: await reviews };
}

async function readReviews(choice: Choice, stop: AbortSignal): Promise<Reviews> {
  const { language } = questionOf(choice);
  return answered(
    client.GET("/v1/learners/{learner_id}/reviews", {
      params: {
        path: { learner_id: choice.learner },
        query: { course_id: choice.course, language },
      },
      signal: stop,
    }),
  );
}

/** What the learner holds in a course, or of all concepts that evidence reaches. */
export async function readMastery(
  learner: string,
  course: string | null,
  stop?: AbortSignal,
): Promise<Schemas["MasteryOut"]> {
  return answered(
    client.GET("/v1/learners/{learner_id}/mastery", {
      params: { path: { learner_id: learner }, query: course ? { course_id: course } : {} },
      ...(stop ? { signal: stop } : {}),
    }),
  );
}

/** How a step stands. */
export type Standing = Exclude<Status, "overdue">; // nobody has set the days that a step may take

/** How each step stands, in the order of the steps.
 *
 * The service tells it of the last plan in the history, which may be another one: what is done, or
 * left out, of it counts.
 */
export function standingsOf({ path, progress }: Road): Standing[] {
  const told = new Map(progress.steps.map((each) => [each.concept_id, each.status]));
  let waiting: Standing = "next";
  return path.steps.map(({ concept_id }) => {
    const status = told.get(concept_id);
    if (status === "done" || status === "left_out") return status;
    const standing = waiting;
    waiting = "later";
    return standing;
  });
}

/** The steps behind the learner that are not ahead as well. */
export function behindOf({ path, progress }: Pick<Road, "path" | "progress">): Progress["behind"] {
  const ahead = new Set(path.steps.map((step) => step.concept_id));
  return progress.behind.filter((each) => !ahead.has(each.concept_id));
}

/** The concepts of steps that were done, now or at any time before. */
export function doneOf({ path, progress }: Road): Set<string> {
  const ahead = progress.steps.filter((each) => each.status === "done");
  return new Set([...ahead, ...behindOf({ path, progress })].map((each) => each.concept_id));
}

export interface Moved {
  step: Named;
  from: number;
  to: number;
}

export interface Shift {
  concept: Named;
  from: number;
  to: number;
}

/** How a plan differs from the one before; places count from 1. */
export interface Differences {
  fresh: { step: Named; at: number }[];
  /** Left out of the plan since, and those of them that left because they were done. */
  gone: { step: Named; at: number; done: boolean }[];
  moved: Moved[];
  /** Masteries that changed by at least `NOTICED`, the largest change first. */
  shifts: Shift[];
}

/** A smaller change of a mastery is not told: two digits would not show it. */
export const NOTICED = 0.005;

/** Compares two plans.
 *
 * A step has moved where it is not on a longest run of steps that keep their order: one that others
 * only made room for stays where it was.
 *
 * @param done the concepts of steps that were done.
 */
export function differences(
  before: readonly Step[],
  after: readonly Step[],
  done: ReadonlySet<string>,
): Differences {
  const was = new Map(before.map((step, at) => [step.concept_id, at]));
  const now = new Set(after.map((step) => step.concept_id));
  const kept = after.filter((step) => was.has(step.concept_id));
  const steady = longestRise(kept.map((step) => was.get(step.concept_id) ?? 0));
  const moved = kept
    .filter((_, place) => !steady.has(place))
    .map((step) => ({
      step,
      from: (was.get(step.concept_id) ?? 0) + 1,
      to: after.indexOf(step) + 1,
    }));
  return {
    fresh: after.flatMap((step, at) => (was.has(step.concept_id) ? [] : [{ step, at: at + 1 }])),
    gone: before.flatMap((step, at) =>
      now.has(step.concept_id) ? [] : [{ step, at: at + 1, done: done.has(step.concept_id) }],
    ),
    moved,
    shifts: shiftsBetween(
      before.map((step) => ({ ...step, mastery: step.terms.mastery })),
      after.map((step) => ({ ...step, mastery: step.terms.mastery })),
    ),
  };
}

/** Masteries that changed, the largest change first. */
export function shiftsBetween(
  before: readonly (Named & { mastery: number })[],
  after: readonly (Named & { mastery: number })[],
): Shift[] {
  const was = new Map(before.map((each) => [each.concept_id, each.mastery]));
  return after
    .flatMap((concept) => {
      const from = was.get(concept.concept_id);
      if (from === undefined || Math.abs(concept.mastery - from) < NOTICED) return [];
      return [{ concept, from, to: concept.mastery }];
    })
    .sort((a, b) => Math.abs(b.to - b.from) - Math.abs(a.to - a.from));
}

/** Whether nothing is different. */
export function isSame({ fresh, gone, moved, shifts }: Differences): boolean {
  return fresh.length + gone.length + moved.length + shifts.length === 0;
}

/** The places of a longest rising run. */
function longestRise(values: readonly number[]): Set<number> {
  const longest: number[] = []; // of a run that ends here
  const before: number[] = [];
  values.forEach((value, at) => {
    longest[at] = 1;
    before[at] = -1;
    for (let earlier = 0; earlier < at; earlier++) {
      const length = (longest[earlier] ?? 0) + 1;
      if ((values[earlier] ?? 0) < value && length > (longest[at] ?? 0)) {
        longest[at] = length;
        before[at] = earlier;
      }
    }
  });
  const run = new Set<number>();
  let at = longest.indexOf(Math.max(0, ...longest));
  while (at >= 0) {
    run.add(at);
    at = before[at] ?? -1;
  }
  return run;
}
