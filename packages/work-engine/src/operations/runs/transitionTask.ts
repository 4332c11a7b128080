import { formatId, type Json, NeolithError, type Task, type TaskStatus } from '@neolith/contracts';
import { canTransitionToStatus } from '../../domain/transitions.js';
import type { EngineContext } from '../../engineContext.js';
import { uuidOf } from '../../ids.js';
import { findTaskLease } from '../../store/findTaskLease.js';
import { toTask } from '../../store/rows.js';
import { toEngineError } from '../../store/sql.js';
import { blockTask, unblockTask } from '../blockTask.js';
import { cancelTask } from '../cancelTask.js';
import { completeTask } from '../completeTask.js';
import { releaseAttempt } from '../endAttempt.js';
import { readTaskRow } from '../readTasks.js';
import { reopenTask, retryTask } from '../retryTask.js';
import { assignTask, failTask } from './assignTask.js';
import { completeMerge, completeTaskCode, failMerge } from './merge.js';

export interface TransitionOptions {
  attemptId?: string | undefined;
  orchestratorId?: string | undefined;
  /** Why it fails, is blocked or cancelled. */
  reason?: string | undefined;
  output?: Json | undefined;
  /** With unblocking: the answer to the question. */
  answer?: string | undefined;
}

/**
 * Moves a task to a status by the verb that the state table names for it, with all that belongs to it: limits, fences,
 * cascades, events. Answers with the task as it is then; a failure may leave it TODO, for it is tried again.
 * Errors: INVALID_TRANSITION with what is possible, and those of the verb.
 */
export async function transitionTask(
  engine: EngineContext,
  taskId: string,
  to: TaskStatus,
  options: TransitionOptions = {},
): Promise<Task> {
  const task = await readTaskRow(engine, taskId);
  const verdict = canTransitionToStatus({ id: taskId, status: task.status }, to);
  if (!verdict.allowed) {
    throw new NeolithError('INVALID_TRANSITION', verdict.reason ?? '', {
      details: { taskId, status: task.status, to },
    });
  }
  await moveBy(engine, taskId, task.status, to, options);
  return toTask(await readTaskRow(engine, taskId));
}

async function moveBy(
  engine: EngineContext,
  taskId: string,
  from: TaskStatus,
  to: TaskStatus,
  options: TransitionOptions,
): Promise<unknown> {
  const { attemptId, reason, output, answer } = options;
  const live = from === 'IN_PROGRESS' || from === 'MERGING';
  switch (to) {
    case 'CANCELLED':
      return cancelTask(engine, taskId, { reason });
    case 'IN_PROGRESS':
      return assignTask(engine, taskId, { orchestratorId: options.orchestratorId });
    case 'MERGING':
      return completeTaskCode(engine, taskId, { attemptId, output });
    case 'DONE':
      return from === 'MERGING'
        ? completeMerge(engine, taskId, { attemptId, output })
        : completeTask(engine, taskId, { status: 'completed', attemptId, output });
    case 'FAILED':
      return failTask(engine, taskId, { error: reason ?? 'Failed', attemptId });
    case 'BLOCKED':
      if (from === 'DONE') return reopenTask(engine, taskId);
      if (from === 'FAILED' || from === 'CANCELLED') return retryTask(engine, taskId);
      return live
        ? completeTask(engine, taskId, { status: 'blocked', error: reason, attemptId })
        : blockTask(engine, taskId, { reason: reason ?? 'Blocked' });
    case 'TODO':
      if (from === 'DONE') return reopenTask(engine, taskId);
      if (from === 'FAILED' || from === 'CANCELLED') return retryTask(engine, taskId);
      if (from === 'MERGING')
        return failMerge(engine, taskId, { error: reason ?? 'Merge failed', attemptId });
      if (from === 'BLOCKED') return unblockTask(engine, taskId, { answer });
      return releaseAttempt(engine, attemptId ?? (await attemptOf(engine, taskId)));
  }
}

async function attemptOf(engine: EngineContext, taskId: string): Promise<string> {
  const lease = await findTaskLease(engine.pool, uuidOf('task', taskId)).catch((error: unknown) => {
    throw toEngineError(error);
  });
  if (lease === null || lease.expires_at !== null) {
    throw new NeolithError(
      'ATTEMPT_REQUIRED',
      `Task ${taskId} is held under a lease that can run out; name its attemptId`,
      { details: { taskId } },
    );
  }
  return formatId('attempt', lease.attempt_id);
}
