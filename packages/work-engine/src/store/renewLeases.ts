import { type Connection, run } from './sql.js';

const STATEMENT = {
  name: 'renew_leases',
  // Locked in one order, so that renewals and settlements of the same leases can't lock each other out.
  text: `
    WITH held AS (
      SELECT task_id FROM leases WHERE attempt_id = ANY ($1) AND ($2::uuid IS NULL OR workspace_id = $2) ORDER BY task_id FOR UPDATE
    )
    UPDATE leases l SET expires_at = engine_now($3) + l.lease_seconds * interval '1 second'
    FROM held h WHERE l.task_id = h.task_id
    RETURNING l.attempt_id, l.expires_at, l.cancel_requested_at,
      coalesce((SELECT r.status IN ('PAUSED', 'QUARANTINED') FROM runs r WHERE r.id = l.run_id), false) AS run_paused`,
};

export interface RenewedRow {
  attempt_id: string;
  expires_at: Date | null;
  cancel_requested_at: Date | null;
  run_paused: boolean;
}

export async function renewLeases(
  connection: Connection,
  input: { attemptIds: readonly string[]; workspaceId: string | null; now: Date | null },
): Promise<RenewedRow[]> {
  if (input.attemptIds.length === 0) return [];
  return run<RenewedRow>(connection, STATEMENT, [input.attemptIds, input.workspaceId, input.now]);
}
