import { formatId, type ResourceBoard, type ResourceObstacle, type ResourceUse } from '@neolith/contracts';
import { findConflict } from './conflicts.js';
import type { HoldRow, WaitRow } from './resourceRows.js';
import { loadUses } from './storeUses.js';

interface Waiting {
  taskId: string;
  attemptId: string | null;
  uses: readonly ResourceUse[];
}

/**
 * What stands in the way of a task or attempt, each once: who holds what conflicts with it, then who waits and goes before it.
 * Pure. `waits` in the order of time.
 */
export function findObstacles(
  waiting: Waiting,
  holds: readonly HoldRow[],
  waits: readonly WaitRow[],
): ResourceObstacle[] {
  const found: ResourceObstacle[] = [];
  for (const hold of holds) {
    if (hold.task_id === waiting.taskId) continue;
    const conflict = findConflict(waiting.uses, loadUses([hold.use]));
    if (conflict !== null) found.push({ ...nameOf(hold), ...conflict.held, holds: true });
  }
  const own = waits.findIndex((wait) => wait.task_id === waiting.taskId);
  for (const [place, wait] of waits.entries()) {
    if (wait.task_id === waiting.taskId || wait.refused || !wait.binds) continue;
    // Attempts go before tasks that have not begun; among their like, who came first.
    const isFirst = own < 0 || place < own;
    const goesBefore =
      wait.attempt_id === null
        ? waiting.attemptId === null && isFirst
        : waiting.attemptId === null || isFirst;
    if (!goesBefore) continue;
    const conflict = findConflict(waiting.uses, loadUses(wait.uses));
    if (conflict !== null) found.push({ ...nameOf(wait), ...conflict.held, holds: false });
  }
  return found;
}

function nameOf(row: { task_id: string; title: string; attempt_id: string | null }) {
  return {
    taskId: formatId('task', row.task_id),
    title: row.title,
    attemptId: row.attempt_id === null ? null : formatId('attempt', row.attempt_id),
  };
}

/** Who holds what, and who waits for whom. Pure. */
export function boardResources(
  at: Date,
  holds: readonly HoldRow[],
  waits: readonly WaitRow[],
): Omit<ResourceBoard, 'deadlocks'> {
  return {
    at,
    holds: holds.map((hold) => ({
      ...(loadUses([hold.use])[0] as ResourceUse),
      ...nameOf(hold),
      attemptId: formatId('attempt', hold.attempt_id),
      since: hold.since,
    })),
    waits: waits
      .filter((wait) => !wait.refused)
      .map((wait) => ({
        ...nameOf(wait),
        resources: loadUses(wait.uses),
        since: wait.since,
        waitsFor: findObstacles(
          { taskId: wait.task_id, attemptId: wait.attempt_id, uses: loadUses(wait.uses) },
          holds,
          waits,
        ),
      })),
  };
}

/** What a task waits for, in a sentence; null: nothing stands in its way. Pure. */
export function describeObstacles(obstacles: readonly ResourceObstacle[]): string | null {
  if (obstacles.length === 0) return null;
  const named = obstacles
    .slice(0, 3)
    .map(({ resource, mode, taskId, title, holds }) =>
      holds
        ? `${resource} held ${mode === 'shared' ? 'shared ' : ''}by task ${taskId} "${title}"`
        : `${resource}, for which task ${taskId} "${title}" has waited longer`,
    );
  const rest = obstacles.length > 3 ? ` and ${obstacles.length - 3} more` : '';
  return `It waits for resource ${named.join('; resource ')}${rest}`;
}
