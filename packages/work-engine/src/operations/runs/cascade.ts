import {
  type EngineEvent,
  formatId,
  NeolithError,
  type RunStatus,
  type TaskStatus,
} from '@neolith/contracts';
import { RUN_TRANSITIONS } from '../../domain/runTransitions.js';
import { canTransitionToStatus } from '../../domain/transitions.js';
import type { EngineContext } from '../../engineContext.js';
import { notFound, uuidOf } from '../../ids.js';
import { repairTask } from '../../store/findDrift.js';
import { findTask } from '../../store/findTask.js';
import { toEngineError, transact } from '../../store/sql.js';
import { findNeighbours } from '../../store/taskNeighbours.js';

/**
 * Makes sure that whatever waited only for this DONE task is free. Completing does so in its own transaction; this
 * derives it again from the edges, and finds nothing to do unless somebody changed the tables by hand.
 * Errors: TASK_NOT_FOUND, INVALID_TRANSITION where the task is not DONE.
 */
export async function cascadeTaskCompletion(
  engine: EngineContext,
  taskId: string,
): Promise<{ unblocked: string[] }> {
  const uuid = uuidOf('task', taskId);
  try {
    const task = await findTask(engine.pool, uuid, engine.workspaceId);
    if (task === null) throw notFound('task', taskId);
    if (task.status !== 'DONE') {
      throw new NeolithError(
        'INVALID_TRANSITION',
        `Task ${taskId} is ${task.status}; only a DONE task frees others`,
        {
          details: { taskId, status: task.status },
        },
      );
    }
    const unblocked: string[] = [];
    for (const dependent of await findNeighbours(engine.pool, uuid, 'dependents')) {
      if (dependent.status !== 'BLOCKED') continue;
      const mended = await transact(engine.pool, (client) =>
        repairTask(client, { taskId: dependent.id, actor: engine.actor, now: engine.now() }),
      );
      if (mended?.to === 'TODO') unblocked.push(formatId('task', dependent.id));
    }
    if (unblocked.length > 0) engine.events.poke();
    return { unblocked };
  } catch (error) {
    throw toEngineError(error);
  }
}

export interface StateChange {
  /** What changes: a task or a run, by its id. */
  taskId?: string | undefined;
  runId?: string | undefined;
  from: TaskStatus | RunStatus;
  to: TaskStatus | RunStatus;
  actor: string;
  at: Date;
  attemptId?: string | undefined;
  reason?: string | undefined;
}

/** The change of state as the history tells it. */
export type StateChangeRecord = Pick<
  EngineEvent,
  'taskId' | 'runId' | 'attemptId' | 'actor' | 'from' | 'to' | 'data' | 'at'
>;

/**
 * The record of a change of state, checked against the state table. Pure: it stores nothing; the verbs write their own
 * records in the transaction of the change.
 * Errors: INVALID_INPUT where it is not about one task or one run, INVALID_TRANSITION where the table has no such change.
 */
export function createStateChangeRecord(change: StateChange): StateChangeRecord {
  const { taskId, runId } = change;
  if ((taskId === undefined) === (runId === undefined))
    throw new NeolithError(
      'INVALID_INPUT',
      'A change of state is about one task or about one run; name either',
    );
  const allowed =
    taskId === undefined
      ? (RUN_TRANSITIONS[change.from as RunStatus] as readonly string[] | undefined)?.includes(change.to) ===
        true
      : canTransitionToStatus({ id: taskId, status: change.from as TaskStatus }, change.to as TaskStatus)
          .allowed;
  if (!allowed) {
    throw new NeolithError(
      'INVALID_TRANSITION',
      `${taskId === undefined ? `Run ${runId}` : `Task ${taskId}`} can't go from ${change.from} to ${change.to}`,
      { details: { id: taskId ?? runId ?? null, from: change.from, to: change.to } },
    );
  }
  return {
    taskId: taskId ?? null,
    runId: runId ?? null,
    attemptId: change.attemptId ?? null,
    actor: change.actor,
    from: change.from,
    to: change.to,
    data: change.reason === undefined ? null : { reason: change.reason },
    at: change.at,
  };
}
