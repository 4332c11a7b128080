import type { PrerequisitePolicy } from '@neolith/contracts';
import type { PoolClient } from 'pg';
import { run } from './sql.js';

export interface LeaseRow {
  task_id: string;
  attempt_id: string;
  daemon_id: string | null;
  expires_at: Date | null;
  cancel_requested_at: Date | null;
  merge_granted: boolean;
}

const FIND = {
  name: 'find_lease',
  text: `SELECT l.task_id, l.attempt_id, l.daemon_id, l.expires_at, l.cancel_requested_at, m.granted_at IS NOT NULL AS merge_granted
         FROM leases l LEFT JOIN merges m ON m.task_id = l.task_id WHERE l.task_id = $1`,
};

/** The lease of a task that is running and locked. */
export async function findLease(client: PoolClient, taskId: string): Promise<LeaseRow> {
  const rows = await run<LeaseRow>(client, FIND, [taskId]);
  return rows[0] as LeaseRow;
}

const REQUEST = {
  name: 'request_cancel',
  text: `UPDATE leases SET cancel_requested_at = $2, cancel_reason = $3, cancel_policy = $4::prerequisite_policy WHERE task_id = $1`,
};

const ASKED = { name: 'cancel_asked', text: 'UPDATE tasks SET cancel_asked = true WHERE id = $1' };

/** Keeps that somebody asked to cancel this very task, which is locked. */
export async function noteCancelAsked(client: PoolClient, taskId: string): Promise<void> {
  await run(client, ASKED, [taskId]);
}

export async function requestCancel(
  client: PoolClient,
  input: {
    taskId: string;
    reason: string | null;
    /** Null: the policy of each dependent's run. */
    policy: PrerequisitePolicy | null;
    now: Date;
  },
): Promise<void> {
  await run(client, REQUEST, [input.taskId, input.now, input.reason, input.policy]);
}
