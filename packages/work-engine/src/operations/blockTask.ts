import { NeolithError, type Task } from '@neolith/contracts';
import { storableText } from '../domain/storable.js';
import type { EngineContext } from '../engineContext.js';
import { moveTask } from '../store/moveTask.js';
import { readUnmet } from '../store/prerequisites.js';
import { waitsFor } from '../store/waitsFor.js';
import { changeTask, refuseTransition } from './changeTask.js';

/**
 * Reports an obstacle on a task that is not running, perhaps with a question. On one that is reported already the new
 * reason takes the place of the old. A running task is reported blocked by its own attempt (completeTask).
 * Errors: TASK_NOT_FOUND, INVALID_TRANSITION, INVALID_INPUT.
 */
export async function blockTask(
  engine: EngineContext,
  taskId: string,
  report: { reason: string; question?: string | undefined },
): Promise<Task> {
  const reason = storableText(report.reason);
  const question = report.question === undefined ? null : storableText(report.question);
  if (reason.trim() === '')
    throw new NeolithError('INVALID_INPUT', 'An obstacle needs a reason that a person can read');
  return changeTask(engine, taskId, null, async (client, task, now) => {
    if (task.status === 'IN_PROGRESS' || task.status === 'MERGING') {
      throw refuseTransition(
        task,
        taskId,
        `Task ${taskId} is ${task.status}; its attempt reports it blocked with completeTask, or cancel it first`,
      );
    }
    if (task.status !== 'BLOCKED' && task.status !== 'TODO') {
      throw refuseTransition(
        task,
        taskId,
        `Task ${taskId} is ${task.status}; retry or reopen it before reporting an obstacle`,
      );
    }
    return moveTask(client, task, {
      to: 'BLOCKED',
      event: 'task.blocked',
      actor: engine.actor,
      now,
      reason,
      question,
      data: { reason, ...(question === null ? {} : { question }) },
    });
  });
}

/**
 * Lifts a reported obstacle, perhaps with the answer to its question; the answer becomes part of the context. The task
 * is TODO then, or stays BLOCKED while prerequisites are unmet.
 * Errors: TASK_NOT_FOUND, INVALID_TRANSITION where nothing was reported; the message says what it waits for.
 */
export async function unblockTask(
  engine: EngineContext,
  taskId: string,
  options: { answer?: string | undefined } = {},
): Promise<Task> {
  const answer = options.answer === undefined ? null : storableText(options.answer);
  return changeTask(engine, taskId, null, async (client, task, now) => {
    if (task.status !== 'BLOCKED' || task.blocked_reason === null) {
      const waiting = task.status === 'BLOCKED' ? await waitsFor(client, task.id) : [];
      const why =
        waiting.length === 0
          ? `is ${task.status}`
          : `waits for ${waiting.length} prerequisite(s), not for an answer`;
      throw refuseTransition(task, taskId, `Nobody reported an obstacle on task ${taskId}; it ${why}`);
    }
    return moveTask(client, task, {
      to: (await readUnmet(client, task.id)) === 0 ? 'TODO' : 'BLOCKED',
      event: 'task.unblocked',
      actor: engine.actor,
      now,
      answer,
      data: { reason: 'REPORTED', ...(answer === null ? {} : { answer }) },
    });
  });
}
