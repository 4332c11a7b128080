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

/**
 * Looks after resources: takes away what attempts hold that are not live (an event each), grants what is free, breaks circles,
 * and notes which tasks wait to begin. One workspace after another. Returns how many locks were orphans.
 */
export async function sweepResources(engine: EngineContext, isolation: FaultIsolation): Promise<number> {
  const step = 'resources';
  const workspaces = await isolation.one({ step }, () =>
    listResourceWorkspaces(engine.pool, engine.workspaceId),
  );
  let orphans = 0;
  for (const workspaceId of workspaces ?? []) {
    orphans += (await isolation.one({ step }, () => sweepWorkspace(engine, workspaceId))) ?? 0;
  }
  return orphans;
}

async function sweepWorkspace(engine: EngineContext, workspaceId: string): Promise<number> {
  const { judgement, refused, granted, orphans, now } = await transact(engine.pool, async (client) => {
    await lockResources(client, workspaceId);
    const now = await readNow(client, engine.now());
    const orphans = await removeOrphanHolds(client, workspaceId);
    for (const orphan of orphans) {
      await tellResources(client, {
        taskId: orphan.task_id,
        attemptId: orphan.attempt_id,
        type: 'resources.repaired',
        actor: 'engine',
        now,
        data: {
          problem: 'was held by an attempt that had ended',
          resources: orphan.uses,
          attemptId: formatId('attempt', orphan.attempt_id),
        },
      });
    }
    await removeOrphanWaits(client, workspaceId);
    const review = await reviewResources(client, { workspaceId, actor: 'engine', now });
    await noteWaitingTasks(client, {
      workspaceId,
      now,
      patienceSeconds: PATIENCE_SECONDS,
      bindSeconds: BIND_SECONDS,
    });
    return { ...review, orphans: orphans.length, now };
  });
  for (const _ of judgement.deadlocks) engine.observe({ kind: 'deadlock_broken' });
  await endRefused(engine, refused, now);
  if (granted > 0 || orphans > 0) engine.events.poke();
  return orphans;
}
