import { NeolithError, type Task, type TaskStatus } from '@neolith/contracts';
import type { PoolClient } from 'pg';
import { canTransitionToStatus } from '../domain/transitions.js';
import type { EngineContext } from '../engineContext.js';
import { uuidOf } from '../ids.js';
import { lockRunOf, reviewRuns } from '../store/lockRun.js';
import { lockTask, readNow } from '../store/lockTask.js';
import { type TaskRow, toTask } from '../store/rows.js';
import { transact } from '../store/sql.js';

/**
 * Locks a task, lets `change` move it, and tells the followers: the frame of every verb that people use on a task.
 * `before` locks what has to be locked ahead of the task.
 */
export async function changeTask(
  engine: EngineContext,
  taskId: string,
  before: ((client: PoolClient, uuid: string) => Promise<unknown>) | null,
  change: (client: PoolClient, task: TaskRow, now: Date) => Promise<TaskRow>,
): Promise<Task> {
  const uuid = uuidOf('task', taskId);
  const changed = await transact(engine.pool, async (client) => {
    // The run before everything of its tasks: see the order of locks.
    await lockRunOf(client, uuid);
    await before?.(client, uuid);
    const task = await lockTask(client, uuid, engine.workspaceId, taskId);
    const now = await readNow(client, engine.now());
    const row = await change(client, task, now);
    if (row.run_id !== null) await reviewRuns(client, { runIds: [row.run_id], actor: engine.actor, now });
    return row;
  });
  engine.events.poke();
  return toTask(changed);
}

/** Throws INVALID_TRANSITION with what is possible instead. */
export function requireTransition(
  task: { id: string; status: TaskStatus },
  taskId: string,
  to: TaskStatus,
  remedy?: string,
): void {
  const verdict = canTransitionToStatus({ id: taskId, status: task.status }, to);
  if (!verdict.allowed) throw refuseTransition(task, taskId, remedy ?? verdict.reason ?? '');
}

export function refuseTransition(
  task: { status: TaskStatus },
  taskId: string,
  message: string,
): NeolithError {
  return new NeolithError('INVALID_TRANSITION', message, { details: { taskId, status: task.status } });
}
