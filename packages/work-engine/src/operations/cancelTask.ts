import { isNeolithError, NeolithError, type PrerequisitePolicy, type Task } from '@neolith/contracts';
import { storableText } from '../domain/storable.js';
import type { EngineContext } from '../engineContext.js';
import { findTask } from '../store/findTask.js';
import { failDependents, reviewRuns } from '../store/lockRun.js';
import { moveTask, tellTask } from '../store/moveTask.js';
import { findLease, noteCancelAsked, requestCancel } from '../store/requestCancel.js';
import type { TaskRow } from '../store/rows.js';
import { toTask } from '../store/rows.js';
import { changeTask, requireTransition } from './changeTask.js';
import { settle } from './completeTask.js';

/**
 * Cancels a task. One that is not running is CANCELLED at once. A running one stays IN_PROGRESS with the request on
 * its attempt until its daemon confirms that the processes have ended, or the lease ends; an attempt without expiry
 * has nobody to confirm, so it ends here and now. Cancelling a cancelled task changes nothing. A retry of its run leaves it.
 * Errors: TASK_NOT_FOUND, INVALID_TRANSITION (DONE and FAILED), MERGE_STARTED once its merge slot is granted.
 */
export async function cancelTask(
  engine: EngineContext,
  taskId: string,
  options: {
    reason?: string | undefined;
    /** What becomes of its dependents; default: the policy of the run each is in. */
    onPrerequisiteFailure?: PrerequisitePolicy | undefined;
  } = {},
): Promise<Task> {
  const reason = options.reason === undefined ? undefined : storableText(options.reason);
  let ownedInProcess: { task: TaskRow; attemptId: string } | null = null;
  const task = await changeTask(engine, taskId, null, async (client, row, now) => {
    ownedInProcess = null;
    if (row.status === 'CANCELLED') return row;
    requireTransition(row, taskId, 'CANCELLED');
    const data = reason === undefined ? {} : { reason };
    if (row.status !== 'IN_PROGRESS' && row.status !== 'MERGING') {
      const cancelled = await moveTask(client, row, {
        to: 'CANCELLED',
        event: 'task.cancelled',
        actor: engine.actor,
        now,
        data,
        cancelAsked: true,
      });
      const runIds = await failDependents(client, {
        endedIds: [row.id],
        policy: options.onPrerequisiteFailure,
        actor: engine.actor,
        now,
      });
      await reviewRuns(client, { runIds, actor: engine.actor, now });
      return cancelled;
    }
    const lease = await findLease(client, row.id);
    if (lease.merge_granted) {
      throw new NeolithError('MERGE_STARTED', `Task ${taskId} is being merged; wait for the merge to end`, {
        details: { taskId },
      });
    }
    if (lease.expires_at === null) ownedInProcess = { task: row, attemptId: lease.attempt_id };
    await noteCancelAsked(client, row.id);
    if (lease.cancel_requested_at !== null) return row;
    await requestCancel(client, {
      taskId: row.id,
      reason: reason ?? null,
      policy: options.onPrerequisiteFailure ?? null,
      now,
    });
    await tellTask(client, row.id, {
      event: 'task.cancel_requested',
      actor: engine.actor,
      now,
      data,
      attempt: { id: lease.attempt_id, daemonId: lease.daemon_id },
    });
    return row;
  });
  const owned = ownedInProcess as { task: TaskRow; attemptId: string } | null;
  if (owned === null) return task;
  try {
    await settle(engine, taskId, {
      taskId: owned.task.id,
      attemptId: owned.attemptId,
      result: 'cancelled',
      onPrerequisiteFailure: options.onPrerequisiteFailure,
    });
  } catch (error) {
    // Its own process ended it first; what became of it decides.
    if (!isNeolithError(error) || error.code !== 'LEASE_LOST') throw error;
    return cancelTask(engine, taskId, options);
  }
  return toTask((await findTask(engine.pool, owned.task.id, engine.workspaceId)) as TaskRow);
}
