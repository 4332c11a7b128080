import type { NeolithClient, Route } from '@neolith/contracts';
import { callUntilAnswered } from './callUntilAnswered.js';
import { describeError } from './judgeCallError.js';
import type { WorkerLog } from './log.js';
import { withOwnSignal } from './withOwnSignal.js';

export interface RouteTelling {
  readonly client: Pick<NeolithClient, 'recordRoute'>;
  readonly log: WorkerLog;
  /** Aborted when it needn't be told any more: the attempt has told it at its end. */
  readonly signal: AbortSignal;
}

/**
 * Tells the server which agent an attempt was given to, while the agent works already. Never rejects: work isn't lost over
 * it, and the same stands in the metrics that the attempt ends with. A server from before it knew of routes refuses.
 */
export async function tellRoute(
  { client, log, signal }: RouteTelling,
  ids: { readonly taskId: string; readonly attemptId: string },
  route: Route,
): Promise<void> {
  try {
    await callUntilAnswered(
      () =>
        withOwnSignal(signal, (own) =>
          client.recordRoute({ params: { id: ids.attemptId }, body: route, signal: own }),
        ),
      { signal },
    );
  } catch (error) {
    if (signal.aborted) return;
    log.debug('Why the agent was chosen could not be stored', { ...ids, ...describeError(error) });
  }
}
