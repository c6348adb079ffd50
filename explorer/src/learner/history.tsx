/** The plans that the learner was given before, beside the one now. */

import { useAnswer } from "../api/answer";
import { answered, client } from "../api/client";
import { moment, naming } from "../i18n";
import { Answered, Empty } from "../ui/states";
import { type Choice, goalOf } from "./choice";
import type { Path } from "./road";
import { texts } from "./texts";

const ASKED = 50; // plans at most

export interface Kept {
  made: string;
  plan: Path;
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
      // a kept plan is the body of a path without its explanations
      return distinct(plans.map(({ made, plan }) => ({ made, plan: plan as unknown as Path })));
    },
    [choice.learner, choice.course, choice.towards],
  );
  return (
    <section class="plans">
      <h2>{say.historyTitle}</h2>
      <p class="soft">{say.historyLead}</p>
      <Answered answer={answer} place="learner">
        {(plans) =>
          plans.length === 0 ? (
            <Empty>{say.historyNone}</Empty>
          ) : (
            <ol class="plain plan-list">
              {plans.map((each, at) => (
                <OnePlan key={each.made} kept={each} now={plans[0] ?? each} isNow={at === 0} />
              ))}
            </ol>
          )
        }
      </Answered>
    </section>
  );
}

function OnePlan({ kept, now, isNow }: { kept: Kept; now: Kept; isNow: boolean }) {
  const say = texts();
  const ahead = new Set(now.plan.steps.map((each) => each.concept_id));
  const { steps } = kept.plan;
  const n = steps.filter((each) => ahead.has(each.concept_id)).length;
  return (
    <li class={isNow ? "plan now" : "plan"}>
      <p class="plan-when">
        {isNow && <span class="badge next">{say.nowPlan}</span>}
        <time dateTime={kept.made}>{moment(kept.made)}</time>
        {!isNow && <span class="soft">{say.keptOf(n, steps.length)}</span>}
      </p>
      <ol class="plain plan-steps">
        {steps.map((step) => {
          const stays = ahead.has(step.concept_id);
          return (
            <li key={step.concept_id} class={stays ? "chip stays" : "chip gone"}>
              {naming({ ...step, id: step.concept_id }).main}
              {!isNow && <span class="hidden">{stays ? say.stepKept : say.stepGone}</span>}
            </li>
          );
        })}
      </ol>
    </li>
  );
}

/** Plans without those whose steps are the ones of the plan after them: only their words differ. */
export function distinct(plans: readonly Kept[]): Kept[] {
  const steps = ({ plan }: Kept) => plan.steps.map((each) => each.concept_id).join("\n");
  return plans.filter((each, at) => {
    const before = plans[at + 1]; // the newest come first
    return !before || steps(before) !== steps(each);
  });
}
