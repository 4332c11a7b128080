import {
  type Completion,
  formatId,
  type MergedReport,
  type MergeTurn,
  NeolithError,
  type Settlement,
} from '@neolith/contracts';
import { storableJson, storableText } from '../../domain/storable.js';
import type { EngineContext } from '../../engineContext.js';
import { lookUntil } from '../../events/lookUntil.js';
import { notFound, uuidOf } from '../../ids.js';
import { findAttempt } from '../../store/findAttempt.js';
import { findTask } from '../../store/findTask.js';
import { findRun } from '../../store/readRun.js';
import { requestMergeTurn } from '../../store/requestMerge.js';
import { toEngineError } from '../../store/sql.js';
import { completeTask, settle } from '../completeTask.js';

/**
 * The code of a task is complete: IN_PROGRESS → MERGING. Its task slot is free then, its lease goes on, and it stands
 * in the merge queue of its run from this moment on. Repeated it answers the same.
 * Errors: as completeTask; INVALID_TRANSITION where the task is in no run with a merge stage.
 */
export async function completeTaskCode(
  engine: EngineContext,
  taskId: string,
  completion: Omit<Completion, 'status'> = {},
): Promise<Settlement> {
  const task = await findTask(engine.pool, uuidOf('task', taskId), engine.workspaceId).catch(rethrow);
  if (task === null) throw notFound('task', taskId);
  const run = task.run_id === null ? null : await findRun(engine.pool, task.run_id, null).catch(rethrow);
  if (run?.merge_stage !== true) {
    throw new NeolithError(
      'INVALID_TRANSITION',
      `Task ${taskId} is in no run with a merge stage; complete it with completeTask`,
      { details: { taskId, status: task.status } },
    );
  }
  return completeTask(engine, taskId, { ...completion, status: 'completed' });
}

/**
 * Asks for the merge slot of the attempt's run. Granted in the order in which the code was complete, at most
 * `maxConcurrentMerges` at once over all daemons; asking again gets the same answer. Waits up to `waitSeconds` (default
 * 0, at most 25) for the turn.
 * Errors: ATTEMPT_NOT_FOUND, LEASE_LOST, NOT_MERGING.
 */
export async function requestMerge(
  engine: EngineContext,
  attemptId: string,
  options: { waitSeconds?: number | undefined; signal?: AbortSignal | undefined } = {},
): Promise<MergeTurn> {
  const uuid = uuidOf('attempt', attemptId);
  return lookUntil(engine, {
    look: () => ask(engine, uuid, attemptId),
    isThere: (turn) => turn.granted || turn.cancelRequested,
    // Whatever leaves the queue, is asked to, or widens it.
    mayHelp: (event) =>
      event.from === 'MERGING' || event.type === 'task.cancel_requested' || event.type === 'run.updated',
    waitSeconds: options.waitSeconds ?? 0,
    signal: options.signal,
  });
}

async function ask(engine: EngineContext, uuid: string, attemptId: string): Promise<MergeTurn> {
  const row = await requestMergeTurn(engine.pool, {
    attemptId: uuid,
    workspaceId: engine.workspaceId,
    actor: engine.actor,
    now: engine.now(),
  }).catch(rethrow);
  if (row.code === 'ATTEMPT_NOT_FOUND') throw notFound('attempt', attemptId);
  if (row.code === 'LEASE_LOST') {
    throw new NeolithError('LEASE_LOST', `Attempt ${attemptId} no longer owns its task; end its work`, {
      details: { attemptId },
    });
  }
  const taskId = formatId('task', row.task_id as string);
  if (row.code === 'NOT_MERGING') {
    throw new NeolithError(
      'NOT_MERGING',
      `Task ${taskId} is not MERGING; complete its code first (completeTaskCode)`,
      { details: { taskId, attemptId } },
    );
  }
  if (row.granted_at !== null) engine.events.poke();
  return {
    taskId,
    attemptId: formatId('attempt', uuid),
    granted: row.granted_at !== null,
    grantedAt: row.granted_at,
    place: row.place ?? 0,
    cancelRequested: row.cancel_requested,
  };
}

/**
 * The merge is through: MERGING → DONE, and its dependents are freed in the same transaction. The slot must have been
 * granted. Without an output the one of the code stays.
 * Errors: TASK_NOT_FOUND, ATTEMPT_REQUIRED, LEASE_LOST, NOT_MERGING, MERGE_NOT_GRANTED.
 */
export async function completeMerge(
  engine: EngineContext,
  taskId: string,
  report: MergedReport & { attemptId?: string | undefined } = {},
): Promise<Settlement> {
  const safe = storableJson(
    { output: report.output ?? null, artifacts: report.artifacts ?? null },
    'The merge',
  ) as { output: MergedReport['output'] | null; artifacts: { type: string; content: string }[] | null };
  return settle(engine, taskId, {
    taskId: uuidOf('task', taskId),
    attemptId: report.attemptId === undefined ? null : uuidOf('attempt', report.attemptId),
    result: 'merged',
    ...(report.output === undefined ? {} : { output: safe.output ?? null }),
    ...(safe.artifacts === null ? {} : { artifacts: safe.artifacts }),
  });
}

/**
 * The merge met a conflict or came out red: the task is TODO again with the reason among its previous attempts, and
 * after the second time BLOCKED (reported), for a person to decide. It costs none of the task's attempts.
 * Errors: as completeMerge.
 */
export async function failMerge(
  engine: EngineContext,
  taskId: string,
  report: { error: string; attemptId?: string | undefined },
): Promise<Settlement> {
  return settle(engine, taskId, {
    taskId: uuidOf('task', taskId),
    attemptId: report.attemptId === undefined ? null : uuidOf('attempt', report.attemptId),
    result: 'merge_failed',
    error: storableText(report.error),
  });
}

/** The task of an attempt, for callers that name only the attempt. Errors: ATTEMPT_NOT_FOUND. */
export async function taskOfAttempt(engine: EngineContext, attemptId: string): Promise<string> {
  const attempt = await findAttempt(engine.pool, uuidOf('attempt', attemptId), engine.workspaceId).catch(
    rethrow,
  );
  if (attempt === null) throw notFound('attempt', attemptId);
  return formatId('task', attempt.task_id);
}

function rethrow(error: unknown): never {
  throw toEngineError(error);
}
