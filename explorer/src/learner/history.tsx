/** The plans that the learner was given before, beside the one now. */

import { useAnswer } from "../api/answer";
import { answered, client } from "../api/client";
import { moment } from "../i18n";
import { Answered, Empty } from "../ui/states";
import { type Choice, goalOf, questionOf } from "./choice";
import { nameOf } from "./names";
import { type Path, type Step, readRoad } from "./road";
import { texts } from "./texts";

const ASKED = 50; // plans at most

interface Kept {
  /** Empty for the plan now. */
  made: string;
  steps: readonly Step[];
}

export function History({ choice }: { choice: Choice }) {
  const say = texts();
  const answer = useAnswer(
    async (stop) => {
      const params = {
        path: { learner_id: choice.learner },
        query: { ...goalOf(choice), limit: ASKED },
      };
      const { plans } = await answered(
        client.GET("/v1/learners/{learner_id}/plans", { params, signal: stop }),
      );
      const { path } = await readRoad(choice, stop);
      // a kept plan is the body of a path without its explanations
      const kept = plans.map(({ made, plan }) => ({
        made,
        steps: (plan as unknown as Path).steps,
      }));
      return distinct([{ made: "", steps: path.steps }, ...kept]);
    },
    [choice.learner, JSON.stringify(questionOf(choice))],
  );
  return (
    <section class="plans">
      <h2>{say.historyTitle}</h2>
      <p class="soft">{say.historyLead}</p>
      <Answered answer={answer} place="learner">
        {(plans) => (
          <>
            <ol class="plain plan-list">
              {plans.map((each, at) => (
                <OnePlan key={at} kept={each} now={plans[0] ?? each} isNow={at === 0} />
              ))}
            </ol>
            {plans.length < 2 && <Empty>{say.historyNone}</Empty>}
          </>
        )}
      </Answered>
    </section>
  );
}

function OnePlan({ kept, now, isNow }: { kept: Kept; now: Kept; isNow: boolean }) {
  const say = texts();
  const ahead = new Set(now.steps.map((each) => each.concept_id));
  const { steps } = kept;
  const same =
    steps.length === now.steps.length &&
    steps.every((step, at) => step.concept_id === now.steps[at]?.concept_id);
  const n = steps.filter((each) => ahead.has(each.concept_id)).length;
  return (
    <li class={isNow ? "plan now" : "plan"}>
      <p class="plan-when">
        {isNow && <span class="badge next">{say.nowPlan}</span>}
        {kept.made && <time dateTime={kept.made}>{moment(kept.made)}</time>}
        {!isNow && <span class="soft">{same ? say.sameSteps : say.keptOf(n, steps.length)}</span>}
      </p>
      <ol class="plain plan-steps">
        {steps.map((step) => {
          const stays = ahead.has(step.concept_id);
          return (
            <li key={step.concept_id} class={stays ? "chip stays" : "chip gone"}>
              {nameOf(step)}
              {!isNow && <span class="hidden">{stays ? say.stepKept : say.stepGone}</span>}
            </li>
          );
        })}
      </ol>
    </li>
  );
}

/** Plans, the newest first, without those that were followed by one of the same steps. */
function distinct(plans: readonly Kept[]): Kept[] {
  const steps = (plan: Kept | undefined) => plan?.steps.map((each) => each.concept_id).join("\n");
  return plans.filter((each, at) => at === 0 || steps(each) !== steps(plans[at - 1]));
}
