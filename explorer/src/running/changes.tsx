/** What changed in a plan, one sentence each, with the reason, and what takes it back. */

import { moment, number } from "../i18n";
import { Few } from "../ui/few";
import { Empty } from "../ui/states";
import type { Change } from "./asking";
import type { Names } from "./names";
import { texts } from "./texts";

const FEW = 6;

export function Changes(props: {
  changes: readonly Change[];
  names: Names;
  /** Whether the reader may take it back. */
  mayUndo: (change: Change) => boolean;
  sending: boolean;
  onUndo: (change: Change, sentence: string) => void;
  /** Does what is only suggested; nobody may where there is none. */
  onAccept?: (change: Change, sentence: string) => void;
}) {
  const say = texts();
  return (
    <section class="run-part" aria-labelledby="run-changes">
      <h2 id="run-changes" tabIndex={-1}>
        {say.changes}
      </h2>
      {props.changes.length === 0 && <Empty>{say.noChanges}</Empty>}
      <Few of={props.changes} few={FEW}>
        {(some) => (
          <ol class="plain run-changes">
            {some.map((each) => {
              const sentence = sentenceOf(each, props.names);
              return (
                <li key={each.n} class={each.undone ? "undone" : undefined}>
                  <p>
                    {!each.made && <span class="badge">{say.suggested}</span>}{" "}
                    <strong>{sentence}</strong> {reasonOf(each)}
                  </p>
                  <p class="soft small">{facts(each).join(" · ")}</p>
                  {canBeUndone(each) && props.mayUndo(each) && (
                    <button
                      type="button"
                      class="quiet"
                      disabled={props.sending}
                      aria-label={say.undoOf(sentence)}
                      onClick={() => props.onUndo(each, sentence)}
                    >
                      {say.undo}
                    </button>
                  )}
                  {props.onAccept && isOpen(each, props.changes) && (
                    <button
                      type="button"
                      class="quiet"
                      disabled={props.sending}
                      aria-label={say.acceptOf(sentence)}
                      onClick={() => props.onAccept?.(each, sentence)}
                    >
                      {say.accept}
                    </button>
                  )}
                </li>
              );
            })}
          </ol>
        )}
      </Few>
    </section>
  );
}

/** Whether there is something to take back: who was told knows, and what ended is over. */
function canBeUndone(change: Change): boolean {
  return change.made && change.undone === null && change.kind !== "alert" && !change.ends;
}

const OF_STEPS: readonly Change["kind"][] = ["insert", "swap", "optional", "require"];

/** Whether it is a suggestion about steps that nobody has followed yet. */
function isOpen(change: Change, all: readonly Change[]): boolean {
  const { kind, step_id: step, after } = change;
  const isSame = (each: Change) =>
    each.n > change.n && each.made && each.kind === kind && each.step_id === step;
  return (
    !change.made &&
    OF_STEPS.includes(kind) &&
    !all.some((each) => isSame(each) && each.after === after && each.undone === null)
  );
}

/** What it did, in names. */
export function sentenceOf(change: Change, names: Names): string {
  const say = texts();
  const { kind, rule, step_id: step, before, after, ends } = change;
  const called = (id: string) => names.item(id)?.title || names.concept(id);
  const told = (value: typeof before) => (value === null ? "" : called(String(value)));
  if (kind === "insert" && !rule) return say.putIn(called(step), told(before));
  return say.said[kind]({
    step: names.concept(step),
    before: told(before),
    after: told(after),
    ends,
  });
}

function reasonOf(change: Change): string {
  const say = texts();
  const given = change.reason ? say.given(change.reason) : "";
  const because = change.ends ? say.ended : (say.because[change.rule] ?? "");
  return [because, given].filter(Boolean).join(" ");
}

function facts(change: Change): string[] {
  const say = texts();
  const values = Object.entries(change.values).filter(([name]) => name !== "value");
  return [
    moment(change.at),
    change.author,
    say.limits[change.limit],
    ...values.map(([name, value]) => `${say.values[name] ?? name} ${figure(value)}`),
    change.event_ids.length ? say.events(change.event_ids.length) : "",
    change.undone ? say.undone(moment(change.undone)) : "",
    change.until && !change.undone ? say.holdsUntil(moment(change.until)) : "",
  ].filter(Boolean);
}

function figure(value: number): string {
  return number(value, Number.isInteger(value) ? 0 : 2);
}
