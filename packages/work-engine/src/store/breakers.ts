import type { AttemptStatus, Breaker, BreakerStatus, FailureClass, Json } from '@neolith/contracts';
import { formatId } from '@neolith/contracts';
import type { Pool, PoolClient } from 'pg';
import type { BreakerPolicy, BreakerState, FaultCounts } from '../domain/breaker.js';
import { type Connection, run, runAlone } from './sql.js';

/** Which breaker. */
export interface BreakerKey {
  workspaceId: string;
  agent: string;
  provider: string;
}

export interface BreakerRow {
  workspace_id: string;
  agent: string;
  provider: string;
  status: BreakerStatus;
  forced: 'open' | 'closed' | null;
  reason: string | null;
  changed_at: Date;
  open_until: Date | null;
  trips: number;
  probe_attempt_id: string | null;
}

export function toBreakerState(row: BreakerRow): BreakerState {
  return {
    status: row.status,
    forced: row.forced,
    reason: row.reason,
    changedAt: row.changed_at,
    openUntil: row.open_until,
    trips: row.trips,
    probeAttemptId: row.probe_attempt_id,
  };
}

export function toBreaker(row: BreakerRow): Breaker {
  return {
    agent: row.agent,
    provider: row.provider,
    ...toBreakerState(row),
    probeAttemptId: row.probe_attempt_id === null ? null : formatId('attempt', row.probe_attempt_id),
  };
}

const ALL = {
  name: 'list_breakers',
  text: `SELECT * FROM breakers WHERE ($1::uuid IS NULL OR workspace_id = $1) AND (NOT $2::boolean OR status <> 'closed')
         ORDER BY agent, provider, workspace_id`,
};

/** The breakers of a workspace (null: of all), by agent and provider; or only those that aren't closed. */
export async function listBreakerRows(
  connection: Connection,
  workspaceId: string | null,
  options: { onlyNotClosed: boolean },
): Promise<BreakerRow[]> {
  return run<BreakerRow>(connection, ALL, [workspaceId, options.onlyNotClosed]);
}

const FIND = {
  name: 'find_breaker',
  text: 'SELECT * FROM breakers WHERE workspace_id = $1 AND agent = $2 AND provider = $3',
};

/** Null: nothing is known against that agent. */
export async function findBreaker(connection: Connection, key: BreakerKey): Promise<BreakerRow | null> {
  const rows = await run<BreakerRow>(connection, FIND, [key.workspaceId, key.agent, key.provider]);
  return rows[0] ?? null;
}

const MAKE = {
  name: 'make_breaker',
  text: `INSERT INTO breakers (workspace_id, agent, provider, changed_at) VALUES ($1, $2, $3, to_timestamp(0))
         ON CONFLICT DO NOTHING`,
};
const LOCK = { name: 'lock_breaker', text: `${FIND.text} FOR NO KEY UPDATE` };

/** Locks a breaker for the rest of the transaction; makes it where there is none. Null: there is none, and `make` is off. */
export async function lockBreaker(
  client: PoolClient,
  key: BreakerKey,
  options: { make: boolean },
): Promise<BreakerRow | null> {
  const values = [key.workspaceId, key.agent, key.provider];
  if (options.make) await run(client, MAKE, values);
  return (await run<BreakerRow>(client, LOCK, values))[0] ?? null;
}

const WRITE = {
  name: 'write_breaker',
  text: `UPDATE breakers SET status = $4::breaker_status, forced = $5::breaker_status, reason = $6, changed_at = $7, open_until = $8, trips = $9,
           probe_attempt_id = $10
         WHERE workspace_id = $1 AND agent = $2 AND provider = $3`,
};

export async function writeBreaker(client: PoolClient, key: BreakerKey, state: BreakerState): Promise<void> {
  await run(client, WRITE, [
    key.workspaceId,
    key.agent,
    key.provider,
    state.status,
    state.forced,
    state.reason,
    state.changedAt,
    state.openUntil,
    state.trips,
    state.probeAttemptId,
  ]);
}

const TELL = {
  name: 'tell_breaker',
  text: `INSERT INTO events (workspace_id, attempt_id, at, type, actor, "from", "to", data) VALUES ($1, $2, $3, $4, $5, $6, $7, $8::jsonb)`,
};

/** Appends the event of a breaker's change. */
export async function tellBreaker(
  client: PoolClient,
  event: {
    workspaceId: string;
    attemptId: string | null;
    at: Date;
    type: string;
    actor: string;
    from: string;
    to: string;
    data: Record<string, Json>;
  },
): Promise<void> {
  await run(client, TELL, [
    event.workspaceId,
    event.attemptId,
    event.at,
    event.type,
    event.actor,
    event.from,
    event.to,
    JSON.stringify(event.data),
  ]);
}

/** Of each orchestrator so many of its last attempts are looked at, however many a busy window holds. */
const LOOKED_AT_MAX = 200;

