import type { NeolithClient } from '@neolith/contracts';
import { describeError, judgeCallError } from './judgeCallError.js';
import type { WorkerLog } from './log.js';

export interface ReleaseUnknownDependencies {
  readonly client: Pick<NeolithClient, 'listOrchestratorAttempts' | 'releaseAttempt'>;
  readonly daemonId: string | null;
  /** Whether it is known here. */
  readonly has: (attemptId: string) => boolean;
  readonly log: WorkerLog;
}

/**
 * A claim call that was broken off may have been granted in that very moment: its attempts are nobody's, and would hold
 * their tasks until the lease ends. Gives them back. Never rejects.
 * @param orchestratorIds those whose answer was not waited for.
 */
export async function releaseUnknown(
  { client, daemonId, has, log }: ReleaseUnknownDependencies,
  orchestratorIds: readonly string[],
): Promise<void> {
  for (const id of orchestratorIds) {
    try {
      const { attempts: known } = await client.listOrchestratorAttempts({
        params: { id },
        query: { limit: 100 },
        timeoutMs: 3_000,
      });
      for (const one of known) {
        if (one.status !== 'RUNNING' || one.daemonId !== daemonId || has(one.id)) continue;
        await client.releaseAttempt({ params: { id: one.id }, timeoutMs: 3_000 });
        log.info('Gave back a task that was claimed in the last moment', {
          taskId: one.taskId,
          attemptId: one.id,
        });
      }
    } catch (error) {
      if (judgeCallError(error) === 'lost') continue;
      log.warn('Could not look for tasks claimed in the last moment', describeError(error));
      return;
    }
  }
}
