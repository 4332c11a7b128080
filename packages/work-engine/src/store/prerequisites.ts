import type { TaskStatus } from '@neolith/contracts';
import type { PoolClient } from 'pg';
import { run } from './sql.js';

const LOCK = {
  name: 'lock_prerequisites',
  text: 'SELECT id, workspace_id, status, run_id, wave FROM tasks WHERE id = ANY ($1) ORDER BY id FOR SHARE',
};

export interface PrerequisiteRow {
  id: string;
  workspace_id: string;
  status: TaskStatus;
  run_id: string | null;
  wave: number | null;
}

/**
 * Holds prerequisites still while edges to them are counted: a completion that comes meanwhile either was before, and
 * its DONE is seen here, or waits, and then sees the edge.
 */
export async function lockPrerequisites(
  client: PoolClient,
  ids: readonly string[],
): Promise<PrerequisiteRow[]> {
  return ids.length === 0 ? [] : run(client, LOCK, [ids]);
}

const OF = {
  name: 'prerequisite_ids',
  text: 'SELECT prerequisite_id AS id FROM task_dependencies WHERE dependent_id = $1 AND NOT released',
};

/**
 * How many prerequisites of a task are not DONE, held still for the rest of the transaction. For a task without a count
 * of its own (a final one); called before the task itself is locked, for prerequisites come before their dependents,
 * and once more after it, for an edge may have come between.
 */
export async function countUnmet(client: PoolClient, taskId: string): Promise<number> {
  const edges = await run<{ id: string }>(client, OF, [taskId]);
  const held = await lockPrerequisites(
    client,
    edges.map((edge) => edge.id),
  );
  return held.filter((task) => task.status !== 'DONE').length;
}

const COUNTED = {
  name: 'counted_unmet',
  text: 'SELECT unmet FROM blocked_tasks WHERE task_id = $1',
};

/** How many prerequisites a locked task still waits for, as counted on its row; none for a task that is not BLOCKED. */
export async function readUnmet(client: PoolClient, taskId: string): Promise<number> {
  return (await run<{ unmet: number }>(client, COUNTED, [taskId]))[0]?.unmet ?? 0;
}

const ADD = {
  name: 'add_unmet',
  text: 'UPDATE blocked_tasks SET unmet = unmet + $2 WHERE task_id = $1',
};

/** Changes the count of a locked BLOCKED task in place; it must keep a reason to be BLOCKED. */
export async function addUnmet(client: PoolClient, taskId: string, change: 1 | -1): Promise<void> {
  await run(client, ADD, [taskId, change]);
}
