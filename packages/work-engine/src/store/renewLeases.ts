import type { Pool } from 'pg';
import { runAlone } from './sql.js';
import { LEASE_GAVE_WAY } from './writeResources.js';

const STATEMENT = {
  name: 'renew_leases',
  // Locked in one order, so that renewals and settlements of the same leases can't lock each other out. ROW gives the order of
  // the ids, but not that of an index, which the planner would walk along instead of looking up attempts; the range holds one
  // id, for the same reason: see settle_attempts. Who gave way in a deadlock has the rest of its lease to end, and no more.
  text: `
    WITH held AS (
      SELECT task_id, ${LEASE_GAVE_WAY} AS gave_way
      FROM leases WHERE attempt_id = ANY ($1) AND ($2::uuid IS NULL OR workspace_id = $2) ORDER BY ROW(task_id) FOR UPDATE
    )
    UPDATE leases l SET expires_at = CASE WHEN h.gave_way THEN l.expires_at ELSE engine_now($3) + l.lease_seconds * interval '1 second' END
    FROM held h WHERE l.task_id BETWEEN h.task_id AND h.task_id
    RETURNING l.attempt_id, l.expires_at, l.cancel_requested_at, h.gave_way,
      coalesce((SELECT r.status IN ('PAUSED', 'QUARANTINED') FROM runs r WHERE r.id = l.run_id), false) AS run_paused`,
};

export interface RenewedRow {
  attempt_id: string;
  expires_at: Date | null;
  cancel_requested_at: Date | null;
  gave_way: boolean;
  run_paused: boolean;
}

/** What renewals must have in common to be done together. */
export interface RenewGroup {
  workspaceId: string | null;
  now: Date | null;
}

/** Renews the leases of several lists of attempts in one round trip; each list's rows in its place. */
export async function renewLeases(
  pool: Pool,
  group: RenewGroup,
  calls: readonly (readonly string[])[],
): Promise<RenewedRow[][]> {
  const rows = await runAlone<RenewedRow>(pool, STATEMENT, [calls.flat(), group.workspaceId, group.now]);
  const byAttempt = new Map(rows.map((row) => [row.attempt_id, row]));
  return calls.map((attemptIds) =>
    attemptIds.map((id) => byAttempt.get(id)).filter((row) => row !== undefined),
  );
}
