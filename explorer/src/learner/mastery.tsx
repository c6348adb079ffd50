/** What the learner holds, concept by concept: a table that can be sorted and filtered. */

import { useId, useState } from "preact/hooks";
import { useAnswer } from "../api/answer";
import { folded, number } from "../i18n";
import { locale } from "../shell/preferences";
import { href } from "../router";
import { Unnamed } from "../ui/names";
import { Answered, Empty } from "../ui/states";
import { weak_evidence as WEAK } from "../api/options.json";
import { type Choice, choose } from "./choice";
import { Meter } from "./meter";
import { nameOf, namesOf } from "./names";
import { Rests } from "./rests";
import { type Mastery, readMastery } from "./road";
import { texts } from "./texts";

type Column = "name" | "mastery" | "evidence";
type Only = "all" | "sure" | "doubt";

export function MasteryTable({ choice, goal }: { choice: Choice; goal: string }) {
  const say = texts();
  const answer = useAnswer(
    (stop) => readMastery(choice.learner, choice.course || null, stop),
    [choice.learner, choice.course],
  );
  const [column, setColumn] = useState<Column>("mastery");
  const [rising, setRising] = useState(false);
  const [text, setText] = useState("");
  const [only, setOnly] = useState<Only>("all");

  function sort(by: Column): void {
    setRising(by === column ? !rising : by === "name");
    setColumn(by);
  }

  const heads: [Column, string][] = [
    ["name", say.concept],
    ["mastery", say.mastery],
    ["evidence", say.evidence],
  ];
  return (
    <section class="holds">
      <h2>{choice.course ? say.masteryOf(goal) : say.masteryAll}</h2>
      <p class="soft">{say.masteryLead}</p>
      <Answered answer={answer} place="learner">
        {({ concepts, events }) => {
          const shown = arranged(concepts, column, rising, text, only);
          return (
            <>
              <div class="filters">
                <label class="field">
                  {say.filter}
                  <input
                    type="search"
                    placeholder={say.filterHint}
                    value={text}
                    onInput={(event) => setText(event.currentTarget.value)}
                  />
                </label>
                <label class="field">
                  {say.only}
                  <select
                    value={only}
                    onChange={(event) => setOnly(event.currentTarget.value as Only)}
                  >
                    <option value="all">{say.onlyAll}</option>
                    <option value="sure">{say.onlySure}</option>
                    <option value="doubt">{say.onlyDoubt}</option>
                  </select>
                </label>
                <p class="soft" role="status">
                  {say.shownOf(shown.length, concepts.length)}
                </p>
              </div>
              {(events.counted > 0 || events.unknown_items.length > 0) && (
                <p class="soft small">
                  {say.counted(events.counted, events.silent)}
                  {events.unknown_items.length > 0 &&
                    ` · ${say.unknownItems(events.unknown_items.length)}`}
                </p>
              )}
              <Unnamed of={shown.map((each) => ({ ...each, id: each.concept_id }))} />
              {shown.length === 0 ? (
                <Empty>{say.noneShown}</Empty>
              ) : (
                <table class="masteries">
                  <caption class="hidden">{say.masteryLead}</caption>
                  <thead>
                    <tr>
                      {heads.map(([each, label]) => (
                        <th
                          key={each}
                          scope="col"
                          class={each}
                          aria-sort={
                            each === column ? (rising ? "ascending" : "descending") : undefined
                          }
                        >
                          <button type="button" class="sort" onClick={() => sort(each)}>
                            {label}
                            <span aria-hidden="true">
                              {each === column ? (rising ? "↑" : "↓") : "↕"}
                            </span>
                          </button>
                        </th>
                      ))}
                      <th scope="col" class="remark">
                        {say.remark}
                      </th>
                      <td />
                    </tr>
                  </thead>
                  <tbody>
                    {shown.map((each) => (
                      <Row
                        key={each.concept_id}
                        known={each}
                        learner={choice.learner}
                        open={each.concept_id === choice.step}
                        onOpen={(open) => choose(choice, { step: open ? each.concept_id : "" })}
                      />
                    ))}
                  </tbody>
                </table>
              )}
            </>
          );
        }}
      </Answered>
    </section>
  );
}

/** A concept, and below it what its mastery rests on, where that is asked for. */
function Row(props: {
  known: Mastery;
  learner: string;
  open: boolean;
  onOpen: (open: boolean) => void;
}) {
  const say = texts();
  const { known, open } = props;
  const { main, other, lang } = namesOf(known);
  const below = useId();
  return (
    <>
      <tr class={open ? "opened" : undefined}>
        <th scope="row" class="name">
          <a href={href("concept", known.concept_id)} lang={lang}>
            {main}
          </a>
          {other && <small>{other}</small>}
        </th>
        <td class="mastery">
          {tooLittle(known) ? (
            <span class="too-little">{say.tooLittle}</span>
          ) : (
            <Meter {...known} />
          )}
        </td>
        <td class="evidence">{number(known.evidence, 2)}</td>
        <td class="remark">
          {say.basisShort[known.basis]}
          {known.doubt && known.basis === "own" && <small>{say.doubtShort[known.doubt]}</small>}
        </td>
        <td class="why">
          <button
            type="button"
            class="quiet why-button"
            aria-expanded={open}
            aria-controls={open ? below : undefined}
            aria-label={say.restsOn(main)}
            title={say.restsOn(main)}
            onClick={() => props.onOpen(!open)}
          >
            <span aria-hidden="true">{open ? "▴" : "▾"}</span>
          </button>
        </td>
      </tr>
      {open && (
        <tr id={below} class="below">
          <td colSpan={5}>
            <Rests learner={props.learner} concept={known.concept_id} name={main} />
          </td>
        </tr>
      )}
    </>
  );
}

/** Whether the mastery is all but what is assumed of everyone, so that it is no figure to show. */
function tooLittle({ evidence }: Mastery): boolean {
  return evidence < WEAK;
}

/** The rows that are wanted, in the order that is wanted; by mastery, those without a figure last. */
function arranged(
  concepts: readonly Mastery[],
  column: Column,
  rising: boolean,
  text: string,
  only: Only,
): Mastery[] {
  const wanted = folded(text);
  const compare = {
    name: (a: Mastery, b: Mastery) => nameOf(a).localeCompare(nameOf(b), locale()),
    mastery: (a: Mastery, b: Mastery) => a.mastery - b.mastery,
    evidence: (a: Mastery, b: Mastery) => a.evidence - b.evidence,
  }[column];
  return concepts
    .filter(
      (each) =>
        folded(`${each.name} ${each.name_en}`).includes(wanted) &&
        (only === "all" || (only === "sure") === each.identified),
    )
    .sort((a, b) => {
      const last = column === "mastery" ? Number(tooLittle(a)) - Number(tooLittle(b)) : 0;
      return last || (rising ? compare(a, b) : compare(b, a));
    });
}
