/** What the reader's token allows; without one the service says so itself. */

import { claimsOf, token } from "../api/session";

/** The learner whom the token is limited to; "" where it is not. */
export function ownLearner(): string {
  const { learner_id } = claimsOf(token.value);
  return typeof learner_id === "string" ? learner_id : "";
}

/** Whether the token holds one of these scopes, or there is no token. */
export function may(...scopes: string[]): boolean {
  if (!token.value) return true;
  const { scope } = claimsOf(token.value);
  const held = Array.isArray(scope) ? scope : (scope ?? "").split(" ");
  return scopes.some((each) => held.includes(each));
}

/** Whether the reader may have this learner erased. */
export function mayErase(learner: string): boolean {
  return may("admin") || (ownLearner() === learner && may("events:write"));
}
