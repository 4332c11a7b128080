import type { Backlog, TaskPriority } from '@neolith/contracts';
import { addToBacklog, type BacklogPlace, emptyBacklog } from '../domain/backlog.js';
import { type Connection, run } from './sql.js';

interface Outcomes {
  completed: number;
  failed: number;
  cancelled: number;
}

export interface StatsRow extends Outcomes {
  time_zone: string;
  average_seconds: number | null;
  p50_seconds: number | null;
  p95_seconds: number | null;
  with_due_date: number;
  on_time: number;
  retries: number;
  in_progress: number;
  by_priority: ({ priority: TaskPriority } & Outcomes)[];
  by_day: ({ date: string } & Outcomes)[];
}

const STATS = {
  name: 'read_stats',
  text: `
    WITH o AS (
      SELECT id, time_zone FROM orchestrators WHERE id = $1 AND ($2::uuid IS NULL OR workspace_id = $2)
    ), ended AS MATERIALIZED (
      SELECT x.status, x.priority, x.attempts, x.due_at, x.finished_at, extract(epoch FROM x.finished_at - x.claimed_at)::float8 AS seconds
      FROM task_outcomes x JOIN o ON x.orchestrator_id = o.id
      WHERE x.finished_at >= $3 AND x.finished_at < $4
    ), totals AS (
      SELECT count(*) FILTER (WHERE status = 'DONE')::int AS completed,
             count(*) FILTER (WHERE status = 'FAILED')::int AS failed,
             count(*) FILTER (WHERE status = 'CANCELLED')::int AS cancelled,
             avg(seconds) FILTER (WHERE status = 'DONE') AS average_seconds,
             percentile_cont(0.5) WITHIN GROUP (ORDER BY seconds) FILTER (WHERE status = 'DONE') AS p50_seconds,
             percentile_cont(0.95) WITHIN GROUP (ORDER BY seconds) FILTER (WHERE status = 'DONE') AS p95_seconds,
             count(*) FILTER (WHERE status = 'DONE' AND due_at IS NOT NULL)::int AS with_due_date,
             count(*) FILTER (WHERE status = 'DONE' AND finished_at <= due_at)::int AS on_time,
             coalesce(sum(greatest(attempts - 1, 0)), 0)::int AS retries
      FROM ended
    ), priorities AS (
      SELECT priority, count(*) FILTER (WHERE status = 'DONE')::int AS completed, count(*) FILTER (WHERE status = 'FAILED')::int AS failed,
             count(*) FILTER (WHERE status = 'CANCELLED')::int AS cancelled
      FROM ended GROUP BY priority
    ), days AS (
      -- Dates and whole numbers: a series of timestamps would be one of the session's time zone.
      SELECT r.first + n AS day
      FROM o
      CROSS JOIN LATERAL (
        SELECT ($3::timestamptz AT TIME ZONE o.time_zone)::date AS first,
               (($4::timestamptz - interval '1 millisecond') AT TIME ZONE o.time_zone)::date AS last
      ) r
      CROSS JOIN LATERAL generate_series(0, r.last - r.first) AS n
    ), per_day AS (
      SELECT (e.finished_at AT TIME ZONE o.time_zone)::date AS day, count(*) FILTER (WHERE e.status = 'DONE')::int AS completed,
             count(*) FILTER (WHERE e.status = 'FAILED')::int AS failed, count(*) FILTER (WHERE e.status = 'CANCELLED')::int AS cancelled
      FROM ended e CROSS JOIN o GROUP BY 1
    )
    SELECT o.time_zone, t.*,
           (SELECT count(*)::int FROM leases l WHERE l.orchestrator_id = o.id) AS in_progress,
           (SELECT coalesce(jsonb_agg(to_jsonb(p)), '[]') FROM priorities p) AS by_priority,
           (SELECT coalesce(jsonb_agg(jsonb_build_object('date', to_char(d.day, 'YYYY-MM-DD'), 'completed', coalesce(k.completed, 0),
                     'failed', coalesce(k.failed, 0), 'cancelled', coalesce(k.cancelled, 0)) ORDER BY d.day), '[]')
            FROM days d LEFT JOIN per_day k ON k.day = d.day) AS by_day
    FROM o CROSS JOIN totals t`,
};

/** Null: no such orchestrator. */
export async function readStats(
  connection: Connection,
  input: { orchestratorId: string; workspaceId: string | null; start: Date; end: Date },
): Promise<StatsRow | null> {
  const rows = await run<StatsRow>(connection, STATS, [
    input.orchestratorId,
    input.workspaceId,
    input.start,
    input.end,
  ]);
  return rows[0] ?? null;
}

const BACKLOGS = {
  name: 'read_backlogs',
  text: `
    SELECT place, orchestrator_id, priority, sum(amount)::int AS amount FROM (
      SELECT 'ready' AS place, orchestrator_id, priority, count(*) AS amount FROM ready_tasks
       WHERE ($1::uuid IS NULL OR orchestrator_id = $1) AND ($2::uuid IS NULL OR workspace_id = $2) GROUP BY 2, 3
      UNION ALL
      SELECT 'delayed', orchestrator_id, priority, count(*) FROM delayed_tasks
       WHERE ($1::uuid IS NULL OR orchestrator_id = $1) AND ($2::uuid IS NULL OR workspace_id = $2) GROUP BY 2, 3
      UNION ALL
      SELECT 'blocked', orchestrator_id, priority, count(*) FROM blocked_tasks
       WHERE ($1::uuid IS NULL OR orchestrator_id = $1) AND ($2::uuid IS NULL OR workspace_id = $2) GROUP BY 2, 3
    ) open GROUP BY 1, 2, 3`,
};

/** Open work by orchestrator; under null what belongs to nobody. */
export async function readBacklogs(
  connection: Connection,
  input: { orchestratorId: string | null; workspaceId: string | null },
): Promise<Map<string | null, Backlog>> {
  const rows = await run<{
    place: BacklogPlace;
    orchestrator_id: string | null;
    priority: TaskPriority;
    amount: number;
  }>(connection, BACKLOGS, [input.orchestratorId, input.workspaceId]);
  const backlogs = new Map<string | null, Backlog>();
  for (const row of rows) {
    const backlog = backlogs.get(row.orchestrator_id) ?? emptyBacklog();
    backlogs.set(row.orchestrator_id, addToBacklog(backlog, row.place, row.priority, row.amount));
  }
  return backlogs;
}
