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

/** Up to so many durations in the range are sorted; the percentiles of more are read from the days' buckets. */
const SORTED_MAX = 10_000;

const STATS = {
  name: 'read_stats',
  // Days that are summed up, and the outcomes themselves of the other days: the first and the last of the range as a
  // rule, whoever asks, and those that changed since.
  text: `
    WITH o AS MATERIALIZED (
      SELECT id, time_zone, ($3::timestamptz AT TIME ZONE time_zone)::date AS first,
             (($4::timestamptz - interval '1 millisecond') AT TIME ZONE time_zone)::date AS last
      FROM orchestrators WHERE id = $1 AND ($2::uuid IS NULL OR workspace_id = $2)
    ), covered AS MATERIALIZED (
      SELECT d.day FROM o JOIN outcome_days d ON d.orchestrator_id = $1 AND d.time_zone = o.time_zone
      WHERE d.day >= (SELECT first FROM o) AND d.day <= (SELECT last FROM o) AND (d.first_at IS NULL OR d.first_at >= $3 AND d.last_at < $4)
    ), ended AS MATERIALIZED (
      -- A clock that goes back across midnight makes a date return: one more on each side, and two hours of each.
      SELECT u.day, x.*
      FROM o
      CROSS JOIN LATERAL (
        SELECT o.first + n AS day FROM generate_series(-1, o.last - o.first + 1) n EXCEPT SELECT c.day FROM covered c
      ) u
      CROSS JOIN LATERAL (
        SELECT x.status, x.priority, x.attempts, x.due_at, x.finished_at, extract(epoch FROM x.finished_at - x.claimed_at)::float8 AS seconds
        FROM task_outcomes x
        WHERE x.orchestrator_id = $1
          AND x.finished_at >= greatest($3, u.day::timestamp AT TIME ZONE o.time_zone - interval '2 hours')
          AND x.finished_at < least($4, (u.day + 1)::timestamp AT TIME ZONE o.time_zone + interval '2 hours')
          AND (x.finished_at AT TIME ZONE o.time_zone)::date = u.day
      ) x
    ), sums AS MATERIALIZED (
      SELECT s.day, s.priority, s.status, s.amount, s.timed, s.seconds, s.with_due_date, s.on_time, s.retries
      FROM covered c JOIN outcome_sums s ON s.orchestrator_id = $1 AND s.day = c.day
      UNION ALL
      SELECT day, priority, status, count(*), count(seconds), coalesce(sum(seconds), 0), count(due_at),
             count(*) FILTER (WHERE finished_at <= due_at), sum(greatest(attempts - 1, 0))
      FROM ended GROUP BY 1, 2, 3
    ), totals AS MATERIALIZED (
      SELECT coalesce(sum(amount) FILTER (WHERE status = 'DONE'), 0)::int AS completed,
             coalesce(sum(amount) FILTER (WHERE status = 'FAILED'), 0)::int AS failed,
             coalesce(sum(amount) FILTER (WHERE status = 'CANCELLED'), 0)::int AS cancelled,
             coalesce(sum(timed) FILTER (WHERE status = 'DONE'), 0)::int AS timed,
             sum(seconds) FILTER (WHERE status = 'DONE') / nullif(sum(timed) FILTER (WHERE status = 'DONE'), 0) AS average_seconds,
             coalesce(sum(with_due_date) FILTER (WHERE status = 'DONE'), 0)::int AS with_due_date,
             coalesce(sum(on_time) FILTER (WHERE status = 'DONE'), 0)::int AS on_time,
             coalesce(sum(retries), 0)::int AS retries
      FROM sums
    ), sorted AS (
      SELECT percentile_cont(ARRAY[0.5, 0.95]) WITHIN GROUP (ORDER BY extract(epoch FROM x.finished_at - x.claimed_at)::float8) AS cuts
      FROM task_outcomes x
      WHERE (SELECT timed FROM totals) <= ${SORTED_MAX}
        AND x.orchestrator_id = (SELECT id FROM o) AND x.finished_at >= $3 AND x.finished_at < $4 AND x.status = 'DONE'
    ), buckets AS (
      SELECT b.bucket, sum(sum(b.amount)) OVER (ORDER BY b.bucket) AS up_to
      FROM (
        SELECT g.bucket, g.amount
        FROM covered c JOIN outcome_days d ON d.orchestrator_id = $1 AND d.day = c.day
        CROSS JOIN LATERAL unnest(d.buckets, d.counts) AS g(bucket, amount)
        WHERE (SELECT timed FROM totals) > ${SORTED_MAX}
        UNION ALL
        SELECT duration_bucket(e.seconds), count(*) FROM ended e
        WHERE (SELECT timed FROM totals) > ${SORTED_MAX} AND e.status = 'DONE' AND e.seconds IS NOT NULL GROUP BY 1
      ) b GROUP BY b.bucket
    ), priorities AS (
      SELECT priority, coalesce(sum(amount) FILTER (WHERE status = 'DONE'), 0)::int AS completed,
             coalesce(sum(amount) FILTER (WHERE status = 'FAILED'), 0)::int AS failed,
             coalesce(sum(amount) FILTER (WHERE status = 'CANCELLED'), 0)::int AS cancelled
      FROM sums GROUP BY priority
    ), per_day AS (
      SELECT day, sum(amount) FILTER (WHERE status = 'DONE')::int AS completed,
             sum(amount) FILTER (WHERE status = 'FAILED')::int AS failed, sum(amount) FILTER (WHERE status = 'CANCELLED')::int AS cancelled
      FROM sums GROUP BY 1
    )
    SELECT o.time_zone, t.*,
           coalesce(r.cuts[1], (SELECT bucket_seconds(min(b.bucket)) FROM buckets b WHERE b.up_to >= 0.5 * t.timed)) AS p50_seconds,
           coalesce(r.cuts[2], (SELECT bucket_seconds(min(b.bucket)) FROM buckets b WHERE b.up_to >= 0.95 * t.timed)) AS p95_seconds,
           (SELECT count(*)::int FROM leases l WHERE l.orchestrator_id = o.id) AS in_progress,
           (SELECT coalesce(jsonb_agg(to_jsonb(p)), '[]') FROM priorities p) AS by_priority,
           (SELECT coalesce(jsonb_agg(jsonb_build_object('date', to_char(d.day, 'YYYY-MM-DD'), 'completed', coalesce(k.completed, 0),
                     'failed', coalesce(k.failed, 0), 'cancelled', coalesce(k.cancelled, 0)) ORDER BY d.day), '[]')
            FROM (SELECT o.first + n AS day FROM generate_series(0, o.last - o.first) n) d LEFT JOIN per_day k ON k.day = d.day) AS by_day
    FROM o CROSS JOIN totals t CROSS JOIN sorted r`,
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

/** One for one orchestrator and one for all: a plan that serves both would read the tables for one. */
const backlogs = (name: string, whose: string) => ({
  name,
  text: `
    SELECT place, orchestrator_id, priority, sum(amount)::int AS amount FROM (
      SELECT 'ready' AS place, orchestrator_id, priority, count(*) AS amount FROM ready_tasks
       WHERE ${whose} AND ($2::uuid IS NULL OR workspace_id = $2) GROUP BY 2, 3
      UNION ALL
      SELECT 'delayed', orchestrator_id, priority, count(*) FROM delayed_tasks
       WHERE ${whose} AND ($2::uuid IS NULL OR workspace_id = $2) GROUP BY 2, 3
      UNION ALL
      SELECT 'blocked', orchestrator_id, priority, count(*) FROM blocked_tasks
       WHERE ${whose} AND ($2::uuid IS NULL OR workspace_id = $2) GROUP BY 2, 3
    ) open GROUP BY 1, 2, 3`,
});
const BACKLOG_OF_ONE = backlogs('read_backlog_of_one', 'orchestrator_id = $1');
const BACKLOGS = backlogs('read_backlogs', '$1::uuid IS NULL');

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
  }>(connection, input.orchestratorId === null ? BACKLOGS : BACKLOG_OF_ONE, [
    input.orchestratorId,
    input.workspaceId,
  ]);
  const backlogs = new Map<string | null, Backlog>();
  for (const row of rows) {
    const backlog = backlogs.get(row.orchestrator_id) ?? emptyBacklog();
    backlogs.set(row.orchestrator_id, addToBacklog(backlog, row.place, row.priority, row.amount));
  }
  return backlogs;
}
