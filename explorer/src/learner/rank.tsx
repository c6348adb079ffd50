/** Why a resource stands where it does: what others did, what the course shows, what was begun. */

import { number } from "../i18n";
import type { Rank } from "./road";
import { texts } from "./texts";

const METHODS = ["markov", "next_in_course", "item_cf", "popular", "progress", "pre"] as const;

/** The sentence, and behind it what the place rests on: each part, and the views that counted. */
export function WhyThisOne({ rank }: { rank: Rank }) {
  const say = texts();
  const parts = METHODS.flatMap((method) => {
    const share = rank.methods[method];
    return share === undefined ? [] : [{ method, share }];
  }).toSorted((a, b) => Math.abs(b.share) - Math.abs(a.share));
  return (
    <>
      <p class="soft small">{rank.because}</p>
      <details class="why">
        <summary>{say.whyThisOne(rank.place, rank.of)}</summary>
        {parts.length > 0 && (
          <ul class="plain weighing">
            {parts.map(({ method, share }) => (
              <li key={method}>
                <span>{say.methods[method]}</span>
                <span class="weight" aria-hidden="true">
                  <span style={{ width: `${Math.abs(share) * 100}%` }} />
                </span>
                <span class="figure">{say.percent(share)}</span>
              </li>
            ))}
          </ul>
        )}
        {rank.earlier.length > 0 && (
          <>
            <p class="small">{say.earlier}</p>
            <ul class="plain earlier">
              {rank.earlier.map((each) => (
                <li key={each.item_id}>
                  {each.title || each.item_id} <span class="soft">{say.percent(each.share)}</span>
                </li>
              ))}
            </ul>
          </>
        )}
        <p class="soft small">{say.pre(number(rank.pre, 2))}</p>
      </details>
    </>
  );
}
