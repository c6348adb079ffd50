/** What changed in the plan, in words. */

import { useEffect, useRef } from "preact/hooks";
import { texts as shell } from "../shell/texts";
import { IconButton } from "../ui/icons";
import { nameOf } from "./names";
import { type Differences, isSame } from "./road";
import { texts } from "./texts";

export interface NewsOf {
  /** What made the plan change. */
  sentence: string;
  differences: Differences;
  /** The model does not know the item of the event. */
  silent: boolean;
  undo: (() => void) | null;
}

const SHIFTS_SHOWN = 5;

export function News({ news, onClose }: { news: NewsOf; onClose: () => void }) {
  const say = texts();
  const { fresh, gone, moved, shifts } = news.differences;
  const replaced = fresh.flatMap((each) => {
    const was = gone.find(({ at, done }) => at === each.at && !done);
    return was ? [{ at: each.at, was: was.step, now: each.step }] : [];
  });
  const places = new Set(replaced.map(({ at }) => at));
  const more = shifts.length - SHIFTS_SHOWN;
  const panel = useRef<HTMLElement>(null);
  useEffect(() => {
    panel.current?.scrollIntoView({ block: "nearest" });
    // what was clicked may be gone with its step: the focus goes where the change is told
    if (document.activeElement === document.body) panel.current?.focus({ preventScroll: true });
  }, [news]);
  return (
    <section ref={panel} class="news" aria-label={say.news} tabIndex={-1}>
      <div class="news-head">
        <h2>{news.sentence}</h2>
        <div class="actions">
          {news.undo && (
            <button type="button" class="quiet" onClick={news.undo}>
              {say.undo}
            </button>
          )}
          <IconButton icon="close" label={shell().close} onClick={onClose} />
        </div>
      </div>
      {news.silent && <p>{say.silent}</p>}
      {isSame(news.differences) && !news.silent && <p>{say.same}</p>}
      <ul class="news-list">
        {shifts.slice(0, SHIFTS_SHOWN).map(({ concept, from, to }) => (
          <li key={concept.concept_id} class={to > from ? "rise" : "fall"}>
            {say.shifted(nameOf(concept), from, to)}
            <span class="shift" aria-hidden="true">
              <span
                style={{
                  left: `${Math.min(from, to) * 100}%`,
                  width: `${Math.abs(to - from) * 100}%`,
                }}
              />
            </span>
          </li>
        ))}
        {more > 0 && <li class="soft">{say.moreShifts(more)}</li>}
        {replaced.map(({ at, was, now }) => (
          <li key={`r${at}`} class="fresh">
            {say.replaced(at, nameOf(was), nameOf(now))}
          </li>
        ))}
        {fresh
          .filter(({ at }) => !places.has(at))
          .map(({ step, at }) => (
            <li key={`f${at}`} class="fresh">
              {say.freshAt(nameOf(step), at)}
            </li>
          ))}
        {gone
          .filter(({ done }) => done)
          .map(({ step, at }) => (
            <li key={`d${at}`} class="done">
              {say.doneStep(nameOf(step))}
            </li>
          ))}
        {gone
          .filter(({ at, done }) => !done && !places.has(at))
          .map(({ step, at }) => (
            <li key={`g${at}`} class="gone">
              {say.goneFrom(nameOf(step), at)}
            </li>
          ))}
        {moved.map(({ step, from, to }) => (
          <li key={`m${to}`}>{say.movedTo(nameOf(step), from, to)}</li>
        ))}
      </ul>
    </section>
  );
}
