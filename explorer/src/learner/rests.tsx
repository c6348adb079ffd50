/** What a mastery rests on: a sentence, and a bar for each view and answer that moved it. */

import { useAnswer } from "../api/answer";
import { answered, client, type Schemas } from "../api/client";
import { moment } from "../i18n";
import { language } from "../shell/preferences";
import { Few } from "../ui/few";
import { Answered } from "../ui/states";
import { NOTICED } from "./road";
import { texts } from "./texts";

type Reasons = Schemas["MasteryReasonsOut"];
type Reason = Schemas["ReasonOut"];

interface Bar {
  key: string;
  label: string;
  /** What was done, when, and where that is not on the concept itself. */
  facts: string[];
  moved: number;
  /** All of one side at once. */
  together: boolean;
}

export function Rests(props: { learner: string; concept: string; name: string }) {
  const say = texts();
  const answer = useAnswer(
    (stop) =>
      answered(
        client.GET("/v1/learners/{learner_id}/mastery/{concept_id}", {
          params: {
            path: { learner_id: props.learner, concept_id: props.concept },
            query: { language: language.value },
          },
          signal: stop,
        }),
      ),
    [props.learner, props.concept, language.value],
  );
  return (
    <section class="rests" aria-label={say.restsOn(props.name)}>
      <Answered answer={answer} place="learner">
        {(found) => (
          <>
            <p class="rests-sentence" lang={language.value === "zh" ? "zh-CN" : "en"}>
              {found.because}
            </p>
            <Bars found={found} />
          </>
        )}
      </Answered>
    </section>
  );
}

function Bars({ found }: { found: Reasons }) {
  const say = texts();
  const reasons = found.reasons ?? [];
  const told = reasons.filter((each) => Math.abs(each.moved) >= NOTICED);
  const bars = [...sides(found), ...told.map(barOf)];
  const most = Math.max(...bars.map((bar) => Math.abs(bar.moved)));
  const unseen = reasons.length - told.length;
  const rest = [
    unseen > 0 && bars.length > 0 ? say.hardlyMove(unseen) : "",
    found.left_out ? say.notLookedAt(found.left_out) : "",
  ].filter(Boolean);
  return (
    <>
      {bars.length > 0 && (
        <>
          <Few of={bars} few={FEW}>
            {(some) => (
              <ul class="plain bars" aria-label={say.barsLabel}>
                {some.map((bar) => (
                  <li key={bar.key} class={bar.together ? "together" : undefined}>
                    <span class="bar-label">
                      {bar.label} <small class="soft">{bar.facts.join(" · ")}</small>
                    </span>
                    <span class="bar-track" aria-hidden="true">
                      <span
                        class={bar.moved < 0 ? "bar down" : "bar up"}
                        style={{ width: `${(Math.abs(bar.moved) / most) * 50}%` }}
                      />
                    </span>
                    <span class="bar-figure">{say.signed(bar.moved)}</span>
                  </li>
                ))}
              </ul>
            )}
          </Few>
          <p class="soft small">{say.barsLead}</p>
        </>
      )}
      {rest.length > 0 && <p class="soft small">{rest.join(" ")}</p>}
    </>
  );
}

const FEW = 8;

/** What raised it and what lowered it, left out together, where that is more than one thing. */
function sides({ raising, lowering }: Reasons): Bar[] {
  const say = texts();
  return [
    { key: "raising", side: raising, label: say.allFor },
    { key: "lowering", side: lowering, label: say.allAgainst },
  ].flatMap(({ key, side, label }) =>
    side && side.observations > 1 && Math.abs(side.moved) >= NOTICED
      ? [{ key, label: label(side.observations), facts: [], moved: side.moved, together: true }]
      : [],
  );
}

function barOf(reason: Reason): Bar {
  const say = texts();
  const { item_id, title, did, share, score, time, covers, moved } = reason;
  return {
    key: `${item_id} ${score === null ? "" : "answer"}`,
    label: title || item_id,
    facts: [
      say.didIt[did](share ?? score ?? 0),
      time ? moment(time) : "",
      covers ? "" : say.besideIt,
    ].filter(Boolean),
    moved,
    together: false,
  };
}
