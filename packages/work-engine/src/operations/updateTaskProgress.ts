import { type Json, NeolithError, type ProgressUpdate, parseId, type Task } from '@neolith/contracts';
import { cutToBytes, storableJson, storableText } from '../domain/storable.js';
import { canTransitionToStatus } from '../domain/transitions.js';
import type { EngineContext } from '../engineContext.js';
import { notFound, uuidOf } from '../ids.js';
import { findAttemptsOfTask } from '../store/findAttempt.js';
import { findTask } from '../store/findTask.js';
import { type TaskRow, toTask } from '../store/rows.js';
import { completeTask } from './completeTask.js';

const METADATA_LIMIT_BYTES = 65_536;
/** A longer message is cut: how far a task is should not be lost over it. */
const MESSAGE_LIMIT_BYTES = 2_048;

/**
 * Reports how far a running attempt is: percent (0 to 100), a message, metadata merged key by key. With
 * `status: 'BLOCKED'` it also reports the task blocked, `message` being the reason; `IN_PROGRESS` says nothing new.
 *
 * `attemptId` may be left out only for an attempt without expiry.
 * Errors: TASK_NOT_FOUND, INVALID_PROGRESS, LEASE_LOST, ATTEMPT_REQUIRED, INVALID_TRANSITION, METADATA_TOO_LARGE.
 */
export async function updateTaskProgress(engine: EngineContext, update: ProgressUpdate): Promise<Task> {
  if (typeof update.progress !== 'number' || !(update.progress >= 0 && update.progress <= 100)) {
    throw new NeolithError('INVALID_PROGRESS', 'Progress must be between 0 and 100', {
      details: { progress: update.progress },
    });
  }
  const taskId = uuidOf('task', update.taskId);
  if (update.status !== undefined && update.status !== 'IN_PROGRESS' && update.status !== 'BLOCKED') {
    throw statusNotReportable(update.taskId, update.status);
  }
  const message = update.message === undefined ? undefined : storableText(update.message);
  const attemptId = update.attemptId === undefined ? null : parseId('attempt', update.attemptId);
  const written = await engine.lanes.progress(
    {
      workspaceId: engine.workspaceId,
      actor: engine.actor,
      metadataLimitBytes: METADATA_LIMIT_BYTES,
      now: engine.now(),
    },
    {
      taskId,
      // A text that is no attempt's id matches no lease.
      attemptId:
        update.attemptId === undefined ? null : (attemptId ?? '00000000-0000-0000-0000-000000000000'),
      progress: Math.floor(update.progress),
      message: message === undefined ? null : cutToBytes(message, MESSAGE_LIMIT_BYTES),
      metadata: checkMetadata(update),
    },
  );
  if (update.status === 'BLOCKED' && (written !== null || update.attemptId !== undefined)) {
    // A report that is repeated finds its attempt ended, and gets the same answer.
    await completeTask(engine, update.taskId, {
      status: 'blocked',
      error: message,
      attemptId: update.attemptId,
    });
    return toTask((await findTask(engine.pool, taskId, engine.workspaceId)) as TaskRow);
  }
  if (written === null) throw await refusal(engine, update, taskId);
  engine.events.poke();
  return toTask(written);
}

function checkMetadata(update: ProgressUpdate): Record<string, Json> | null {
  if (update.metadata === undefined) return null;
  const metadata = storableJson(update.metadata, 'metadata');
  if (typeof metadata === 'object' && metadata !== null && !Array.isArray(metadata)) return metadata;
  throw new NeolithError('INVALID_INPUT', 'metadata must be an object');
}

function statusNotReportable(taskId: string, status: string): NeolithError {
  return new NeolithError(
    'INVALID_TRANSITION',
    `A progress report can keep task ${taskId} IN_PROGRESS or report it BLOCKED, not make it ${status}; use completeTask or cancelTask`,
    { details: { taskId, status } },
  );
}

async function refusal(engine: EngineContext, update: ProgressUpdate, taskId: string): Promise<NeolithError> {
  const task = await findTask(engine.pool, taskId, engine.workspaceId);
  if (task === null) return notFound('task', update.taskId);
  const details = { taskId: update.taskId, status: task.status };
  const live = (await findAttemptsOfTask(engine.pool, taskId)).find(
    (attempt) => attempt.status === 'RUNNING',
  );
  const owns =
    update.attemptId === undefined
      ? live?.expires_at === null
      : live?.id === parseId('attempt', update.attemptId);
  if (live !== undefined && owns && update.metadata !== undefined) {
    return new NeolithError(
      'METADATA_TOO_LARGE',
      `The metadata of task ${update.taskId} would exceed 64 KB`,
      { details },
    );
  }
  if (update.attemptId !== undefined) {
    return new NeolithError(
      'LEASE_LOST',
      `Attempt ${update.attemptId.slice(0, 100)} no longer owns task ${update.taskId}, which is ${task.status}; end its work`,
      { details },
    );
  }
  if (task.status === 'IN_PROGRESS' || task.status === 'MERGING') {
    return new NeolithError(
      'ATTEMPT_REQUIRED',
      `Task ${update.taskId} is held under a lease that can run out; name its attemptId`,
      { details },
    );
  }
  const verdict = canTransitionToStatus(task, 'IN_PROGRESS');
  return new NeolithError(
    'INVALID_TRANSITION',
    `Task ${update.taskId} is ${task.status}, not IN_PROGRESS${verdict.allowed ? '; claim or execute it first' : ''}`,
    { details },
  );
}
