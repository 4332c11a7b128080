import { formatId, NeolithError, type Task } from '@neolith/contracts';
import type { EngineContext } from '../engineContext.js';
import { holdDependents } from '../store/holdDependents.js';
import { moveTask } from '../store/moveTask.js';
import { countUnmet } from '../store/prerequisites.js';
import { changeTask, refuseTransition } from './changeTask.js';

/**
 * Gives a failed or cancelled task another chance, with its budgets afresh: TODO, or BLOCKED while prerequisites are unmet.
 * Errors: TASK_NOT_FOUND, INVALID_TRANSITION.
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
    const unmet = await countUnmet(client, task.id);
    return moveTask(client, task, {
      to: unmet === 0 ? 'TODO' : 'BLOCKED',
      event: 'task.retried',
      actor: engine.actor,
      now,
      unmet,
      freshBudgets: true,
    });
  });
}

/**
 * Does a done task again: TODO, and what depends on it waits again. Refused once a dependent has started, for its work
 * stands on this one's.
 * Errors: TASK_NOT_FOUND, INVALID_TRANSITION, DEPENDENT_STARTED.
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
