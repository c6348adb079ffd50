/** Ask when something changes, keep the last answer on screen meanwhile. */

import { useEffect, useRef, useState } from "preact/hooks";
import { type Problem, ProblemError } from "./client";
import { token } from "./session";

export interface Answer<T> {
  /** The last answer; of what was asked before, while `waiting`. */
  data: T | undefined;
  problem: Problem | undefined;
  waiting: boolean;
  /** Asks again. */
  again: () => void;
}

/** The answer to a question, asked again when one of `on` or the token changes.
 *
 * @param ask gives the answer; null: there is nothing to ask yet. It is told to stop by the signal.
 * @param on what the question depends on.
 */
export function useAnswer<T>(
  ask: ((stop: AbortSignal) => Promise<T>) | null,
  on: readonly unknown[],
): Answer<T> {
  const [state, setState] = useState<Omit<Answer<T>, "again">>({
    data: undefined,
    problem: undefined,
    waiting: ask !== null,
  });
  const [round, setRound] = useState(0);
  const again = useRef(() => setRound((before) => before + 1)).current;
  useEffect(() => {
    if (!ask) {
      setState({ data: undefined, problem: undefined, waiting: false });
      return;
    }
    const control = new AbortController();
    setState((before) => ({ ...before, waiting: true }));
    ask(control.signal).then(
      (data) => {
        if (!control.signal.aborted) setState({ data, problem: undefined, waiting: false });
      },
      (error: unknown) => {
        if (control.signal.aborted) return;
        if (!(error instanceof ProblemError)) throw error;
        setState({ data: undefined, problem: error.problem, waiting: false });
      },
    );
    return () => control.abort();
  }, [...on, round, token.value]);
  return { ...state, again };
}
