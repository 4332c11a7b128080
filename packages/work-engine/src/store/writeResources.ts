import type { Json } from '@neolith/contracts';
import type { PoolClient } from 'pg';
import type { DeadlockData } from '../domain/resources/resourceRows.js';
import { type Connection, run } from './sql.js';

const LOCK = { name: 'lock_resources', text: 'SELECT lock_resources($1)' };

/** For the rest of the transaction nobody else takes resources of this workspace. */
export async function lockResources(client: PoolClient, workspaceId: string): Promise<void> {
  await run(client, LOCK, [workspaceId]);
}

const LOCK_LEASE = {
  name: 'lock_lease_of_attempt',
  text: 'SELECT task_id FROM leases WHERE attempt_id = $1 FOR NO KEY UPDATE',
};

/** The task of an attempt that is live, and stays so until the transaction is over; null: it has ended. */
export async function lockLease(client: PoolClient, attemptId: string): Promise<string | null> {
  return (await run<{ task_id: string }>(client, LOCK_LEASE, [attemptId]))[0]?.task_id ?? null;
}

const WORKSPACE = {
  name: 'workspace_of_lease',
  text: 'SELECT workspace_id FROM leases WHERE attempt_id = $1',
};

/** Null: the attempt has ended. */
export async function workspaceOf(client: PoolClient, attemptId: string): Promise<string | null> {
  return (await run<{ workspace_id: string }>(client, WORKSPACE, [attemptId]))[0]?.workspace_id ?? null;
}

const HELD = {
  name: 'uses_held',
  text: 'SELECT count(*)::int AS held FROM resource_holds WHERE attempt_id = $1 AND use = ANY ($2)',
};

/** Whether an attempt has all of this already. */
export async function isHeld(
  client: PoolClient,
  asked: { uuid: string; uses: readonly string[] },
): Promise<boolean> {
  const rows = await run<{ held: number }>(client, HELD, [asked.uuid, asked.uses]);
  return rows[0]?.held === asked.uses.length;
}

const GAVE_WAY = {
  name: 'gave_way',
  text: `SELECT data FROM events WHERE task_id = $1 AND attempt_id = $2 AND type = 'resources.deadlock' LIMIT 1`,
};

/** The circle in which an attempt gave way, as its event has it; null: it didn't. */
export async function gaveWayIn(
  connection: Connection,
  taskId: string,
  attemptId: string,
): Promise<DeadlockData | null> {
  return (await run<{ data: DeadlockData }>(connection, GAVE_WAY, [taskId, attemptId]))[0]?.data ?? null;
}

/** Of a row of `leases`: it was refused resources in a deadlock. Who asks for none is not looked up. */
export const LEASE_GAVE_WAY = `(leases.holds AND EXISTS (
  SELECT FROM resource_waits w WHERE w.task_id = leases.task_id AND w.attempt_id = leases.attempt_id AND w.refused_at IS NOT NULL))`;

const REFUSED = {
  name: 'has_given_way',
  text: `SELECT FROM leases WHERE attempt_id = $1 AND ${LEASE_GAVE_WAY}`,
};

/** Whether a live attempt gave way in a deadlock: it has only to end. */
export async function hasGivenWay(connection: Connection, attemptId: string): Promise<boolean> {
  return (await run(connection, REFUSED, [attemptId])).length > 0;
}

const OWN_PROCESS = {
  name: 'leases_without_end',
  text: 'SELECT attempt_id FROM leases WHERE attempt_id = ANY ($1) AND expires_at IS NULL',
};

/** Those of some attempts that have no lease that could run out. */
export async function withoutExpiry(
  connection: Connection,
  attemptIds: readonly string[],
): Promise<ReadonlySet<string>> {
  const rows = await run<{ attempt_id: string }>(connection, OWN_PROCESS, [attemptIds]);
  return new Set(rows.map((row) => row.attempt_id));
}

const MARK = {
  name: 'mark_lease_holding',
  text: 'UPDATE leases SET holds = true WHERE attempt_id = $1 AND NOT holds',
};
const WAIT = {
  name: 'wait_for_resources',
  // Who asks for the same again keeps its place.
  text: `
    INSERT INTO resource_waits AS w (task_id, attempt_id, workspace_id, uses, since)
    SELECT l.task_id, l.attempt_id, l.workspace_id, $2, $3 FROM leases l WHERE l.attempt_id = $1
    ON CONFLICT (task_id) DO UPDATE
       SET attempt_id = excluded.attempt_id, uses = excluded.uses, binds_until = NULL,
           since = CASE WHEN w.attempt_id = excluded.attempt_id AND w.uses = excluded.uses THEN w.since ELSE excluded.since END`,
};

