import { formatId } from '@neolith/contracts';
import type { EngineContext } from '../engineContext.js';
import { findDrift, repairTask } from '../store/findDrift.js';
import { findRunDrift, repairRunCounts } from '../store/findRunDrift.js';
import { reviewRuns } from '../store/lockRun.js';
import { readNow } from '../store/lockTask.js';
import { toEngineError, transact } from '../store/sql.js';
import { tellRun } from '../store/writeRun.js';
import type { RepairReport } from '../workEngine.js';
import { isolateFaults } from './isolateFaults.js';

/**
 * Rebuilds every count and status from the edges: each task must stand where its status says, with as many unmet
 * prerequisites as its edges have, and each run counts its tasks right. What differs is mended, told as an event, and reported; where nothing was wrong the
 * report is empty. What can't be mended is reported as a fault, and the rest is mended all the same. Looks in one snapshot and mends under the task's lock, so it can run beside everything else.
 */
export async function recalculateAllStatuses(engine: EngineContext): Promise<RepairReport> {
  const isolation = isolateFaults();
  try {
    const { checked, drifted } = await transact(engine.pool, (client) =>
      findDrift(client, engine.workspaceId),
    );
    const repaired: RepairReport['repaired'] = [];
    for (const found of drifted) {
      const mended = await isolation.one({ step: 'tasks', kind: 'task', id: found.task_id }, () =>
        transact(engine.pool, (client) =>
          repairTask(client, { taskId: found.task_id, actor: 'engine', now: engine.now() }),
        ),
      );
      if (mended !== null && mended !== undefined)
        repaired.push({
          taskId: formatId('task', found.task_id),
          problem: mended.problem,
          from: mended.from,
          to: mended.to,
        });
    }
    const runs: RepairReport['runs'] = [];
    for (const id of await findRunDrift(engine.pool, engine.workspaceId)) {
      const problem = await isolation.one({ step: 'counts', kind: 'run', id }, () =>
        transact(engine.pool, async (client) => {
          const found = await repairRunCounts(client, id);
          if (found === null) return null;
          const now = await readNow(client, engine.now());
          await tellRun(client, id, {
            event: 'run.repaired',
            actor: 'engine',
            now,
            data: { problem: found },
          });
          await reviewRuns(client, { runIds: [id], actor: 'engine', now });
          return found;
        }),
      );
      if (problem !== null && problem !== undefined) runs.push({ runId: formatId('run', id), problem });
    }
    if (repaired.length > 0 || runs.length > 0) engine.events.poke();
    return { checked, repaired, runs, faults: [...isolation.faults] };
  } catch (error) {
    throw toEngineError(error);
  }
}
