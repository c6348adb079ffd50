/** The road as a list: what is behind, each step as a stop, the goal at its end. */

import type { ComponentChildren } from "preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { texts as shell } from "../shell/texts";
import { nameOf, namesOf } from "./names";
import { Meter } from "./meter";
import type { NewsOf } from "./news";
import {
  type Resource,
  type Road as RoadOf,
  type Standing,
  type Step,
  behindOf,
  standingsOf,
} from "./road";
import { Resources } from "./resources";
import { texts } from "./texts";

const SHOWN = 12; // steps of a long road, until the reader asks for the others

const GLIDE = { duration: 450, easing: "cubic-bezier(.2, .8, .2, 1)" };
const still = matchMedia("(prefers-reduced-motion: reduce)");

export function Road(props: {
  road: RoadOf;
  goal: string;
  news: NewsOf | null;
  selected: string;
  onSelect: (concept: string) => void;
  /** What stands below the selected step; null: it stands beside the road. */
  below: ((step: Step) => ComponentChildren) | null;
  onRefused: ((step: Step, resource: Resource) => void) | undefined;
}) {
  const say = texts();
  const { path } = props.road;
  const behind = behindOf(props.road);
  const standings = standingsOf(props.road);
  const [all, setAll] = useState(false);
  const asked = path.steps.findIndex((each) => each.concept_id === props.selected);
  const n = all || asked >= SHOWN ? path.steps.length : Math.min(SHOWN, path.steps.length);
  const list = useRef<HTMLOListElement>(null);
  useGliding(list, path);
  const fresh = new Set(props.news?.differences.fresh.map((each) => each.step.concept_id));
  const moved = new Map(
    props.news?.differences.moved.map((each) => [each.step.concept_id, each.from]),
  );
  return (
    <ol class="road" ref={list}>
      <li class="stop begin">
        <Piece at={0} travelled={behind.length > 0} />
        <span class="stone" style={place(0)} aria-hidden="true" />
        <div class="behind">
          <p class="stop-status">{behind.length ? say.behind : say.behindNone}</p>
          {behind.length > 0 && (
            <ul class="chips">
              {behind.map((each) => (
                <li key={each.concept_id} class="chip done">
                  <Tick />
                  {nameOf(each)}
                  <span class="hidden">{say.doneChip}</span>
                </li>
              ))}
            </ul>
          )}
        </div>
      </li>
      {path.steps.slice(0, n).map((step, at) => (
        <Stop
          key={step.concept_id}
          step={step}
          at={at}
          n={path.steps.length}
          standing={standings[at] ?? "later"}
          leadsTo={path.steps.find((each) => each.concept_id === step.leads_to)}
          course={path.course_id}
          isTarget={step.concept_id === path.towards}
          badge={
            fresh.has(step.concept_id)
              ? say.freshBadge
              : moved.has(step.concept_id)
                ? say.movedBadge(moved.get(step.concept_id) ?? 0)
                : ""
          }
          selected={step.concept_id === props.selected}
          onSelect={() => props.onSelect(step.concept_id)}
          below={props.below}
          onRefused={props.onRefused}
        />
      ))}
      {n < path.steps.length && (
        <li class="stop rest">
          <button type="button" class="quiet" onClick={() => setAll(true)}>
            {say.showRest(path.steps.length - n)}
          </button>
        </li>
      )}
      <li class="stop finish">
        <span class="stone" style={place(n + 1)} aria-hidden="true">
          <svg viewBox="0 0 24 24">
            <path d="M7 21V4M7 5h10l-2.500 3.500L17 12H7" />
          </svg>
        </span>
        <p class="finish-name">{props.goal}</p>
      </li>
    </ol>
  );
}

