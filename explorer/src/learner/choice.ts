/** What the reader chose, as it stands in the address: learner, goal, options, which part is shown. */

import { length as LENGTHS, minutes as MINUTES, theta as SKIPS } from "../api/options.json";
import type { Schemas } from "../api/client";
import { language } from "../shell/preferences";
import { go, href, type Query, type Route } from "../router";

export { LENGTHS, MINUTES, SKIPS };
export const PARTS = ["path", "running", "mastery", "history", "record"] as const;

/** Planners known when the types were made; the service may have others. */
type Known = NonNullable<Schemas["PathIn"]["planner"]>;
export type Part = (typeof PARTS)[number];

export interface Choice {
  learner: string;
  /** The goal: a course or a concept; both empty while there is none. */
  course: string;
  towards: string;
  /** Steps; null: as many as are worth their time. */
  length: number | null;
  /** Null: as long as it takes. */
  minutes: number | null;
  /** Mastery from which a concept is passed over; null: none is. */
  skip: number | null;
  /** Empty: the service's own choice. */
  planner: string;
  exclude: string[];
  pin: string[];
  part: Part;
  /** The step whose reasons are shown; empty: the next one. */
  step: string;
}

/** Reads an address; what it holds wrongly counts as not given. */
export function choiceOf({ argument, query }: Route): Choice {
  const part = oneOf(PARTS, query.get("part")) ?? "path";
  return {
    learner: argument,
    course: query.get("course") ?? "",
    towards: query.has("course") ? "" : (query.get("towards") ?? ""),
    length: within(query.get("length"), LENGTHS.least, LENGTHS.most),
    minutes: within(query.get("minutes"), MINUTES.least, MINUTES.most),
    skip: within(query.get("skip"), SKIPS.least, SKIPS.most),
    planner: query.get("planner") ?? "",
    exclude: query.getAll("exclude"),
    pin: query.getAll("pin"),
    part: part === "running" && !query.has("course") ? "path" : part, // it is in a course
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
    length: choice.length,
    minutes: choice.minutes,
    skip: choice.skip,
    planner: choice.planner || null,
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
    exclude: choice.exclude,
    pin: choice.pin,
    ...(choice.planner === "" ? {} : { planner: choice.planner as Known }),
    ...(choice.length === null ? {} : { length: choice.length }),
    ...(choice.minutes === null ? {} : { minutes: choice.minutes }),
    ...(choice.skip === null ? {} : { theta: choice.skip }),
    language: language.value,
    explain: true,
  };
}
