import { formatId, NeolithError, type Task } from '@neolith/contracts';
import type { PoolClient } from 'pg';
import { runEventOf } from '../domain/runTransitions.js';
import type { EngineContext } from '../engineContext.js';
import { holdDependents, holdReleased } from '../store/holdDependents.js';
import { lockRunOf } from '../store/lockRun.js';
import { moveTask } from '../store/moveTask.js';
import { countUnmet } from '../store/prerequisites.js';
import type { TaskRow } from '../store/rows.js';
import { moveRun } from '../store/writeRun.js';
import { changeTask, refuseTransition } from './changeTask.js';
import { refuseEndingAttempts } from './runs/moveRun.js';

/**
 * Gives a failed or cancelled task another chance, with its budgets afresh: TODO, or BLOCKED while prerequisites are unmet.
 * In a FAILED run that makes the run go on. Dependents that were let go because it failed, and have not begun, wait again.
 * Errors: TASK_NOT_FOUND, INVALID_TRANSITION, RUN_ENDED.
 */
export async function retryTask(engine: EngineContext, taskId: string): Promise<Task> {
  return changeTask(engine, taskId, countUnmet, async (client, task, now) => {
    if (task.status !== 'FAILED' && task.status !== 'CANCELLED') {
      throw refuseTransition(
        task,
        taskId,
        `Task ${taskId} is ${task.status}; only FAILED and CANCELLED tasks can be retried${task.status === 'DONE' ? ' (reopen it instead)' : ''}`,
      );
    }
    await reviveRun(engine, client, task, now);
    const unmet = await countUnmet(client, task.id);
    const retried = await moveTask(client, task, {
      to: unmet === 0 ? 'TODO' : 'BLOCKED',
      event: 'task.retried',
      actor: engine.actor,
      now,
      unmet,
      freshBudgets: true,
    });
    await holdReleased(client, { prerequisiteId: task.id, actor: engine.actor, now });
    return retried;
  });
}

/**
 * Does a done task again: TODO, and what depends on it waits again. Refused once a dependent has started, for its work
 * stands on this one's.
 * Errors: TASK_NOT_FOUND, INVALID_TRANSITION, DEPENDENT_STARTED, RUN_ENDED.
 */
export async function reopenTask(engine: EngineContext, taskId: string): Promise<Task> {
  return changeTask(engine, taskId, countUnmet, async (client, task, now) => {
    if (task.status !== 'DONE') {
      throw refuseTransition(
        task,
        taskId,
        `Task ${taskId} is ${task.status}; only a DONE task can be reopened`,
      );
    }
    await reviveRun(engine, client, task, now);
    const unmet = await countUnmet(client, task.id);
    const reopened = await moveTask(client, task, {
      to: unmet === 0 ? 'TODO' : 'BLOCKED',
      event: 'task.reopened',
      actor: engine.actor,
      now,
      unmet,
      freshBudgets: true,
    });
    const started = await holdDependents(client, { prerequisiteId: task.id, actor: engine.actor, now });
    if (started !== null) {
      throw new NeolithError(
        'DEPENDENT_STARTED',
        `Task ${taskId} can't be reopened: its dependent ${formatId('task', started)} has started`,
        {
          details: { taskId, dependentId: formatId('task', started) },
        },
      );
    }
    return reopened;
  });
}

/** A task can only come back into a run that may still do it. Its run is locked. */
async function reviveRun(engine: EngineContext, client: PoolClient, task: TaskRow, now: Date): Promise<void> {
  const run = task.run_id === null ? null : await lockRunOf(client, task.id);
  if (run === null) return;
  if (run.status === 'SUCCEEDED' || run.status === 'CANCELLED') {
    throw new NeolithError(
      'RUN_ENDED',
      `Task ${formatId('task', task.id)} belongs to run ${formatId('run', run.id)}, which is ${run.status}; reset the run first`,
      { details: { runId: formatId('run', run.id), status: run.status } },
    );
  }
  if (run.status === 'FAILED') {
    await refuseEndingAttempts(client, run);
    await moveRun(client, run, {
      to: 'RUNNING',
      event: runEventOf('retry'),
      actor: engine.actor,
      now,
      fresh: true,
    });
  }
}
