import type { Pool } from 'pg';
import { run, runAlone, transact } from './sql.js';
import { LEASE_GAVE_WAY } from './writeResources.js';

/** Daemons renew three times a lease, and come back sooner after a failure: half a lease is enough for all of them. */
const PATIENCE_SECONDS_MAX = 15;

const EXPIRED = {
  name: 'read_expired_after',
  // No index on what every renewal changes: the table holds only what runs now.
  text: `SELECT task_id, attempt_id, expires_at, ${LEASE_GAVE_WAY} AS gave_way
         FROM leases
         WHERE expires_at <= engine_now($1) AND ($2::uuid IS NULL OR workspace_id = $2)
           AND ($5::uuid IS NULL OR task_id > $5)
           AND ($4::float8 IS NULL OR least(lease_seconds / 2.0, ${PATIENCE_SECONDS_MAX}) <= $4)
         ORDER BY task_id LIMIT $3`,
};

export interface ExpiredLease {
  task_id: string;
  attempt_id: string;
  expires_at: Date;
  /** In a deadlock: its lease wasn't renewed, and nobody was lost. */
  gave_way: boolean;
}

export async function readExpired(
  pool: Pool,
  input: {
    workspaceId: string | null;
    now: Date | null;
    limit: number;
    reachableSeconds: number | null;
    afterTaskId: string | null;
  },
): Promise<ExpiredLease[]> {
  return run<ExpiredLease>(pool, EXPIRED, [
    input.now,
    input.workspaceId,
    input.limit,
    input.reachableSeconds,
    input.afterTaskId,
  ]);
}

const ORPHANED = {
  name: 'read_cancelled_in_process',
  text: `SELECT task_id, attempt_id FROM leases
         WHERE expires_at IS NULL AND cancel_requested_at IS NOT NULL AND ($1::uuid IS NULL OR workspace_id = $1) ORDER BY task_id LIMIT 500`,
};

/** Attempts without expiry that were asked to end: nobody would confirm it. */
export async function readCancelledInProcess(
  pool: Pool,
  workspaceId: string | null,
): Promise<{ task_id: string; attempt_id: string }[]> {
  return run(pool, ORPHANED, [workspaceId]);
}

const DUE = {
  name: 'orchestrators_with_due',
  // A probe for each orchestrator: what is delayed is ordered by time only within one. The clock is asked once, for
  // what it says anew at every row is no condition of an index.
  text: `
    WITH clock AS MATERIALIZED (SELECT engine_now($1) AS now)
    SELECT o.id FROM orchestrators o CROSS JOIN clock c
    CROSS JOIN LATERAL (
      SELECT 1 FROM delayed_tasks d WHERE d.orchestrator_id = o.id AND d.available_at <= c.now ORDER BY d.available_at LIMIT 1) due
    WHERE $2::uuid IS NULL OR o.workspace_id = $2
    UNION ALL
    SELECT NULL FROM clock c
    CROSS JOIN LATERAL (
      SELECT 1 FROM delayed_tasks d
      WHERE d.orchestrator_id IS NULL AND d.available_at <= c.now AND ($2::uuid IS NULL OR d.workspace_id = $2)
      ORDER BY d.available_at LIMIT 1) due`,
};
const LOCK = {
  name: 'lock_for_promotion',
  text: 'SELECT 1 FROM orchestrators WHERE id = $1 FOR NO KEY UPDATE',
};
const PROMOTE = { name: 'promote_due', text: 'SELECT promote_due_tasks($1, engine_now($2)) AS promoted' };

/** The orchestrators that have a delayed task whose time has come; null: such tasks of nobody. */
export async function listDue(
  pool: Pool,
  input: { workspaceId: string | null; now: Date | null },
): Promise<(string | null)[]> {
  const rows = await run<{ id: string | null }>(pool, DUE, [input.now, input.workspaceId]);
  return rows.map(({ id }) => id);
}

/** Delayed tasks of one orchestrator whose time has come become claimable. Returns how many. */
export async function promoteDue(
  pool: Pool,
  input: { orchestratorId: string | null; now: Date | null },
): Promise<number> {
  return transact(pool, async (client) => {
    await run(client, LOCK, [input.orchestratorId]);
    const rows = await run<{ promoted: number }>(client, PROMOTE, [input.orchestratorId, input.now]);
    return (rows[0] as { promoted: number }).promoted;
  });
}

const LIST_DUE_TASKS = {
  name: 'list_due_tasks',
  text: `SELECT task_id FROM delayed_tasks WHERE orchestrator_id IS NOT DISTINCT FROM $1 AND available_at <= engine_now($2)
         ORDER BY task_id LIMIT 1000`,
};
const TAKE_OUT = {
  name: 'take_out_due',
  text: `
    WITH due AS (
      SELECT task_id FROM delayed_tasks WHERE task_id = ANY ($1) AND available_at <= engine_now($2) ORDER BY task_id FOR UPDATE
    )
    DELETE FROM delayed_tasks d USING due WHERE d.task_id = due.task_id RETURNING d.task_id`,
};
const ENTER = { name: 'enter_due', text: 'SELECT enqueue_tasks($1, engine_now($2))' };
const PUT_OFF = {
  name: 'put_off_due',
  text: `UPDATE delayed_tasks SET available_at = engine_now($2) + $3::int * interval '1 second'
         WHERE task_id = ANY ($1) AND available_at <= engine_now($2)`,
};

/** Where they can't be promoted together: the delayed tasks of an orchestrator whose time has come, some of them. */
export async function listDueTasks(
  pool: Pool,
  input: { orchestratorId: string | null; now: Date | null },
): Promise<string[]> {
  const rows = await run<{ task_id: string }>(pool, LIST_DUE_TASKS, [input.orchestratorId, input.now]);
  return rows.map((row) => row.task_id);
}

/** Delayed tasks whose time has come become claimable: these together, or none. */
export async function promoteTasks(
  pool: Pool,
  input: { orchestratorId: string | null; taskIds: readonly string[]; now: Date | null },
): Promise<void> {
  await transact(pool, async (client) => {
    await run(client, LOCK, [input.orchestratorId]);
    const rows = await run<{ task_id: string }>(client, TAKE_OUT, [input.taskIds, input.now]);
    // Only what was taken out here: what somebody else just put back must not be entered twice.
    const taken = rows.map((row) => row.task_id);
    if (taken.length > 0) await run(client, ENTER, [taken, input.now]);
  });
}

/** They are looked at again after so many seconds, and are in nobody's way until then. */
export async function putOff(
  pool: Pool,
  input: { taskIds: readonly string[]; seconds: number; now: Date | null },
): Promise<void> {
  await runAlone(pool, PUT_OFF, [input.taskIds, input.now, input.seconds]);
}

const FORGET = {
  name: 'forget_requests',
  // Some at a time: after a day without a sweep there may be a million.
  text: `
    DELETE FROM claim_requests WHERE ctid = ANY (ARRAY(
      SELECT ctid FROM claim_requests WHERE created_at < (SELECT engine_now($1)) - interval '24 hours' ORDER BY created_at LIMIT 20000))`,
};

/** Request ids are kept a day; a repeat after that is a new claim. Removes at most 20,000. */
export async function forgetOldRequests(pool: Pool, now: Date | null): Promise<void> {
  await runAlone(pool, FORGET, [now]);
}
