/** Send something, and keep why the service refused it. */

import { useState } from "preact/hooks";
import { type Problem, ProblemError } from "./client";

export interface Sending {
  /** Something is on its way. */
  sending: boolean;
  /** Why the last one was refused. */
  problem: Problem | null;
  /** Does the work, which asks the service. */
  send: (work: () => Promise<void>) => void;
}

export function useSending(): Sending {
  const [sending, setSending] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);

  async function attempt(work: () => Promise<void>): Promise<void> {
    setSending(true);
    setProblem(null);
    try {
      await work();
    } catch (error) {
      if (!(error instanceof ProblemError)) throw error;
      setProblem(error.problem);
    } finally {
      setSending(false);
    }
  }

  return { sending, problem, send: (work) => void attempt(work) };
}
