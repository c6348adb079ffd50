/** The road, the reasons of one step, and what changed since the last answer. */

import { useEffect, useRef, useState } from "preact/hooks";
import { useAnswer } from "../api/answer";
import { kindOf } from "../kinds";
import { useSending } from "../api/sending";
import { refine } from "../router";
import { texts as running } from "../running/texts";
import { useMedia } from "../ui/media";
import { Answered, Empty, ProblemCard } from "../ui/states";
import { type Happening, happen, takeBack, tell, wordOn } from "./act";
import { type Choice, addressOf, choose, goalOf, questionOf } from "./choice";
import { type Actions, Details } from "./details";
import { may } from "./may";
import { nameOf } from "./names";
import { News, type NewsOf } from "./news";
import {
  type Named,
  type Resource,
  type Road as RoadOf,
  type Said,
  type Shift,
  type Step,
  differences,
  isSame,
  readRoad,
  standingsOf,
  behindOf,
  doneOf,
} from "./road";
import { DueAgain, Gaps, Notes } from "./resources";
import { Road } from "./stops";
import { texts } from "./texts";

/** What the reader did, until the answer shows what follows from it. */
interface Cause {
  sentence: string;
  shifts: Shift[];
  silent: boolean;
  undo: (() => void) | null;
}

const wide = matchMedia("(width >= 64rem)");

