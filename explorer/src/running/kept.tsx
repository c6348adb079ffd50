/** A learner's own view of the plan that adjusts itself: keep one, work on it, switch it off. */

import { useState } from "preact/hooks";
import { useSending } from "../api/sending";
import { may } from "../learner/may";
import { Answered, ProblemCard } from "../ui/states";
import { type Whose, begin, setDate, switchOff, undo, useRunning } from "./asking";
import { freshOf, ofThisPlan } from "./before";
import { Changes } from "./changes";
import { useNames } from "./names";
import "./running.css";
import { texts } from "./texts";
import { Standing, Timeline } from "./timeline";

export function Kept(props: { learner: string; course: string; length: number | null }) {
  const say = texts();
  const whose: Whose = { learner: props.learner, course: props.course };
  const running = useRunning(whose);
  const names = useNames(props.course, running.data?.plan);
  const { sending, problem, send } = useSending();
  const [said, setSaid] = useState("");
  const mayWrite = may("events:write", "teach");

  function act(work: () => Promise<void>, then = ""): void {
    setSaid("");
    send(async () => {
      await work();
      setSaid(then);
      running.again();
    });
  }

  const isNone = running.problem?.type.endsWith(":no-running-plan") ?? false;
  return (
    <div class="running">
      <p class="hidden" role="status">
        {said}
      </p>
      {problem && <ProblemCard problem={problem} />}
      {isNone ? (
        <Keep
          sending={sending}
          mayWrite={mayWrite}
          onKeep={(weekly, date) => act(() => begin(whose, weekly, props.length, date))}
        />
      ) : (
        <Answered answer={running} place="learner">
          {({ plan, changes: all }) => {
            const changes = ofThisPlan(plan, all);
            const fresh = new Set(
              changes
                .filter((each) => each.kind === "insert" && each.made && !each.undone)
                .map(freshOf),
            );
            return (
              <>
                <div class="run-head">
                  <Standing plan={plan} live={running.live} />
                  {mayWrite && (
                    <div class="run-doing">
                      <DateForm
                        key={plan.date}
                        date={plan.date}
                        sending={sending}
                        onDate={(date) => act(() => setDate(whose, plan, date))}
                      />
                      <button
                        type="button"
                        class="quiet"
                        disabled={sending}
                        onClick={() => act(() => switchOff(whose, !plan.off))}
                      >
                        {plan.off ? say.switchOn : say.switchOff}
                      </button>
                    </div>
                  )}
                </div>
                <div class="run-columns">
                  <Timeline plan={plan} names={names} fresh={fresh} />
                  <Changes
                    changes={changes}
                    names={names}
                    sending={sending}
                    mayUndo={({ rule, reason }) => mayWrite && rule !== "" && reason === ""}
                    onUndo={({ n }) => act(() => undo(whose, n, ""), say.undoneNow)}
                  />
                </div>
              </>
            );
          }}
        </Answered>
      )}
    </div>
  );
}

/** The end of a day here, as a moment; null where there is none. */
function endOf(day: string): string | null {
  return day === "" ? null : new Date(`${day}T23:59:59`).toISOString();
}

/** The day of a moment here, as a field of a date has it. */
function dayOf(iso: string | null): string {
  if (iso === null) return "";
  const at = new Date(iso);
  const two = (value: number) => String(value).padStart(2, "0");
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
}

function DateField(props: { value: string; onValue: (value: string) => void }) {
  return (
    <label class="field">
      {texts().dateWanted}
      <input
        type="date"
        value={props.value}
        onInput={(event) => props.onValue(event.currentTarget.value)}
      />
    </label>
  );
}

function DateForm(props: {
  date: string | null;
  sending: boolean;
  onDate: (date: string | null) => void;
}) {
  const say = texts();
  const [date, setDate] = useState(dayOf(props.date));
  return (
    <form
      class="run-date"
      onSubmit={(event) => {
        event.preventDefault();
        props.onDate(endOf(date));
      }}
    >
      <DateField value={date} onValue={setDate} />
      <button class="quiet" disabled={props.sending || date === dayOf(props.date)}>
        {say.setDate}
      </button>
    </form>
  );
}

function Keep(props: {
  sending: boolean;
  mayWrite: boolean;
  onKeep: (weekly: number | null, date: string | null) => void;
}) {
  const say = texts();
  const [weekly, setWeekly] = useState("");
  const [date, setDate] = useState("");
  return (
    <section class="card run-keep">
      <h2>{say.keep}</h2>
      <p>{say.keepLead}</p>
      {props.mayWrite ? (
        <form
          onSubmit={(event) => {
            event.preventDefault();
            props.onKeep(weekly === "" ? null : Number(weekly), endOf(date));
          }}
        >
          <label class="field">
            {say.weekly}
            <input
              type="number"
              inputMode="numeric"
              min={1}
              max={10_080}
              step={1}
              value={weekly}
              onInput={(event) => setWeekly(event.currentTarget.value)}
            />
          </label>
          <DateField value={date} onValue={setDate} />
          <button disabled={props.sending}>{say.keep}</button>
        </form>
      ) : (
        <p class="note">{say.mayNot}</p>
      )}
    </section>
  );
}