const COUNT = {
  name: 'count_faults',
  // Written anew at each fault instead of kept up: successes, which are nearly all, then cost nothing. Whose fault an
  // attempt was its class says; one that failed at its task shows that the agent works. What was cancelled, lost, or stood
  // on ground that gave way says nothing. What a provider answers is never the doing of a task, and counts each time; that an
  // agent crashed or stalled may well be, so a task that does that to it again and again counts once.
  text: `
    WITH late AS (
      SELECT a.ended_at, a.id, a.status IN ('FAILED', 'TIMED_OUT') AND a.failure_class IN ('agent', 'provider') AS is_fault,
             CASE a.failure_class WHEN 'agent' THEN a.task_id ELSE a.id END AS counted_as
      FROM orchestrators o CROSS JOIN LATERAL (
        SELECT a.* FROM attempts a WHERE a.orchestrator_id = o.id AND a.ended_at > $4 ORDER BY a.ended_at DESC, a.id DESC LIMIT ${LOOKED_AT_MAX}
      ) a
      WHERE o.workspace_id = $1 AND coalesce(a.metrics ->> 'agent', a.agent) = $2 AND coalesce(a.metrics ->> 'provider', $5) = $3
        AND coalesce(a.metrics -> 'reusedFrom', a.metrics -> 'mergedBefore', 'null') = 'null'
        AND (a.status IN ('SUCCEEDED', 'BLOCKED') OR a.status IN ('FAILED', 'TIMED_OUT') AND a.failure_class IN ('task', 'agent', 'provider'))
    ), last_good AS (
      SELECT l.ended_at, l.id FROM late l WHERE NOT l.is_fault ORDER BY l.ended_at DESC, l.id DESC LIMIT 1
    )
    SELECT count(DISTINCT l.counted_as) FILTER (WHERE l.is_fault)::int AS faults, count(*) FILTER (WHERE NOT l.is_fault)::int AS good,
           count(DISTINCT l.counted_as) FILTER (WHERE l.is_fault AND (g.id IS NULL OR (l.ended_at, l.id) > (g.ended_at, g.id)))::int AS in_row
    FROM late l LEFT JOIN last_good g ON true`,
};

/** What the attempts with an agent and provider say that ended since, within the window. */
export async function countFaults(
  connection: Connection,
  key: BreakerKey,
  options: { since: Date; now: Date; policy: BreakerPolicy; unknownProvider: string },
): Promise<FaultCounts> {
  const windowStart = new Date(options.now.getTime() - options.policy.windowSeconds * 1_000);
  const rows = await run<{ good: number; faults: number; in_row: number }>(connection, COUNT, [
    key.workspaceId,
    key.agent,
    key.provider,
    options.since > windowStart ? options.since : windowStart,
    options.unknownProvider,
  ]);
  const row = rows[0] as { good: number; faults: number; in_row: number };
  return { attempts: row.good + row.faults, faults: row.faults, inRow: row.in_row };
}

const ENDED = {
  name: 'find_ended_attempt',
  text: `SELECT id, workspace_id, agent, status, failure_class, error, metrics, ended_at FROM attempts
         WHERE id = $1 AND ($2::uuid IS NULL OR workspace_id = $2)`,
};

/** What an attempt that has ended says to a breaker. */
export interface EndedAttemptRow {
  id: string;
  workspace_id: string;
  agent: string | null;
  status: AttemptStatus;
  failure_class: FailureClass | null;
  error: string | null;
  metrics: Json | null;
  ended_at: Date;
}

/** Null: it has not ended, or there is none. */
export async function findEndedAttempt(
  connection: Connection,
  attemptId: string,
  workspaceId: string | null,
): Promise<EndedAttemptRow | null> {
  return (await run<EndedAttemptRow>(connection, ENDED, [attemptId, workspaceId]))[0] ?? null;
}

const LIVE = {
  name: 'find_lease_of_attempt',
  text: 'SELECT merging, claimed_at FROM leases WHERE attempt_id = $1 AND ($2::uuid IS NULL OR workspace_id = $2)',
};

/** Null: the attempt owns nothing. Merging: its code is complete. */
export async function findLease(
  connection: Connection,
  attemptId: string,
  workspaceId: string | null,
): Promise<{ merging: boolean; claimed_at: Date } | null> {
  return (
    (await run<{ merging: boolean; claimed_at: Date }>(connection, LIVE, [attemptId, workspaceId]))[0] ?? null
  );
}

const LET_GO = { name: 'let_held_tasks_go', text: 'SELECT let_held_tasks_go($1, $2, $3, $4, $5) AS amount' };
/** In one transaction. */
const LET_GO_BATCH = 500;
const LET_GO_ROUNDS_MAX = 40;

/** Tasks that were given back because of this breaker are claimable at once, all or some of them. Returns how many. */
export async function letHeldTasksGo(
  pool: Pool,
  key: BreakerKey,
  now: Date,
  amountMax = Number.POSITIVE_INFINITY,
): Promise<number> {
  let all = 0;
  for (let round = 0; round < LET_GO_ROUNDS_MAX; round += 1) {
    const rows = await runAlone<{ amount: number }>(pool, LET_GO, [
      key.workspaceId,
      key.agent,
      key.provider,
      Math.min(LET_GO_BATCH, amountMax - all),
      now,
    ]);
    const amount = rows[0]?.amount ?? 0;
    all += amount;
    if (amount < LET_GO_BATCH || all >= amountMax) break;
  }
  return all;
}

const CLOSED_BUT_HOLDING = {
  name: 'closed_breakers_that_hold',
  text: `SELECT b.* FROM breakers b WHERE b.status = 'closed' AND ($1::uuid IS NULL OR b.workspace_id = $1)
           AND EXISTS (SELECT FROM held_tasks h WHERE (h.workspace_id, h.agent, h.provider) = (b.workspace_id, b.agent, b.provider))`,
};

/** Breakers that are closed while tasks are still marked as held by them: whoever closed one died before it let them go. */
export async function listClosedThatHold(
  connection: Connection,
  workspaceId: string | null,
): Promise<BreakerRow[]> {
  return run<BreakerRow>(connection, CLOSED_BUT_HOLDING, [workspaceId]);
}