/** An attempt, whose lease is locked and that has not given way, comes to wait. */
export async function waitForUses(
  client: PoolClient,
  input: { attemptId: string; uses: readonly string[]; now: Date },
): Promise<void> {
  await run(client, MARK, [input.attemptId]);
  await run(client, WAIT, [input.attemptId, input.uses, input.now]);
}

const GRANT = {
  name: 'grant_resources_asked_for',
  text: `
    WITH asked AS (
      DELETE FROM resource_waits w WHERE w.attempt_id = $1 RETURNING w.*
    ), held AS (
      INSERT INTO resource_holds (attempt_id, use, task_id, workspace_id, since)
      SELECT a.attempt_id, u.use, a.task_id, a.workspace_id, $2 FROM asked a CROSS JOIN LATERAL unnest(a.uses) u(use)
      ON CONFLICT DO NOTHING
    )
    SELECT 1 FROM asked`,
};

/** Gives an attempt, whose lease is locked, what it waits for. */
export async function grantUses(client: PoolClient, attemptId: string, now: Date): Promise<void> {
  await run(client, GRANT, [attemptId, now]);
}

const HOLDS = {
  name: 'uses_of_attempt',
  text: 'SELECT use FROM resource_holds WHERE attempt_id = $1 ORDER BY use',
};

/** What an attempt holds, as it is stored. */
export async function usesOf(client: PoolClient, attemptId: string): Promise<string[]> {
  return (await run<{ use: string }>(client, HOLDS, [attemptId])).map(({ use }) => use);
}

const IN_LINE = {
  name: 'is_in_line',
  text: 'SELECT 1 FROM resource_waits WHERE attempt_id = $1 AND uses = $2',
};

/** Whether an attempt waits for exactly this, or has given way over it. */
export async function isInLine(
  client: PoolClient,
  asked: { uuid: string; uses: readonly string[] },
): Promise<boolean> {
  return (await run(client, IN_LINE, [asked.uuid, asked.uses])).length > 0;
}

const LEAVE = {
  name: 'leave_line',
  text: 'DELETE FROM resource_waits WHERE attempt_id = $1 AND refused_at IS NULL RETURNING uses',
};

/** An attempt, whose lease is locked, waits no more. Returns what for; null: it didn't, or has given way. */
export async function leaveLine(client: PoolClient, attemptId: string): Promise<string[] | null> {
  return (await run<{ uses: string[] }>(client, LEAVE, [attemptId]))[0]?.uses ?? null;
}

const REFUSE = {
  name: 'refuse_resources',
  text: 'UPDATE resource_waits SET refused_at = $2 WHERE attempt_id = $1 AND refused_at IS NULL',
};

export async function refuseUses(client: PoolClient, attemptId: string, now: Date): Promise<void> {
  await run(client, REFUSE, [attemptId, now]);
}

const DECLARE_MORE = {
  name: 'declare_more_resources',
  text: `UPDATE tasks t SET resources = (SELECT array_agg(DISTINCT u ORDER BY u) FROM unnest(t.resources || w.uses) u), updated_at = $2
         FROM resource_waits w WHERE w.attempt_id = $1 AND t.id = w.task_id AND NOT coalesce(t.resources, '{}') @> w.uses`,
};

/** What an attempt asked for in vain its task declares from now on: the next attempt gets it with the claim, or waits holding nothing. */
export async function declareAskedFor(connection: Connection, attemptId: string, now: Date): Promise<void> {
  await run(connection, DECLARE_MORE, [attemptId, now]);
}

const TELL = {
  name: 'tell_resources',
  text: `
    INSERT INTO events (workspace_id, task_id, attempt_id, orchestrator_id, run_id, at, type, actor, data)
    SELECT t.workspace_id, t.id, $2, t.orchestrator_id, t.run_id, $3, $4, $5, $6::jsonb FROM tasks t WHERE t.id = $1`,
};

/** Appends an event about the resources of a task. */
export async function tellResources(
  client: PoolClient,
  event: {
    taskId: string;
    attemptId: string | null;
    type: string;
    actor: string;
    now: Date;
    data: Record<string, Json>;
  },
): Promise<void> {
  await run(client, TELL, [
    event.taskId,
    event.attemptId,
    event.now,
    event.type,
    event.actor,
    JSON.stringify(event.data),
  ]);
}
