import type { ResourceObstacle } from '@neolith/contracts';
import { findObstacles } from '../../domain/resources/boardResources.js';
import { loadUses } from '../../domain/resources/storeUses.js';
import { readResources } from '../../store/readResources.js';
import type { TaskRow } from '../../store/rows.js';
import type { Connection } from '../../store/sql.js';

/** What stands in the way of a task that has not begun. */
export async function obstaclesOf(
  connection: Connection,
  task: Pick<TaskRow, 'id' | 'workspace_id' | 'resources'>,
  now: Date,
): Promise<ResourceObstacle[]> {
  if (task.resources === null) return [];
  const { holds, waits } = await readResources(connection, task.workspace_id, now);
  return findObstacles({ taskId: task.id, attemptId: null, uses: loadUses(task.resources) }, holds, waits);
}
