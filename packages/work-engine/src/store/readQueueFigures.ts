import type { BreakerStatus } from '@neolith/contracts';
import { type Connection, run } from './sql.js';

/** Runs of one orchestrator that are looked through for something that waits. */
const QUEUES_MAX = 1_000;

const QUEUES = {
  name: 'queue_figures',
  // Probes for each orchestrator, each with a limit: what it costs depends on how many there are and not on how much
  // they have. No ORDER BY over a queue but the one its index has.
  text: `
    WITH named AS (
      SELECT id, name, row_number() OVER (ORDER BY id) <= $2 AS is_named FROM orchestrators
      WHERE $1::uuid IS NULL OR workspace_id = $1 ORDER BY id LIMIT $4
    )
    SELECT CASE WHEN o.is_named THEN o.id END AS orchestrator_id, CASE WHEN o.is_named THEN o.name END AS name,
           sum(r.amount)::int AS ready, sum(d.amount)::int AS delayed, sum(b.amount)::int AS blocked, sum(l.amount)::int AS running,
           coalesce(max(extract(epoch FROM engine_now($5) - greatest(w.created_at, coalesce(e.at, w.created_at)))), 0)::float8 AS oldest_seconds
    FROM named o
    CROSS JOIN LATERAL (SELECT count(*) AS amount FROM (SELECT FROM ready_tasks q WHERE q.orchestrator_id = o.id LIMIT $3) x) r
    CROSS JOIN LATERAL (SELECT count(*) AS amount FROM (SELECT FROM delayed_tasks q WHERE q.orchestrator_id = o.id LIMIT $3) x) d
    CROSS JOIN LATERAL (SELECT count(*) AS amount FROM (SELECT FROM blocked_tasks q WHERE q.orchestrator_id = o.id LIMIT $3) x) b
    CROSS JOIN LATERAL (SELECT count(*) AS amount FROM (SELECT FROM leases q WHERE q.orchestrator_id = o.id LIMIT $3) x) l
    LEFT JOIN LATERAL (
      SELECT q.task_id, q.created_at FROM (
        SELECT z.task_id, z.run_id, z.created_at, z.xid FROM ready_tasks z WHERE z.orchestrator_id = o.id ORDER BY z.xid LIMIT 1000
      ) q
      WHERE q.run_id = '00000000-0000-0000-0000-000000000000'
         OR (SELECT u.status = 'RUNNING' FROM runs u WHERE u.id = q.run_id)
      ORDER BY q.xid LIMIT 1
    ) f ON true
    -- The thousand oldest may all be of runs that hand nothing out. Then queue by queue, whatever stands in the others: of
    -- each that is open the heads, of each priority the next one and the oldest without a due date.
    LEFT JOIN LATERAL (
      WITH RECURSIVE queue AS (
        (SELECT z.run_id, 1 AS place FROM ready_tasks z WHERE f.task_id IS NULL AND z.orchestrator_id = o.id ORDER BY z.orchestrator_id, z.run_id LIMIT 1)
        UNION ALL
        SELECT n.run_id, q.place + 1 FROM queue q CROSS JOIN LATERAL (
          SELECT z.run_id FROM ready_tasks z WHERE z.orchestrator_id = o.id AND z.run_id > q.run_id ORDER BY z.orchestrator_id, z.run_id LIMIT 1
        ) n
        WHERE q.place < ${QUEUES_MAX}
      )
      SELECT h.task_id, h.created_at FROM queue q CROSS JOIN unnest(enum_range(NULL::task_priority)) p(priority)
      CROSS JOIN LATERAL (
        (SELECT z.task_id, z.created_at, z.xid FROM ready_tasks z
         WHERE z.orchestrator_id = o.id AND z.run_id = q.run_id AND z.priority = p.priority
         ORDER BY z.due_at, z.created_at, z.task_id LIMIT 1)
        UNION ALL
        (SELECT z.task_id, z.created_at, z.xid FROM ready_tasks z
         WHERE z.orchestrator_id = o.id AND z.run_id = q.run_id AND z.priority = p.priority AND z.due_at = 'infinity'
         ORDER BY z.created_at, z.task_id LIMIT 1)
      ) h
      WHERE q.run_id = '00000000-0000-0000-0000-000000000000'
         OR (SELECT u.status = 'RUNNING' FROM runs u WHERE u.id = q.run_id)
      ORDER BY h.xid LIMIT 1
    ) g ON true
    CROSS JOIN LATERAL (SELECT coalesce(f.task_id, g.task_id) AS task_id, coalesce(f.created_at, g.created_at) AS created_at) w
    -- When it came in: its own history says so, and where that was trimmed its age is all there is.
    LEFT JOIN LATERAL (
      SELECT v.at FROM events v WHERE v.task_id = w.task_id AND v."to" = 'TODO' ORDER BY v.seq DESC LIMIT 1
    ) e ON true
    GROUP BY 1, 2 ORDER BY 1 NULLS LAST`,
};

