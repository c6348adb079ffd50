/** What a learner did or said is sent, and the masteries before and after it are compared. */

import { answered, client } from "../api/client";
import { type Said, type Shift, type What, readMastery, shiftsBetween } from "./road";

/** One thing that happened with an item. */
export interface Happening {
  learner: string;
  course: string;
  item: string;
  /** Share watched or read, or score of the answer, in [0, 1]. */
  value: number;
  what: What;
}

export interface Effect {
  shifts: Shift[];
  /** The model does not know the item. */
  silent: boolean;
  /** Names the event, to take it back. */
  event: string;
}

/** Sends what happened; says which masteries of the course moved. */
export async function happen(happening: Happening): Promise<Effect> {
  const { learner, course, item, value, what } = happening;
  const before = await readMastery(learner, course);
  const event = newEvent();
  await answered(
    client.POST("/v1/events", {
      body: {
        event_id: event,
        learner_id: learner,
        course_id: course,
        item_id: item,
        ...(what === "answered" ? { score: value } : { share: value }),
      },
    }),
  );
  const after = await readMastery(learner, course);
  return {
    event,
    shifts: shiftsBetween(before.concepts, after.concepts),
    silent: after.events.unknown_items.includes(item),
  };
}

/** Takes an event back: it never counted. */
export async function takeBack(learner: string, event: string): Promise<void> {
  const body = { event_id: newEvent(), learner_id: learner, voids: event };
  await answered(client.POST("/v1/events", { body }));
}

const ANSWERS: readonly Said[] = ["known", "unsure", "unknown"];

/** The last wish on a concept, answers on it apart; "withdrawn" where there is none. */
export async function wordOn(learner: string, concept: string): Promise<Said> {
  const { feedback } = await answered(
    client.GET("/v1/learners/{learner_id}/feedback", {
      params: { path: { learner_id: learner } },
    }),
  );
  return (
    feedback.find(
      (each) =>
        each.concept_id === concept && each.item_id === null && !ANSWERS.includes(each.said),
    )?.said ?? "withdrawn"
  );
}

/** Says something about a concept, or about one item on it. */
export async function tell(
  learner: string,
  concept: string,
  said: Said,
  item: string | null = null,
): Promise<void> {
  await answered(
    client.POST("/v1/learners/{learner_id}/feedback", {
      params: { path: { learner_id: learner } },
      body: { concept_id: concept, item_id: item, said },
    }),
  );
}

/** An id that no other event has; also where the page comes without TLS. */
function newEvent(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return `explorer:${[...bytes].map((each) => each.toString(16).padStart(2, "0")).join("")}`;
}
