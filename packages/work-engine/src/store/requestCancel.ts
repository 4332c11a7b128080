import type { PoolClient } from 'pg';
import { run } from './sql.js';

export interface LeaseRow {
  task_id: string;
  attempt_id: string;
  daemon_id: string | null;
  expires_at: Date | null;
  cancel_requested_at: Date | null;
}

const FIND = {
  name: 'find_lease',
  text: 'SELECT task_id, attempt_id, daemon_id, expires_at, cancel_requested_at FROM leases WHERE task_id = $1',
};

/** The lease of a task that is running and locked. */
export async function findLease(client: PoolClient, taskId: string): Promise<LeaseRow> {
  const rows = await run<LeaseRow>(client, FIND, [taskId]);
  return rows[0] as LeaseRow;
}

const REQUEST = {
  name: 'request_cancel',
  text: 'UPDATE leases SET cancel_requested_at = $2, cancel_reason = $3 WHERE task_id = $1',
};

export async function requestCancel(
  client: PoolClient,
  input: { taskId: string; reason: string | null; now: Date },
): Promise<void> {
  await run(client, REQUEST, [input.taskId, input.now, input.reason]);
}