export interface QueueFigureRow {
  orchestrator_id: string | null;
  name: string | null;
  ready: number;
  delayed: number;
  blocked: number;
  running: number;
  oldest_seconds: number;
}

export interface QueueFiguresInput {
  workspaceId: string | null;
  named: number;
  depthLimit: number;
  /** Orchestrators looked at. */
  limit: number;
  now: Date | null;
}

export async function readQueues(
  connection: Connection,
  input: QueueFiguresInput,
): Promise<QueueFigureRow[]> {
  return run<QueueFigureRow>(connection, QUEUES, [
    input.workspaceId,
    input.named,
    input.depthLimit,
    input.limit,
    input.now,
  ]);
}

const RUNS = {
  name: 'open_runs_by_status',
  // By the indexes on status, each by its own: what has ended is most of them, and nobody's alarm.
  text: `
    SELECT status, count(*)::int AS amount FROM runs
    WHERE status IN ('RUNNING', 'PAUSED') AND ($1::uuid IS NULL OR workspace_id = $1) GROUP BY 1
    UNION ALL
    SELECT 'QUARANTINED', count(*)::int FROM runs WHERE status = 'QUARANTINED' AND ($1::uuid IS NULL OR workspace_id = $1) HAVING count(*) > 0`,
};

export async function countOpenRuns(
  connection: Connection,
  workspaceId: string | null,
): Promise<{ status: 'RUNNING' | 'PAUSED' | 'QUARANTINED'; amount: number }[]> {
  return run(connection, RUNS, [workspaceId]);
}

const UNASSIGNED = {
  name: 'count_unassigned',
  // Of nobody is a place in each of these indexes.
  text: `
    SELECT (SELECT count(*) FROM (SELECT FROM ready_tasks q WHERE q.orchestrator_id IS NULL AND ($1::uuid IS NULL OR q.workspace_id = $1) LIMIT $2) x)::int
         + (SELECT count(*) FROM (SELECT FROM delayed_tasks q WHERE q.orchestrator_id IS NULL AND ($1::uuid IS NULL OR q.workspace_id = $1) LIMIT $2) x)::int
         + (SELECT count(*) FROM (SELECT FROM blocked_tasks q WHERE q.orchestrator_id IS NULL AND ($1::uuid IS NULL OR q.workspace_id = $1) LIMIT $2) x)::int AS amount`,
};

/** Open tasks of nobody, each state counted up to the limit. */
export async function countUnassigned(
  connection: Connection,
  workspaceId: string | null,
  limit: number,
): Promise<number> {
  const rows = await run<{ amount: number }>(connection, UNASSIGNED, [workspaceId, limit]);
  return rows[0]?.amount ?? 0;
}

const ALIVE = {
  name: 'count_daemons_alive',
  text: `
    SELECT count(*)::int AS amount FROM daemons
    WHERE ($1::uuid IS NULL OR workspace_id = $1) AND state <> 'STOPPED' AND last_seen_at > engine_now($2) - interval '60 seconds'`,
};

export async function countDaemonsAlive(
  connection: Connection,
  workspaceId: string | null,
  now: Date | null,
): Promise<number> {
  const rows = await run<{ amount: number }>(connection, ALIVE, [workspaceId, now]);
  return rows[0]?.amount ?? 0;
}

const BREAKERS = {
  name: 'breaker_statuses',
  text: `
    SELECT agent, provider, status FROM breakers WHERE ($1::uuid IS NULL OR workspace_id = $1)
    ORDER BY agent, provider, workspace_id LIMIT $2`,
};

export async function listBreakerStatuses(
  connection: Connection,
  workspaceId: string | null,
  limit: number,
): Promise<{ agent: string; provider: string; status: BreakerStatus }[]> {
  return run(connection, BREAKERS, [workspaceId, limit]);
}

const RESOURCES = {
  name: 'resource_figures',
  text: `
    SELECT (SELECT count(*) FROM (SELECT FROM resource_holds h WHERE $1::uuid IS NULL OR h.workspace_id = $1 LIMIT $2) x)::int AS held,
           count(w.attempt_id)::int AS attempts, (count(*) - count(w.attempt_id))::int AS tasks,
           coalesce(max(extract(epoch FROM engine_now($3) - w.since)), 0)::float8 AS oldest_seconds
    FROM (SELECT r.attempt_id, r.since FROM resource_waits r WHERE $1::uuid IS NULL OR r.workspace_id = $1 LIMIT $2) w`,
};

interface ResourceFigureRow {
  held: number;
  attempts: number;
  tasks: number;
  oldest_seconds: number;
}

export async function countResources(
  connection: Connection,
  input: { workspaceId: string | null; depthLimit: number; now: Date | null },
): Promise<ResourceFigureRow> {
  const values = [input.workspaceId, input.depthLimit, input.now];
  const [row] = await run<ResourceFigureRow>(connection, RESOURCES, values);
  return row as ResourceFigureRow;
}
