import { formatId, NeolithError, parseId, type Renewal } from '@neolith/contracts';
import type { EngineContext } from '../engineContext.js';

/**
 * Renews the lease of an attempt by as long as it was given at first, and says whether a cancel was requested.
 * One that gave way in a deadlock keeps what is left of its lease, to end and be released in.
 * A lease that has run out but was not yet taken back can still be renewed.
 * Errors: LEASE_LOST where the attempt no longer owns its task.
 */
export async function renewLease(engine: EngineContext, attemptId: string): Promise<Renewal> {
  const [renewal] = await renewAll(engine, [attemptId]);
  if (renewal?.owned !== true) {
    throw new NeolithError(
      'LEASE_LOST',
      `Attempt ${attemptId.slice(0, 100)} no longer owns its task; end its work`,
      { details: { attemptId } },
    );
  }
  return renewal;
}

/** Renews many at once, in one round trip; an attempt that owns nothing is told so and doesn't disturb the others. */
export async function renewAll(engine: EngineContext, attemptIds: readonly string[]): Promise<Renewal[]> {
  const uuids = attemptIds.map((id) => parseId('attempt', id));
  const owned = uuids.filter((id) => id !== null);
  const rows =
    owned.length === 0
      ? []
      : await engine.lanes.renew({ workspaceId: engine.workspaceId, now: engine.now() }, owned);
  const byId = new Map(rows.map((row) => [row.attempt_id, row]));
  return attemptIds.map((id, index) => {
    const uuid = uuids[index] ?? null;
    const row = uuid === null ? undefined : byId.get(uuid);
    return {
      attemptId: uuid === null ? id : formatId('attempt', uuid),
      owned: row !== undefined,
      leaseExpiresAt: row?.expires_at ?? null,
      cancelRequested: row?.cancel_requested_at != null,
      gaveWay: row?.gave_way ?? false,
      runPaused: row?.run_paused ?? false,
    };
  });
}
