/** A learner's own view of the plan that adjusts itself: keep one, work on it, switch it off. */

import { useState } from "preact/hooks";
import { useSending } from "../api/sending";
import { may } from "../learner/may";
import { Answered, ProblemCard } from "../ui/states";
import { type Whose, begin, switchOff, undo, useRunning } from "./asking";
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
          onKeep={(weekly) => act(() => begin(whose, weekly, props.length))}
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
                    <button
                      type="button"
                      class="quiet"
                      disabled={sending}
                      onClick={() => act(() => switchOff(whose, !plan.off))}
                    >
                      {plan.off ? say.switchOn : say.switchOff}
                    </button>
                  )}
                </div>
                <div class="run-columns">
                  <Timeline plan={plan} names={names} fresh={fresh} />
                  <Changes
                    changes={changes}
                    names={names}
                    sending={sending}
                    mayUndo={(change) => mayWrite && change.rule !== ""}
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

function Keep(props: {
  sending: boolean;
  mayWrite: boolean;
  onKeep: (weekly: number | null) => void;
}) {
  const say = texts();
  const [weekly, setWeekly] = useState("");
  return (
    <section class="card run-keep">
      <h2>{say.keep}</h2>
      <p>{say.keepLead}</p>
      {props.mayWrite ? (
        <form
          onSubmit={(event) => {
            event.preventDefault();
            props.onKeep(weekly === "" ? null : Number(weekly));
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
          <button disabled={props.sending}>{say.keep}</button>
        </form>
      ) : (
        <p class="note">{say.mayNot}</p>
      )}
    </section>
  );
}