function Stop(props: {
  step: Step;
  at: number;
  n: number;
  standing: Standing;
  leadsTo: Step | undefined;
  course: string | null;
  isTarget: boolean;
  /** That it is new, or where it was. */
  badge: string;
  selected: boolean;
  onSelect: () => void;
  below: ((step: Step) => ComponentChildren) | null;
  onRefused: ((step: Step, resource: Resource) => void) | undefined;
}) {
  const say = texts();
  const { step, at, standing } = props;
  const { main, other, lang } = namesOf(step);
  const second = lang ? shell().noEnglish : other;
  const opened = props.selected && props.below !== null;
  const over = standing === "done" || standing === "left_out";
  const role = props.isTarget
    ? say.target
    : props.leadsTo
      ? say.prerequisiteOf(nameOf(props.leadsTo))
      : say.inCourse;
  return (
    <li class={`stop ${standing}${props.badge ? " changed" : ""}`} data-concept={step.concept_id}>
      <Piece at={at + 1} travelled={over} />
      <span class="stone" style={place(at + 1)} aria-hidden="true">
        {standing === "done" ? <Tick /> : at + 1}
      </span>
      <div class={props.selected ? "stop-card selected" : "stop-card"}>
        <p class="stop-status">
          <span class={`badge ${standing}`}>{say.standing[standing]}</span>
          <span>{role}</span>
          {props.badge && <span class="badge fresh">{props.badge}</span>}
        </p>
        <h3>
          <button
            type="button"
            class="stop-name"
            aria-expanded={props.selected}
            aria-description={say.stepOf(at + 1, props.n)}
            onClick={props.onSelect}
          >
            <span lang={lang}>{main}</span>
            {second && <small>{second}</small>}
          </button>
        </h3>
        <Meter mastery={step.terms.mastery} sd={step.sd} doubt={step.doubt} />
        <p class="because">{step.because}</p>
        <Resources
          of={step.resources}
          course={props.course}
          brief={!opened}
          onRefused={props.onRefused && ((resource) => props.onRefused?.(step, resource))}
        />
        {opened && <div class="below">{props.below?.(step)}</div>}
      </div>
    </li>
  );
}

const BENDS = [50, 78, 22]; // where the road stands in its strip, in percent: begin, odd, even

function bend(at: number): number {
  return (at === 0 ? BENDS[0] : BENDS[2 - (at % 2)]) ?? 50;
}

function place(at: number): { left: string } {
  return { left: `calc(var(--strip) * ${bend(at) / 100})` };
}

/** The road from one stone to the next one. */
function Piece({ at, travelled }: { at: number; travelled: boolean }) {
  const from = bend(at);
  const to = bend(at + 1);
  const line = `M${from} 0C${from} 55 ${to} 45 ${to} 100`;
  return (
    <svg
      class={travelled ? "piece travelled" : "piece"}
      viewBox="0 0 100 100"
      preserveAspectRatio="none"
      aria-hidden="true"
    >
      <path class="bed" d={line} />
      <path class="middle" d={line} />
    </svg>
  );
}

function Tick() {
  return (
    <svg class="tick" viewBox="0 0 24 24" aria-hidden="true">
      <path d="M5 12.500 10 17.500 19 7" />
    </svg>
  );
}

/** Lets stops glide to where they stand now, and new ones fade in, unless the reader wants rest. */
function useGliding(list: { current: HTMLOListElement | null }, on: unknown): void {
  const before = useRef(new Map<string, number>());
  useLayoutEffect(() => {
    const stops = list.current?.querySelectorAll<HTMLElement>("[data-concept]") ?? [];
    const now = new Map<string, number>();
    for (const stop of stops) {
      const name = stop.dataset["concept"] ?? "";
      now.set(name, stop.offsetTop);
      if (before.current.size === 0 || still.matches) continue;
      const was = before.current.get(name);
      if (was === undefined)
        stop.animate([{ opacity: 0, transform: "translateX(1.5rem)" }, {}], GLIDE);
      else if (was !== stop.offsetTop)
        stop.animate([{ transform: `translateY(${was - stop.offsetTop}px)` }, {}], GLIDE);
    }
    before.current = now;
  }, [on]);
}
