import { formatId } from '@neolith/contracts';
import type { EngineContext } from '../../engineContext.js';
import { readNow } from '../../store/lockTask.js';
import { transact } from '../../store/sql.js';
import {
  listResourceWorkspaces,
  noteWaitingTasks,
  removeOrphanHolds,
  removeOrphanWaits,
} from '../../store/sweepResources.js';
import { lockResources, tellResources } from '../../store/writeResources.js';
import type { FaultIsolation } from '../isolateFaults.js';
import { endRefused, reviewResources } from './reviewResources.js';

/** How long a task waits for resources before those that would take them are held back. */
const PATIENCE_SECONDS = 30;
/** Time enough for a claim to come by. Told anew with each sweep, so that it ends by itself where nobody sweeps. */
const BIND_SECONDS = 60;

/** What attempts held, and what they waited for, that were not live. */
interface Orphans {
  locks: number;
  waits: number;
}

/**
 * Looks after resources: takes away what attempts hold, or wait for, that are not live (an event each), grants what is free, breaks circles,
 * and notes which tasks wait to begin. One workspace after another. Returns how many were orphans.
 */
export async function sweepResources(engine: EngineContext, isolation: FaultIsolation): Promise<Orphans> {
  const step = 'resources';
  const workspaces = await isolation.one({ step }, () =>
    listResourceWorkspaces(engine.pool, engine.workspaceId),
  );
  const orphans: Orphans = { locks: 0, waits: 0 };
  for (const workspaceId of workspaces ?? []) {
    const found = await isolation.one({ step }, () => sweepWorkspace(engine, workspaceId));
    orphans.locks += found?.locks ?? 0;
    orphans.waits += found?.waits ?? 0;
  }
  return orphans;
}

async function sweepWorkspace(engine: EngineContext, workspaceId: string): Promise<Orphans> {
  const { judgement, refused, granted, locks, waits, now } = await transact(engine.pool, async (client) => {
    await lockResources(client, workspaceId);
    const now = await readNow(client, engine.now());
    const holds = await removeOrphanHolds(client, workspaceId);
    const waits = await removeOrphanWaits(client, workspaceId);
    const repairs = [
      ...holds.map((orphan) => ({ orphan, problem: 'was held by an attempt that had ended' })),
      ...waits.map((orphan) => ({ orphan, problem: 'was waited for by an attempt that had ended' })),
    ];
    for (const { orphan, problem } of repairs) {
      await tellResources(client, {
        taskId: orphan.task_id,
        attemptId: orphan.attempt_id,
        type: 'resources.repaired',
        actor: 'engine',
        now,
        data: {
          problem,
          resources: orphan.uses,
          attemptId: formatId('attempt', orphan.attempt_id),
        },
      });
    }
    const review = await reviewResources(client, { workspaceId, actor: 'engine', now });
    await noteWaitingTasks(client, {
      workspaceId,
      now,
      patienceSeconds: PATIENCE_SECONDS,
      bindSeconds: BIND_SECONDS,
    });
    return { ...review, locks: holds.length, waits: waits.length, now };
  });
  for (const _ of judgement.deadlocks) engine.observe({ kind: 'deadlock_broken' });
  await endRefused(engine, refused, now);
  if (granted + locks + waits > 0) engine.events.poke();
  return { locks, waits };
}
