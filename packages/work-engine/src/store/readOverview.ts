import { type AttemptRow, LIVE_ATTEMPT_COLUMNS, type TaskReferenceRow } from './rows.js';
import { type Connection, run } from './sql.js';

const RUNNING = {
  name: 'overview_running',
  text: `
    SELECT l.*, t.title, t.status AS task_status, t.priority, t.progress, t.progress_message
    FROM (SELECT ${LIVE_ATTEMPT_COLUMNS} FROM leases WHERE $1::uuid IS NULL OR workspace_id = $1) l
    JOIN tasks t ON t.id = l.task_id
    ORDER BY l.claimed_at, l.id`,
};

export interface RunningRow extends AttemptRow, Pick<TaskReferenceRow, 'title' | 'priority'> {
  task_status: TaskReferenceRow['status'];
  progress: number;
  progress_message: string | null;
}

/** Everything that runs, oldest first. */
export async function readRunning(connection: Connection, workspaceId: string | null): Promise<RunningRow[]> {
  return run<RunningRow>(connection, RUNNING, [workspaceId]);
}

const WEEK = {
  name: 'overview_week',
  text: `
    SELECT o.id AS orchestrator_id,
           coalesce(sum(d.completed), 0)::int AS completed, coalesce(sum(d.failed), 0)::int AS failed,
           sum(d.seconds) / nullif(sum(d.completed), 0) AS average_seconds,
           jsonb_agg(jsonb_build_object('date', to_char(s.day, 'YYYY-MM-DD'), 'completed', coalesce(d.completed, 0), 'failed', coalesce(d.failed, 0))
                     ORDER BY s.day) AS throughput
    FROM orchestrators o
    CROSS JOIN LATERAL (SELECT (engine_now($2) AT TIME ZONE o.time_zone)::date AS today) t
    CROSS JOIN LATERAL (SELECT t.today - 6 + n AS day FROM generate_series(0, 6) AS n) s
    LEFT JOIN outcome_days c ON c.orchestrator_id = o.id AND c.day = s.day AND c.time_zone = o.time_zone
    LEFT JOIN LATERAL (
      -- A day that is summed up; or by index a little more than the day, then by the calendar: a midnight that exists twice
      -- is not the border then.
      SELECT sum(z.amount) FILTER (WHERE z.status = 'DONE') AS completed, sum(z.amount) FILTER (WHERE z.status = 'FAILED') AS failed,
             sum(z.seconds) FILTER (WHERE z.status = 'DONE') AS seconds
      FROM (
        SELECT u.status, u.amount, u.seconds FROM outcome_sums u WHERE u.orchestrator_id = c.orchestrator_id AND u.day = c.day
        UNION ALL
        SELECT x.status, count(*), sum(extract(epoch FROM x.finished_at - x.claimed_at))::float8
        FROM task_outcomes x
        WHERE c.day IS NULL AND x.orchestrator_id = o.id
          AND x.finished_at >= s.day::timestamp AT TIME ZONE o.time_zone - interval '2 hours'
          AND x.finished_at < (s.day + 1)::timestamp AT TIME ZONE o.time_zone + interval '2 hours'
          AND (x.finished_at AT TIME ZONE o.time_zone)::date = s.day
        GROUP BY 1
      ) z
    ) d ON true
    WHERE $1::uuid IS NULL OR o.workspace_id = $1
    GROUP BY o.id`,
};

export interface WeekRow {
  orchestrator_id: string;
  completed: number;
  failed: number;
  average_seconds: number | null;
  throughput: { date: string; completed: number; failed: number }[];
}

/** The last seven days of each orchestrator, in its time zone. */
export async function readWeek(
  connection: Connection,
  workspaceId: string | null,
  now: Date | null,
): Promise<WeekRow[]> {
  return run<WeekRow>(connection, WEEK, [workspaceId, now]);
}

const ALIVE = {
  name: 'overview_alive',
  text: `
    SELECT DISTINCT unnest(orchestrator_ids) AS orchestrator_id FROM daemons
    WHERE ($1::uuid IS NULL OR workspace_id = $1) AND state <> 'STOPPED' AND last_seen_at > engine_now($2) - interval '60 seconds'`,
};

/** The orchestrators that a daemon serves which was heard within the last minute. */
export async function readAlive(
  connection: Connection,
  workspaceId: string | null,
  now: Date | null,
): Promise<Set<string>> {
  const rows = await run<{ orchestrator_id: string }>(connection, ALIVE, [workspaceId, now]);
  return new Set(rows.map((row) => row.orchestrator_id));
}
