import type { TaskStatus } from '@neolith/contracts';
import type { PoolClient } from 'pg';
import { run } from './sql.js';

const LOCK = {
  name: 'lock_prerequisites',
  text: 'SELECT id, workspace_id, status FROM tasks WHERE id = ANY ($1) ORDER BY id FOR SHARE',
};

/**
 * Holds prerequisites still while edges to them are counted: a completion that comes meanwhile either was before, and
 * its DONE is seen here, or waits, and then sees the edge.
 */
export async function lockPrerequisites(
  client: PoolClient,
  ids: readonly string[],
): Promise<{ id: string; workspace_id: string; status: TaskStatus }[]> {
  return ids.length === 0 ? [] : run(client, LOCK, [ids]);
}

const OF = {
  name: 'prerequisite_ids',
  text: 'SELECT prerequisite_id AS id FROM task_dependencies WHERE dependent_id = $1',
};

/** How many prerequisites of a task are not DONE, held still for the rest of the transaction. */
export async function countUnmet(client: PoolClient, taskId: string): Promise<number> {
  const edges = await run<{ id: string }>(client, OF, [taskId]);
  const held = await lockPrerequisites(
    client,
    edges.map((edge) => edge.id),
  );
  return held.filter((task) => task.status !== 'DONE').length;
}
