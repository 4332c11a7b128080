import type { NeolithClient } from '@neolith/contracts';
import type { JsonValue } from '../agents/agentAdapter.js';
import { type AttemptOutcome, describeRefusedResult } from './describeOutcome.js';
import { describeError, judgeCallError } from './judgeCallError.js';
import type { WorkerLog } from './log.js';
import type { MergeOutcome } from './mergeStage.js';

/** How an attempt ended, from the daemon's point of view. */
export type AttemptResult =
  | 'completed'
  | 'failed'
  | 'blocked'
  | 'cancelled'
  | 'released'
  /** The code was complete, and its merge met a conflict or came out red. */
  | 'merge_failed'
  /** The server gave the task to somebody else, or the outcome could not be told. */
  | 'dropped';

export interface SettlingDependencies {
  readonly client: Pick<
    NeolithClient,
    'completeTask' | 'confirmCancelled' | 'releaseAttempt' | 'completeMerge' | 'failMerge'
  >;
  readonly taskId: string;
  readonly attemptId: string;
  /** Who did it, as far as it was chosen. */
  readonly agent: () => string;
  /** Makes a call again while the server is away. */
  readonly repeat: <T>(what: string, call: () => Promise<T>) => Promise<T>;
  /** Aborted when the daemon can wait no longer for answers. */
  readonly signal: AbortSignal;
  readonly log: WorkerLog;
}

export interface Settling {
  /** Tells how the work ended. `merging`: it was taken, and the merge is what is left. Rejects with the server's refusal. */
  settle(outcome: AttemptOutcome): Promise<AttemptResult | 'merging'>;
  /** Tells how the merge ended. */
  settleMerge(outcome: MergeOutcome): Promise<AttemptResult>;
}

/** Tells the server how one attempt ended, as often as it takes. */
export function createSettling(deps: SettlingDependencies): Settling {
  const { client, taskId, attemptId, repeat, log } = deps;
  const ids = { taskId, attemptId };

  /** `merging`: the outcome was taken, and the merge is what is left. */
  async function settle(outcome: AttemptOutcome): Promise<AttemptResult | 'merging'> {
    switch (outcome.kind) {
      case 'drop':
        return 'dropped';
      case 'cancelled':
        await repeat('The end of a cancelled attempt', () =>
          client.confirmCancelled({ params: { id: attemptId } }),
        );
        return 'cancelled';
      case 'release':
        await repeat('The release of an attempt', () =>
          client.releaseAttempt({ params: { id: attemptId }, body: outcome.held ?? {} }),
        );
        return 'released';
      case 'complete':
        return complete(outcome);
    }
  }

  async function complete({
    body,
  }: Extract<AttemptOutcome, { kind: 'complete' }>): Promise<AttemptResult | 'merging'> {
    try {
      const { status } = await repeat('A result', () =>
        client.completeTask({ params: { id: taskId }, body }),
      );
      return status === 'MERGING' ? 'merging' : body.status;
    } catch (error) {
      if (deps.signal.aborted || judgeCallError(error) !== 'refused') throw error;
      const { error: refusal } = describeError(error);
      log.error('The server refused a result; the attempt is reported as failed', {
        ...ids,
        ...describeError(error),
      });
      const substitute = describeRefusedResult(refusal, { attemptId, agent: deps.agent() });
      await repeat('A result', () => client.completeTask({ params: { id: taskId }, body: substitute }));
      return 'failed';
    }
  }

  async function settleMerge(outcome: MergeOutcome): Promise<AttemptResult> {
    if (outcome.kind === 'merged') {
      await reportMerged(outcome.output);
      return 'completed';
    }
    if (outcome.kind === 'merge_failed') {
      const { error } = outcome;
      await repeat('A failed merge', () =>
        client.failMerge({ params: { id: attemptId }, body: { error: error.toWellFormed() } }),
      );
      return 'merge_failed';
    }
    // What is given up is settled like an agent that was ended; only a completion leads to a merge.
    return (await settle(outcome)) as AttemptResult;
  }

  async function reportMerged(output: JsonValue | undefined): Promise<void> {
    const report = (body: { output?: JsonValue }) =>
      repeat('A merge', () => client.completeMerge({ params: { id: attemptId }, body }));
    try {
      await report(output === undefined ? {} : { output });
    } catch (error) {
      if (deps.signal.aborted || output === undefined || judgeCallError(error) !== 'refused') throw error;
      // It is merged, whatever is wrong with what the merge had to say.
      log.error('The server refused the output of a merge; it is left out', {
        ...ids,
        ...describeError(error),
      });
      await report({});
    }
  }

  return { settle, settleMerge };
}
