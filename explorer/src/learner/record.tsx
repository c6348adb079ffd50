/** What was said about steps, and the learner's data: to take away, and to erase. */

import { useRef, useState } from "preact/hooks";
import { useAnswer } from "../api/answer";
import { type Schemas, answered, client } from "../api/client";
import { useSending } from "../api/sending";
import { moment } from "../i18n";
import { Answered, Empty, ProblemCard } from "../ui/states";
import { tell } from "./act";
import { may, mayErase } from "./may";
import { nameOf } from "./names";
import { texts } from "./texts";

export function Record({ learner }: { learner: string }) {
  const say = texts();
  const [erased, setErased] = useState<Schemas["ErasureOut"] | null>(null);
  if (erased)
    return (
      <section class="card" role="status">
        <p>{say.erased(erased.events, erased.plans, erased.feedback)}</p>
        {erased.known_to_model && <p class="soft">{say.erasedModel}</p>}
      </section>
    );
  return (
    <>
      <Said learner={learner} />
      <Data learner={learner} onErased={setErased} />
    </>
  );
}

function Said({ learner }: { learner: string }) {
  const say = texts();
  const params = { path: { learner_id: learner } };
  const answer = useAnswer(
    (stop) => answered(client.GET("/v1/learners/{learner_id}/feedback", { params, signal: stop })),
    [learner],
  );
  const { problem, send } = useSending();

  function withdraw(concept: string, item: string | null): void {
    send(() => tell(learner, concept, "withdrawn", item).then(answer.again));
  }

  return (
    <section class="said">
      <h2>{say.saidTitle}</h2>
      {problem && <ProblemCard problem={problem} />}
      <Answered answer={answer} place="learner">
        {({ feedback }) =>
          feedback.length === 0 ? (
            <Empty>{say.saidNone}</Empty>
          ) : (
            <ul class="plain said-list">
              {feedback.map((each) => {
                const name = each.item_id === null ? nameOf(each) : each.title || each.item_id;
                return (
                  <li key={`${each.concept_id} ${each.item_id} ${each.said}`}>
                    <strong>{name}</strong>
                    <span>{say.said[each.said]}</span>
                    <time class="soft" dateTime={each.time}>
                      {moment(each.time)}
                    </time>
                    {may("events:write") && (
                      <button
                        type="button"
                        class="quiet"
                        aria-label={say.withdrawOf(name)}
                        onClick={() => withdraw(each.concept_id, each.item_id)}
                      >
                        {say.withdraw}
                      </button>
                    )}
                  </li>
                );
              })}
            </ul>
          )
        }
      </Answered>
    </section>
  );
}

function Data(props: { learner: string; onErased: (erasure: Schemas["ErasureOut"]) => void }) {
  const say = texts();
  const { learner } = props;
  const dialog = useRef<HTMLDialogElement>(null);
  const [typed, setTyped] = useState("");
  const { problem, send } = useSending();
  const params = { path: { learner_id: learner } };

  async function download(): Promise<void> {
    const all = await answered(client.GET("/v1/learners/{learner_id}/export", { params }));
    const address = URL.createObjectURL(
      new Blob([JSON.stringify(all, null, 1)], { type: "application/json" }),
    );
    const link = document.createElement("a");
    link.href = address;
    link.download = `${learner.replaceAll(/[^\w.-]+/g, "_")}.json`;
    link.click();
    URL.revokeObjectURL(address);
  }

  async function erase(): Promise<void> {
    dialog.current?.close();
    props.onErased(await answered(client.DELETE("/v1/learners/{learner_id}", { params })));
  }

  return (
    <section class="data">
      <h2>{say.dataTitle}</h2>
      {problem && <ProblemCard problem={problem} />}
      <div class="data-row">
        <p>{say.exportHow}</p>
        <button type="button" class="quiet" onClick={() => send(download)}>
          {say.export}
        </button>
      </div>
      {mayErase(learner) && (
        <div class="data-row">
          <p>{say.eraseHow}</p>
          <button type="button" class="danger" onClick={() => dialog.current?.showModal()}>
            {say.erase}
          </button>
        </div>
      )}
      <dialog ref={dialog} class="panel" aria-labelledby="erase-title" onClose={() => setTyped("")}>
        <form
          onSubmit={(event) => {
            event.preventDefault();
            if (typed === learner) send(erase);
          }}
        >
          <h2 id="erase-title">{say.eraseTitle(learner)}</h2>
          <p>{say.eraseHow}</p>
          <label class="field">
            {say.eraseConfirm(learner)}
            <input
              type="text"
              autocomplete="off"
              spellcheck={false}
              value={typed}
              onInput={(event) => setTyped(event.currentTarget.value)}
            />
          </label>
          <div class="panel-foot">
            <button type="button" class="quiet" onClick={() => dialog.current?.close()}>
              {say.cancel}
            </button>
            <button class="danger" disabled={typed !== learner}>
              {say.eraseDo}
            </button>
          </div>
        </form>
      </dialog>
    </section>
  );
}
