import { formatId } from '@neolith/contracts';
import type { EngineContext } from '../engineContext.js';
import { DAEMON_SILENT_SECONDS, listSilentDaemons, noteLostDaemon } from '../store/loseDaemons.js';
import type { FaultIsolation } from './isolateFaults.js';

/**
 * Notes which daemons were not heard for a minute, once each time they fall silent, with an event each. Their leases run
 * out by themselves; a daemon that is heard again is no longer lost. Returns their ids.
 *
 * @param reachableSeconds how long daemons could reach us without a break: before, their silence says nothing of them
 */
export async function loseDaemons(
  engine: EngineContext,
  isolation: FaultIsolation,
  reachableSeconds: number | null,
): Promise<string[]> {
  if (reachableSeconds !== null && reachableSeconds < DAEMON_SILENT_SECONDS) return [];
  const step = 'daemons';
  const input = { workspaceId: engine.workspaceId, now: engine.now() };
  const silent = await isolation.one({ step }, () => listSilentDaemons(engine.pool, input));
  const lost: string[] = [];
  for (const id of silent ?? []) {
    const noted = await isolation.one({ step, kind: 'daemon', id }, () =>
      noteLostDaemon(engine.pool, { id, now: engine.now() }),
    );
    if (noted === true) lost.push(formatId('daemon', id));
  }
  return lost;
}
