/** A teacher's view of one learner's plan: before and now, what changed, and decisions about it. */

import { useEffect, useRef, useState } from "preact/hooks";
import { useSending } from "../api/sending";
import type { Schemas } from "../api/client";
import { folded, naming } from "../i18n";
import { href } from "../router";
import { Combobox } from "../ui/combobox";
import { PanelHead } from "../ui/panel";
import { Page } from "../ui/page";
import { Answered, ProblemCard } from "../ui/states";
import { type Plan, type Running, type Whose, accept, decide, undo, useRunning } from "./asking";
import { beforeOf, ofThisPlan } from "./before";
import { Changes } from "./changes";
import { type Names, stepName, useNames } from "./names";
import "./running.css";
import { texts } from "./texts";
import { Badges, Standing, nextOf } from "./timeline";

type Override = Omit<Schemas["OverrideIn"], "reason" | "order"> & { order?: string[] };
const FOUND = 20;

/** What waits for a reason. */
interface Wanted {
  title: string;
  /** Whether it goes without a reason, too. */
  optional?: boolean;
  work: (reason: string) => Promise<Schemas["BrokenOut"][]>;
}

export function OneOfClass(whose: Whose) {
  const say = texts();
  const running = useRunning(whose);
  const names = useNames(whose.course, running.data?.plan);
  const { sending, problem, send } = useSending();
  const [wanted, setWanted] = useState<Wanted | null>(null);
  const [broken, setBroken] = useState<Schemas["BrokenOut"][] | null>(null);

  const told = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (broken) told.current?.focus(); // what was clicked may be gone with its step
  }, [broken]);

  function act(work: () => Promise<Schemas["BrokenOut"][]>): void {
    setWanted(null);
    setBroken(null);
    send(async () => {
      try {
        setBroken(await work());
      } finally {
        running.again(); // one that somebody else changed meanwhile is shown as it is
      }
    });
  }

  return (
    <Page
      kind={say.classKind}
      title={whose.learner}
      actions={
        <a class="button quiet" href={href("class", whose.course)}>
          {say.backToClass}
        </a>
      }
    >
      <div class="running">
        <div role="status" class="run-told" ref={told} tabIndex={-1}>
          {broken && (
            <div class={broken.length ? "note run-broken" : "note"}>
              <p>{say.decided}</p>
              {broken.map((each) => (
                <p key={`${each.step_id} ${each.needs}`}>
                  ⚠ {say.broken(names.concept(each.step_id), names.concept(each.needs))}
                </p>
              ))}
            </div>
          )}
        </div>
        {problem && <ProblemCard problem={problem} />}
        <Answered answer={running} place="learner">
          {(found) => (
            <>
              <Standing plan={found.plan} live={running.live} />
              <BeforeAndNow
                key={found.plan.version}
                found={found}
                names={names}
                sending={sending}
                onDecide={(title, body) =>
                  setWanted({
                    title,
                    work: (reason) => decide(whose, found.tag, { order: [], ...body, reason }),
                  })
                }
              />
              <Changes
                changes={ofThisPlan(found.plan, found.changes)}
                names={names}
                sending={sending}
                mayUndo={() => true}
                onUndo={({ n }, sentence) =>
                  setWanted({
                    title: say.undoOf(sentence),
                    optional: true,
                    work: (reason) => undo(whose, n, reason).then(() => []),
                  })
                }
                onAccept={({ n }, sentence) =>
                  setWanted({
                    title: say.acceptOf(sentence),
                    work: (reason) => accept(whose, n, reason).then(() => []),
                  })
                }
              />
            </>
          )}
        </Answered>
        {wanted && (
          <Why
            wanted={wanted}
            onDo={(reason) => act(() => wanted.work(reason))}
            onClose={() => setWanted(null)}
          />
        )}
      </div>
    </Page>
  );
}

