/** What the reader chose, as it stands in the address: learner, goal, options, which part is shown. */

import { language } from "../shell/preferences";
import { go, href, type Query, type Route } from "../router";

export const PLANNERS = ["kg-plppm", "trans-cf", "popularity"] as const;
export const PARTS = ["path", "mastery", "history", "record"] as const;
export const LENGTHS = { least: 1, usual: 4, most: 50 };
export const MINUTES = { least: 1, most: 100_000 };

export type PlannerName = (typeof PLANNERS)[number];
export type Part = (typeof PARTS)[number];

export interface Choice {
  learner: string;
  /** The goal: a course or a concept; both empty while there is none. */
  course: string;
  towards: string;
  length: number;
  /** Null: as long as it takes. */
  minutes: number | null;
  /** Mastery from which a concept is passed over; null: none is. */
  skip: number | null;
  planner: PlannerName;
  exclude: string[];
  pin: string[];
  part: Part;
  /** The step whose reasons are shown; empty: the next one. */
  step: string;
}

/** Reads an address; what it holds wrongly counts as not given. */
export function choiceOf({ argument, query }: Route): Choice {
  return {
    learner: argument,
    course: query.get("course") ?? "",
    towards: query.has("course") ? "" : (query.get("towards") ?? ""),
    length: within(query.get("length"), LENGTHS.least, LENGTHS.most) ?? LENGTHS.usual,
    minutes: within(query.get("minutes"), MINUTES.least, MINUTES.most),
    skip: within(query.get("skip"), 0, 1),
    planner: oneOf(PLANNERS, query.get("planner")) ?? "kg-plppm",
    exclude: query.getAll("exclude"),
    pin: query.getAll("pin"),
    part: oneOf(PARTS, query.get("part")) ?? "path",
    step: query.get("step") ?? "",
  };
}

function within(text: string | null, least: number, most: number): number | null {
  const value = text ? Number(text) : Number.NaN;
  return value >= least && value <= most ? value : null;
}

function oneOf<T extends string>(known: readonly T[], text: string | null): T | null {
  return known.find((each) => each === text) ?? null;
}

function queryOf(choice: Choice): Query {
  return {
    course: choice.course,
    towards: choice.towards,
    length: choice.length === LENGTHS.usual ? null : choice.length,
    minutes: choice.minutes,
    skip: choice.skip,
    planner: choice.planner === "kg-plppm" ? null : choice.planner,
    exclude: choice.exclude,
    pin: choice.pin,
    part: choice.part === "path" ? null : choice.part,
    step: choice.step,
  };
}

/** The address of a choice, for a link. */
export function addressOf(choice: Choice): string {
  return href("learner", choice.learner, queryOf(choice));
}

/** Goes where the choice differs so; the way back is the browser's. */
export function choose(choice: Choice, changes: Partial<Choice>): void {
  const next = { ...choice, ...changes };
  go("learner", next.learner, queryOf(next));
}

/** Chooses another goal: what was left out or pinned belonged to the last one. */
export function chooseGoal(choice: Choice, goal: { course: string } | { towards: string }): void {
  const none = { course: "", towards: "", exclude: [], pin: [], step: "" };
  choose(choice, { ...none, ...goal });
}

/** Whether there is a goal. */
export function hasGoal(choice: Choice): boolean {
  return choice.course !== "" || choice.towards !== "";
}

/** The goal as the service takes it. */
export function goalOf(choice: Choice): { course_id?: string; towards?: string } {
  return choice.course ? { course_id: choice.course } : { towards: choice.towards };
}

/** All that a path is asked for with. */
export function questionOf(choice: Choice) {
  return {
    ...goalOf(choice),
    length: choice.length,
    planner: choice.planner,
    exclude: choice.exclude,
    pin: choice.pin,
    ...(choice.minutes === null ? {} : { minutes: choice.minutes }),
    ...(choice.skip === null ? {} : { skip_mastered: choice.skip }),
    language: language.value,
    explain: true,
  };
}
