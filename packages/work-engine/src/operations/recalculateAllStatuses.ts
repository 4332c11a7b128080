import { formatId } from '@neolith/contracts';
import type { EngineContext } from '../engineContext.js';
import { findDrift, repairTask } from '../store/findDrift.js';
import { toEngineError, transact } from '../store/sql.js';
import type { RepairReport } from '../workEngine.js';

/**
 * Rebuilds every count and status from the edges: each task must stand where its status says, with as many unmet
 * prerequisites as its edges have. What differs is mended, told as an event, and reported; where nothing was wrong the
 * report is empty. Looks in one snapshot and mends under the task's lock, so it can run beside everything else.
 */
export async function recalculateAllStatuses(engine: EngineContext): Promise<RepairReport> {
  try {
    const { checked, drifted } = await transact(engine.pool, (client) =>
      findDrift(client, engine.workspaceId),
    );
    const repaired: RepairReport['repaired'] = [];
    for (const found of drifted) {
      const mended = await transact(engine.pool, (client) =>
        repairTask(client, { taskId: found.task_id, actor: 'engine', now: engine.now() }),
      );
      if (mended !== null)
        repaired.push({
          taskId: formatId('task', found.task_id),
          problem: mended.problem,
          from: mended.from,
          to: mended.to,
        });
    }
    if (repaired.length > 0) engine.events.poke();
    return { checked, repaired };
  } catch (error) {
    throw toEngineError(error);
  }
}