/** Asks for the reason of a decision. */
function Why(props: { wanted: Wanted; onDo: (reason: string) => void; onClose: () => void }) {
  const say = texts();
  const dialog = useRef<HTMLDialogElement>(null);
  const [reason, setReason] = useState("");
  const box = useRef<HTMLInputElement>(null);
  useEffect(() => {
    dialog.current?.showModal();
    box.current?.focus(); // not the button that closes it, which stands first
  }, []);
  return (
    <dialog ref={dialog} class="panel" aria-labelledby="why-title" onClose={props.onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          props.onDo(reason.trim());
        }}
      >
        <PanelHead
          id="why-title"
          title={props.wanted.title}
          onClose={() => dialog.current?.close()}
        />
        <label class="field">
          {say.why}
          <input
            ref={box}
            type="text"
            autocomplete="off"
            maxLength={500}
            required={!props.wanted.optional}
            pattern={props.wanted.optional ? undefined : ".*\\S.*"}
            value={reason}
            onInput={(event) => setReason(event.currentTarget.value)}
          />
        </label>
        <p class="soft small">{say.editLead}</p>
        <div class="panel-foot">
          <button type="button" class="quiet" onClick={() => dialog.current?.close()}>
            {say.cancel}
          </button>
          <button type="submit">{props.wanted.title}</button>
        </div>
      </form>
    </dialog>
  );
}

interface Deciding {
  found: Running;
  names: Names;
  sending: boolean;
  onDecide: (title: string, body: Override) => void;
}

function BeforeAndNow(props: Deciding) {
  const say = texts();
  const { plan, changes } = props.found;
  const before = beforeOf(plan, ofThisPlan(plan, changes));
  const is = new Set(plan.steps.map((each) => each.step_id));
  const was = new Set(before.steps);
  const same = before.steps.join() === plan.steps.map((each) => each.step_id).join();
  return (
    <div class="run-columns">
      <section class="run-part" aria-labelledby="run-before">
        <h2 id="run-before">{say.before}</h2>
        {same && <p class="soft small">{say.sameSteps}</p>}
        {before.reordered && <p class="soft small">{say.orderLost}</p>}
        <ol class="run-before">
          {before.steps.map((id) => (
            <li key={id}>
              {is.has(id) ? props.names.concept(id) : <s>{props.names.concept(id)}</s>}
              {!is.has(id) && <span class="badge run-gone">{say.goneMark}</span>}
            </li>
          ))}
        </ol>
      </section>
      <Now {...props} was={was} />
    </div>
  );
}

