import type { PoolClient } from 'pg';
import { lockTask } from './lockTask.js';
import { moveTask } from './moveTask.js';
import { addUnmet } from './prerequisites.js';
import { run } from './sql.js';

const DEPENDENTS = {
  name: 'dependent_ids',
  text: `SELECT dependent_id AS id FROM task_dependencies WHERE prerequisite_id = $1 AND NOT released ORDER BY dependent_id`,
};

/**
 * The dependents of a task that is no longer DONE wait for it again. Returns the first that has started instead, and
 * then the caller rolls back. Failed and cancelled dependents count their prerequisites anew when they are retried.
 */
export async function holdDependents(
  client: PoolClient,
  input: { prerequisiteId: string; actor: string; now: Date },
): Promise<string | null> {
  for (const { id } of await run<{ id: string }>(client, DEPENDENTS, [input.prerequisiteId])) {
    const dependent = await lockTask(client, id, null, id);
    if (dependent.status === 'IN_PROGRESS' || dependent.status === 'MERGING' || dependent.status === 'DONE')
      return id;
    if (dependent.status !== 'TODO' && dependent.status !== 'BLOCKED') continue;
    if (dependent.attempt_count > 0) return id;
    if (dependent.status === 'BLOCKED') await addUnmet(client, id, 1);
    else {
      await moveTask(client, dependent, {
        to: 'BLOCKED',
        event: 'task.blocked',
        actor: input.actor,
        now: input.now,
        unmet: 1,
        data: { reason: 'DEPENDENCIES' },
      });
    }
  }
  return null;
}

const HOLD_RELEASED = {
  name: 'hold_released',
  text: `SELECT hold_released(ARRAY(SELECT dependent_id FROM task_dependencies WHERE prerequisite_id = $1 AND released), ARRAY[$1::uuid], $2, $3)`,
};

/**
 * Dependents that were let go when their prerequisite failed wait for it again, now that it is tried again; but for
 * those that have begun meanwhile.
 */
export async function holdReleased(
  client: PoolClient,
  input: { prerequisiteId: string; actor: string; now: Date },
): Promise<void> {
  await run(client, HOLD_RELEASED, [input.prerequisiteId, input.actor, input.now]);
}
