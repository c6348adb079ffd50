/** Where do I start? `#/place/zhang?course=C_1`: questions one at a time, then the plan. */

import "./place.css";
import { useEffect, useRef, useState } from "preact/hooks";
import { useAnswer } from "../api/answer";
import { answered, client, type Schemas } from "../api/client";
import { naming } from "../i18n";
import { type Choice, addressOf, choiceOf, goalOf, hasGoal } from "../learner/choice";
import { may } from "../learner/may";
import { GoalBox, useGoalName } from "../learner/picker";
import { go, href, route } from "../router";
import { language } from "../shell/preferences";
import { Page } from "../ui/page";
import { Answered } from "../ui/states";
import { texts } from "./texts";

type Placement = Schemas["PlacementOut"];
type Question = Schemas["PlacementQuestion"];
type Reply = Schemas["AnswerIn"];
type Begin = Schemas["BeginsOut"];

/** Full, half, none; null passes the question over. */
type Value = 1 | 0.5 | 0 | null;
const VALUES: readonly Value[] = [1, 0.5, 0, null];
const SAID = new Map<Value, Schemas["AnswerIn"]["said"]>([
  [1, "known"],
  [0.5, "unsure"],
  [0, "unknown"],
]);
const SHOWN = 5;

export function Place() {
  const say = texts();
  const choice = choiceOf(route.value);
  const goal = useGoalName(choice);
  if (!choice.learner)
    return (
      <Page title={say.title}>
        <p class="lead">{say.whose}</p>
        <p>
          <a class="button" href="#/learner">
            {say.choose}
          </a>
        </p>
      </Page>
    );
  return (
    <Page kind={say.kind} title={say.title}>
      <p class="lead">{say.lead}</p>
      {hasGoal(choice) ? (
        <Asking
          key={`${choice.learner} ${choice.course} ${choice.towards}`}
          choice={choice}
          goal={goal}
        />
      ) : (
        <div class="card pick-card">
          <GoalBox
            choice={choice}
            courses={undefined}
            onGoal={(to) => go("place", choice.learner, to)}
          />
        </div>
      )}
    </Page>
  );
}

function Asking({ choice, goal }: { choice: Choice; goal: string }) {
  const say = texts();
  const [replies, setReplies] = useState<Reply[]>([]);
  const [stopped, setStopped] = useState(false);
  const answer = useAnswer(
    (stop) =>
      answered(
        client.POST("/v1/learners/{learner_id}/placement", {
          params: { path: { learner_id: choice.learner } },
          body: { ...goalOf(choice), answers: replies, language: language.value },
          signal: stop,
        }),
      ),
    [choice.learner, choice.course, choice.towards, replies, language.value],
  );
  return (
    <div class="placing">
      <p>
        {say.wants(goal)}{" "}
        <a class="small" href={href("place", choice.learner)}>
          {say.other}
        </a>
      </p>
      <Answered answer={answer}>
        {(placed) =>
          placed.next && !stopped ? (
            <>
              <Asked
                question={placed.next}
                placed={placed}
                waiting={answer.waiting}
                onReply={(reply) => setReplies([...replies, reply])}
              />
              <p class="placing-foot">
                <button type="button" class="quiet" onClick={() => setStopped(true)}>
                  {say.enough}
                </button>
              </p>
              <Begins title={say.upToNow} placed={placed} />
            </>
          ) : (
            <section class="card" role="status">
              <h2>{say.over}</h2>
              {placed.because && <p>{placed.because}</p>}
              <Begins title={say.first} placed={placed} />
              <p>
                <a class="button" href={addressOf({ ...choice, part: "path" })}>
                  {say.plan}
                </a>
              </p>
            </section>
          )
        }
      </Answered>
    </div>
  );
}

/** One question; its heading takes the focus when it comes. */
function Asked(props: {
  question: Question;
  placed: Placement;
  waiting: boolean;
  onReply: (reply: Reply) => void;
}) {
  const say = texts();
  const { question, placed, waiting } = props;
  const { concept_id, item_id } = question;
  const named = concept_id ?? item_id ?? "";
  const { main, other, lang } = naming({ ...question, id: named });
  const heading = useRef<HTMLHeadingElement>(null);
  const allowed = may("events:write");

  function reply(value: Value): void {
    if (waiting || !allowed) return;
    if (concept_id !== null) props.onReply({ concept_id, said: SAID.get(value) ?? null });
    else props.onReply({ item_id, score: value });
  }

  const latest = useRef(reply);
  latest.current = reply;
  useEffect(() => {
    if (placed.asked > 0) heading.current?.focus({ preventScroll: true });
  }, [named]);
  useEffect(() => {
    function onKey(event: KeyboardEvent): void {
      const at = ["1", "2", "3", "4"].indexOf(event.key);
      const typing = event.target instanceof HTMLInputElement;
      if (at < 0 || typing || event.ctrlKey || event.metaKey || event.altKey) return;
      latest.current(VALUES[at] ?? null);
    }
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  }, []);

  const words =
    concept_id !== null
      ? [say.yes, say.unsure, say.no, say.pass]
      : [say.right, say.partly, say.wrong, say.pass];
  const place = say.at(placed.asked + 1, placed.most);
  return (
    <section class="card question" aria-labelledby="asked">
      <label class="soft small">
        {place}
        <progress max={placed.most} value={placed.asked} />
      </label>
      <h2 id="asked" ref={heading} tabIndex={-1}>
        <span lang={lang}>{concept_id !== null ? say.known(main) : say.canAnswer(main)}</span>
        {other && <small> {other}</small>}
      </h2>
      {question.url && (
        <p>
          <a class="button quiet" href={question.url} target="_blank" rel="noreferrer">
            {say.open}
          </a>
        </p>
      )}
      <div class="replies">
        {VALUES.map((value, at) => (
          <button
            key={at}
            type="button"
            class={value === null ? "quiet" : undefined}
            disabled={!allowed}
            aria-disabled={waiting}
            onClick={() => reply(value)}
          >
            {words[at]}
          </button>
        ))}
      </div>
      {!allowed && <p class="note">{say.notAllowed}</p>}
      <p class="soft small">
        {question.because} <span class="keys">{say.keys}</span>
      </p>
    </section>
  );
}

/** How the plan begins. */
function Begins({ title, placed }: { title: string; placed: Placement }) {
  const say = texts();
  const shown: Begin[] = placed.steps.slice(0, SHOWN);
  const rest = placed.steps.length - shown.length;
  return (
    <section>
      <h3>{title}</h3>
      {shown.length === 0 ? (
        <p>{say.none}</p>
      ) : (
        <ol class="begins">
          {shown.map((step) => {
            const { main, other, lang } = naming({ ...step, id: step.concept_id });
            return (
              <li key={step.concept_id}>
                <span lang={lang}>{main}</span>
                {other && <span class="soft"> {other}</span>}
                <small class="soft">{say.basis[step.basis]}</small>
              </li>
            );
          })}
        </ol>
      )}
      {rest > 0 && <p class="soft small">{say.more(rest)}</p>}
    </section>
  );
}