/** The plan as it is, with what can be decided about each step. */
function Now(props: Deciding & { was: ReadonlySet<string> }) {
  const say = texts();
  const { found, sending, onDecide, was } = props;
  const { plan } = found;
  const kept = plan.steps.map((each) => each.step_id);
  const [order, setOrder] = useState(kept);
  const [told, setTold] = useState("");
  const moved = useRef("");
  useEffect(() => {
    // a button that moved with its step keeps the focus; at the end of the way its neighbour has it
    const buttons = moved.current
      ? document.querySelectorAll<HTMLButtonElement>(`[data-move="${CSS.escape(moved.current)}"]`)
      : [];
    const [wanted, other] = [...buttons].sort((a, b) => Number(a.disabled) - Number(b.disabled));
    if (document.activeElement === document.body || moved.current) (wanted ?? other)?.focus();
    moved.current = "";
  }, [order]);

  function move(id: string, by: number, up: boolean): void {
    const at = order.indexOf(id);
    const changed = order.toSpliced(at, 1).toSpliced(at + by, 0, id);
    moved.current = `${id} ${up ? "up" : "down"}`;
    setOrder(changed);
    setTold(say.moved(props.names.concept(id), at + by + 1, order.length));
  }

  const next = nextOf(plan);
  const steps = order.flatMap((id) => plan.steps.find((each) => each.step_id === id) ?? []);
  const isDraft = order.join() !== kept.join();
  return (
    <section class="run-part" aria-labelledby="run-now">
      <div class="run-head">
        <h2 id="run-now">{say.after}</h2>
        {!plan.frozen && (
          <button
            type="button"
            class="quiet"
            disabled={sending}
            onClick={() => onDecide(say.act.freeze(), { kind: "freeze" })}
          >
            {say.freeze}
          </button>
        )}
      </div>
      <p class="hidden" role="status">
        {told}
      </p>
      <ol class="plain run-edit">
        {steps.map((step, at) => {
          const id = step.step_id;
          const name = stepName(step);
          return (
            <li key={id} class={step.done ? "done" : undefined}>
              <div>
                <div class="stop-status">
                  <Badges step={step} next={id === next} fresh={!was.has(id)} />
                </div>
                <span class="run-name">{name}</span>
              </div>
              <div class="run-buttons">
                <button
                  type="button"
                  class="quiet icon-only"
                  data-move={`${id} up`}
                  aria-label={say.upOf(name)}
                  title={say.up}
                  disabled={at === 0}
                  onClick={() => move(id, -1, true)}
                >
                  ↑
                </button>
                <button
                  type="button"
                  class="quiet icon-only"
                  data-move={`${id} down`}
                  aria-label={say.downOf(name)}
                  title={say.down}
                  disabled={at === steps.length - 1}
                  onClick={() => move(id, 1, false)}
                >
                  ↓
                </button>
                {!step.pinned && (
                  <button
                    type="button"
                    class="quiet"
                    aria-label={say.act.pin(name)}
                    disabled={sending || isDraft}
                    onClick={() => onDecide(say.act.pin(name), { kind: "pin", step_id: id })}
                  >
                    {say.pin}
                  </button>
                )}
                <button
                  type="button"
                  class="quiet"
                  aria-label={say.act.remove(name)}
                  disabled={sending || isDraft}
                  onClick={() => onDecide(say.act.remove(name), { kind: "remove", step_id: id })}
                >
                  {say.remove}
                </button>
              </div>
            </li>
          );
        })}
      </ol>
      {isDraft ? (
        <div class="note run-draft">
          <span>{say.draft}</span>
          <div class="run-buttons">
            <button type="button" class="quiet" onClick={() => setOrder(kept)}>
              {say.dropOrder}
            </button>
            <button
              type="button"
              disabled={sending}
              onClick={() => onDecide(say.act.reorder(), { kind: "reorder", order })}
            >
              {say.keepOrder}
            </button>
          </div>
        </div>
      ) : (
        <PutIn {...props} plan={plan} next={next} />
      )}
    </section>
  );
}

/** A concept of the course to be put in, and where. */
function PutIn(props: Deciding & { plan: Plan; next: string }) {
  const say = texts();
  const { plan, names, onDecide } = props;
  const [concept, setConcept] = useState("");
  const [before, setBefore] = useState(props.next);
  const known = new Set(plan.steps.map((each) => each.step_id));
  const free = names.concepts.filter((each) => !known.has(each.id));
  const name = concept && names.concept(concept);

  function find(text: string) {
    const wanted = folded(text);
    const found = free.filter((each) =>
      [each.name, each.name_en, each.id].some((part) => folded(part).includes(wanted)),
    );
    const options = found.slice(0, FOUND).map((each) => {
      const { main, other, lang } = naming(each);
      return { key: each.id, main, other, lang };
    });
    return Promise.resolve(options);
  }

  if (free.length === 0) return null;
  return (
    <form
      class="run-put-in"
      onSubmit={(event) => {
        event.preventDefault();
        const body = { kind: "insert", step_id: concept, before: before || null } as const;
        if (concept) onDecide(say.act.insert(name), body);
      }}
    >
      <div class="field">
        {say.insert}
        <Combobox
          label={say.insert}
          placeholder={say.insertHint}
          how={say.insertHow}
          look="pick"
          {...(name ? { chosen: name } : {})}
          none={say.insertNone}
          on={free.length}
          find={find}
          onChoose={(option) => setConcept(option.key)}
        />
      </div>
      <label class="field">
        {say.insertBefore}
        <select value={before} onChange={(event) => setBefore(event.currentTarget.value)}>
          {plan.steps.map((each) => (
            <option key={each.step_id} value={each.step_id}>
              {stepName(each)}
            </option>
          ))}
          <option value="">{say.insertEnd}</option>
        </select>
      </label>
      <button class="quiet" disabled={!concept || props.sending}>
        {say.insert}
      </button>
    </form>
  );
}
