import { formatId } from '@neolith/contracts';
import type { EngineContext } from '../engineContext.js';
import { uuidOf } from '../ids.js';
import { BEFORE_ALL, type DriftRow, findDrift, findDriftInSlice, repairTask } from '../store/findDrift.js';
import { findOpenRunDrift, findRunDrift, repairRunCounts } from '../store/findRunDrift.js';
import { reviewRuns } from '../store/lockRun.js';
import { readNow } from '../store/lockTask.js';
import { toEngineError, transact } from '../store/sql.js';
import { tellRun } from '../store/writeRun.js';
import type { ReconcileOptions, ReconcileReport, RepairReport } from '../workEngine.js';
import { type FaultIsolation, isolateFaults } from './isolateFaults.js';

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
    const repaired = await repairTasks(engine, isolation, drifted);
    const runs = await repairRuns(engine, isolation, await findRunDrift(engine.pool, engine.workspaceId));
    return { checked, repaired, runs, faults: [...isolation.faults] };
  } catch (error) {
    throw toEngineError(error);
  }
}

/** Looked at in one go where nothing else is said: some tenths of a second. */
const SLICE = 10_000;

/**
 * The same bit by bit, for a loop that never ends: the next tasks by id, and with the last of them the counts of the runs
 * that are not over. `next` is where to go on; null: from the beginning. In a database of any size each call is short.
 */
export async function reconcile(
  engine: EngineContext,
  options: ReconcileOptions = {},
): Promise<ReconcileReport> {
  const isolation = isolateFaults();
  try {
    const { checked, drifted, last } = await transact(engine.pool, (client) =>
      findDriftInSlice(client, {
        workspaceId: engine.workspaceId,
        after:
          options.after === undefined || options.after === null ? BEFORE_ALL : uuidOf('task', options.after),
        limit: options.limit ?? SLICE,
      }),
    );
    const repaired = await repairTasks(engine, isolation, drifted);
    const wrong =
      last === null
        ? await isolation.one({ step: 'counts' }, () => findOpenRunDrift(engine.pool, engine.workspaceId))
        : [];
    const runs = await repairRuns(engine, isolation, wrong ?? []);
    return {
      checked,
      repaired,
      runs,
      faults: [...isolation.faults],
      next: last === null ? null : formatId('task', last),
    };
  } catch (error) {
    throw toEngineError(error);
  }
}

async function repairTasks(
  engine: EngineContext,
  isolation: FaultIsolation,
  drifted: readonly DriftRow[],
): Promise<RepairReport['repaired']> {
  const repaired: RepairReport['repaired'] = [];
  for (const { task_id: id } of drifted) {
    const mended = await isolation.one({ step: 'tasks', kind: 'task', id }, () =>
      transact(engine.pool, (client) =>
        repairTask(client, { taskId: id, actor: 'engine', now: engine.now() }),
      ),
    );
    if (mended === null || mended === undefined) continue;
    const { problem, from, to } = mended;
    repaired.push({ taskId: formatId('task', id), problem, from, to });
  }
  if (repaired.length > 0) engine.events.poke();
  return repaired;
}

async function repairRuns(
  engine: EngineContext,
  isolation: FaultIsolation,
  ids: readonly string[],
): Promise<RepairReport['runs']> {
  const runs: RepairReport['runs'] = [];
  for (const id of ids) {
    const problem = await isolation.one({ step: 'counts', kind: 'run', id }, () =>
      transact(engine.pool, async (client) => {
        const found = await repairRunCounts(client, id);
        if (found === null) return null;
        const now = await readNow(client, engine.now());
        await tellRun(client, id, { event: 'run.repaired', actor: 'engine', now, data: { problem: found } });
        await reviewRuns(client, { runIds: [id], actor: 'engine', now });
        return found;
      }),
    );
    if (problem !== null && problem !== undefined) runs.push({ runId: formatId('run', id), problem });
  }
  if (runs.length > 0) engine.events.poke();
  return runs;
}
