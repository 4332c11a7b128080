import type { Settlement } from '@neolith/contracts';
import { formatId } from '@neolith/contracts';
import type { EngineContext } from '../engineContext.js';
import { notFound, uuidOf } from '../ids.js';
import { findAttempt } from '../store/findAttempt.js';
import { settle } from './completeTask.js';

/**
 * A daemon confirms that the processes of a cancelled attempt have ended: the task is CANCELLED, slot and locks free.
 * Errors: ATTEMPT_NOT_FOUND, LEASE_LOST, CANCEL_NOT_REQUESTED.
 */
export async function confirmCancelled(engine: EngineContext, attemptId: string): Promise<Settlement> {
  return end(engine, attemptId, 'cancelled');
}

/**
 * Gives a task back unfinished, at nobody's expense: it is claimable at once, no budget is touched.
 * Errors: ATTEMPT_NOT_FOUND, LEASE_LOST.
 */
export async function releaseAttempt(engine: EngineContext, attemptId: string): Promise<Settlement> {
  return end(engine, attemptId, 'released');
}

async function end(
  engine: EngineContext,
  attemptId: string,
  result: 'cancelled' | 'released',
): Promise<Settlement> {
  const uuid = uuidOf('attempt', attemptId);
  const attempt = await findAttempt(engine.pool, uuid, engine.workspaceId);
  if (attempt === null) throw notFound('attempt', attemptId);
  return settle(engine, formatId('task', attempt.task_id), {
    taskId: attempt.task_id,
    attemptId: uuid,
    result,
  });
}
