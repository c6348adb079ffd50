/** What a plan was before its changes, told backwards from what it is. */

import type { Change, Plan } from "./asking";

export interface Before {
  /** Steps that it began with, by id. */
  steps: string[];
  /** The steps were put in another order, and what that was is not told. */
  reordered: boolean;
}

/** Changes of the plan that there is; those of one that it replaced are not. */
export function ofThisPlan(plan: Plan, changes: readonly Change[]): Change[] {
  const begun = Date.parse(plan.begun);
  return changes.filter((each) => Date.parse(each.at) >= begun);
}

/** The steps as they were when the plan began.
 *
 * @param changes of this plan, the newest first.
 */
export function beforeOf(plan: Plan, changes: readonly Change[]): Before {
  let steps = plan.steps.map((each) => each.step_id);
  let reordered = false;
  for (const each of changes) {
    if (!each.made || each.undone !== null) continue;
    if (each.kind === "insert") {
      const fresh = freshOf(each);
      steps = steps.filter((id) => id !== fresh);
    } else if (each.kind === "remove") {
      const at = steps.indexOf(String(each.before));
      steps = steps.toSpliced(at < 0 ? steps.length : at, 0, each.step_id);
    } else if (each.kind === "reorder") reordered = true;
  }
  return { steps, reordered };
}

/** The step that was put in: a rule names the one that needed it, a decision the step itself. */
export function freshOf(change: Change): string {
  return change.rule ? String(change.after) : change.step_id;
}