export function Path(props: {
  choice: Choice;
  goal: string;
  /** Told what the concepts seen so far are called. */
  onNames: (names: ReadonlyMap<string, string>) => void;
}) {
  const say = texts();
  const { choice } = props;
  const question = JSON.stringify([choice.learner, questionOf(choice)]);
  const answer = useAnswer((stop) => readRoad(choice, stop), [question]);
  const { data } = answer;
  const [news, setNews] = useState<NewsOf | null>(null);
  const { sending, problem, send } = useSending();
  const shown = useRef<{ goal: string; road: RoadOf } | null>(null);
  const cause = useRef<Cause | null>(null);
  const isWide = useMedia(wide);
  const names = useRef(new Map<string, string>());

  useEffect(() => {
    if (!data) return;
    const goal = JSON.stringify([choice.learner, goalOf(choice)]);
    const before = shown.current?.goal === goal ? shown.current.road : null;
    shown.current = { goal, road: data };
    for (const named of namedIn(data)) {
      names.current.set(named.concept_id, nameOf(named));
    }
    props.onNames(new Map(names.current));
    const why = cause.current;
    cause.current = null;
    if (!before) {
      setNews(null);
      return;
    }
    const found = differences(before.path.steps, data.path.steps, doneOf(data));
    if (!why && isSame(found)) return; // in another language, or with another step open
    const moved = new Set(why?.shifts.map((each) => each.concept.concept_id));
    const others = found.shifts.filter((each) => !moved.has(each.concept.concept_id));
    setNews({
      sentence: why?.sentence ?? say.optionsWere,
      differences: { ...found, shifts: [...(why?.shifts ?? []), ...others] },
      silent: why?.silent ?? false,
      undo: why?.undo ?? null,
    });
  }, [data]);

  function act(work: () => Promise<Cause>): void {
    if (sending) return;
    send(async () => {
      cause.current = await work();
      answer.again();
    });
  }

  function said(step: Named, word: Said): void {
    const name = nameOf(step);
    act(async () => {
      const before = await wordOn(choice.learner, step.concept_id);
      await tell(choice.learner, step.concept_id, word);
      return {
        sentence: say.saidWas(name, say.said[word]),
        shifts: [],
        silent: false,
        undo: () => takeWordBack(step, before),
      };
    });
  }

  function refused(step: Named, resource: Resource): void {
    const item = resource.item_id;
    if (item === null) return;
    act(async () => {
      await tell(choice.learner, step.concept_id, "not_for_me", item);
      return {
        sentence: say.saidWas(resource.title || nameOf(step), say.said.not_for_me),
        shifts: [],
        silent: false,
        undo: () => takeRefusalBack(step, item),
      };
    });
  }

  function takeRefusalBack(step: Named, item: string): void {
    act(async () => {
      await tell(choice.learner, step.concept_id, "withdrawn", item);
      return { sentence: say.undone, shifts: [], silent: false, undo: null };
    });
  }

  function takeWordBack(step: Named, before: Said): void {
    act(async () => {
      await tell(choice.learner, step.concept_id, before);
      return { sentence: say.undone, shifts: [], silent: false, undo: null };
    });
  }

  function happened(title: string, happening: Happening): void {
    act(async () => {
      const effect = await happen(happening);
      return {
        ...effect,
        sentence: say.was[happening.what](title, happening.value),
        undo: () => undo(effect.event),
      };
    });
  }

  function undo(event: string): void {
    act(async () => {
      await takeBack(choice.learner, event);
      return { sentence: say.undone, shifts: [], silent: false, undo: null };
    });
  }

  const toggled = (list: string[], concept: string) =>
    list.includes(concept) ? list.filter((each) => each !== concept) : [...list, concept];

  const actions: Actions = {
    sending,
    onSaid: said,
    onRefused: refused,
    onHappened: happened,
    onPin: ({ concept_id }) =>
      choose(choice, {
        pin: toggled(choice.pin, concept_id),
        exclude: choice.exclude.filter((each) => each !== concept_id),
      }),
    onExclude: ({ concept_id }) =>
      choose(choice, {
        exclude: toggled(choice.exclude, concept_id),
        pin: choice.pin.filter((each) => each !== concept_id),
      }),
  };

  return (
    <section class="path">
      {/* there before anything is in it, so that a screen reader says what comes */}
      <div class="news-place" aria-live="polite">
        {news && <News news={news} onClose={() => setNews(null)} />}
      </div>
      {problem && <ProblemCard problem={problem} />}
      <Answered answer={answer} place="learner">
        {(road) => {
          const selected = selectedOf(road, choice.step, isWide);
          const details = (step: Step) => (
            <Details
              key={step.concept_id}
              step={step}
              explanation={road.path.explanations?.find(
                (each) => each.concept_id === step.concept_id,
              )}
              path={road.path}
              learner={choice.learner}
              pinned={choice.pin.includes(step.concept_id)}
              beside={isWide}
              actions={actions}
            />
          );
          return (
            <>
              <div class="path-head">
                <h2>{choice.course ? say.roadTo(props.goal) : say.roadTowards(props.goal)}</h2>
                <p class="soft">
                  {say.summary(road.path.steps.length, behindOf(road).length)}
                  {road.path.minutes
                    ? ` · ${say.takes(road.path.minutes, kindOf(toOpen(road.path).map(({ kind }) => kind)))}`
                    : ""}
                </p>
                {choice.course && may("events:write") && (
                  <a class="button quiet" href={addressOf({ ...choice, part: "running" })}>
                    {running().keep}
                  </a>
                )}
              </div>
              {road.path.stale && <p class="note">{say.stale}</p>}
              {road.path.new && <Notes of={road.path.notes} />}
              <DueAgain of={road.reviews} course={choice.course} />
              <div class="path-columns">
                <Road
                  road={road}
                  goal={props.goal}
                  news={news}
                  selected={selected?.concept_id ?? ""}
                  onSelect={(concept) =>
                    refine({ step: concept === selected?.concept_id && !isWide ? null : concept })
                  }
                  below={isWide ? null : details}
                  onRefused={may("events:write") ? refused : undefined}
                />
                {isWide && selected && (
                  <aside
                    key={selected.concept_id} // begins at its top
                    class="beside"
                    aria-label={say.whyThis(nameOf(selected))}
                  >
                    {details(selected)}
                  </aside>
                )}
              </div>
              {road.path.steps.length === 0 && <Empty>{say.noSteps}</Empty>}
              {!road.path.new && <Notes of={road.path.notes} />}
              <Gaps of={road.path.gaps} plan={namedIn(road)} />
            </>
          );
        }}
      </Answered>
    </section>
  );
}

/** The step whose reasons are shown: the one chosen; where there is room, else the next one. */
function selectedOf(road: RoadOf, chosen: string, isWide: boolean): Step | undefined {
  const { steps } = road.path;
  const found = steps.find((each) => each.concept_id === chosen);
  if (found || !isWide) return found;
  const next = standingsOf(road).indexOf("next");
  return steps[Math.max(next, 0)];
}

/** What the minutes of a path are of: all of it, or what is named first where it is a choice. */
function toOpen({ steps }: RoadOf["path"]): Resource[] {
  const moves = steps.some((step) => step.resources.some((each) => each.moves.length > 0));
  return steps.flatMap((step) => (moves ? step.resources : step.resources.slice(0, 1)));
}

function namedIn({ path, progress }: RoadOf): Named[] {
  const others = (path.explanations ?? []).flatMap((each) => [...each.alternatives, ...each.ended]);
  return [...others, ...path.gaps, ...path.steps, ...progress.behind];
}
