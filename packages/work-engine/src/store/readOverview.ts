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
    -- By index a little more than the week, then by the calendar: a midnight that exists twice is not the border then.
    LEFT JOIN LATERAL (
      SELECT (x.finished_at AT TIME ZONE o.time_zone)::date AS day,
             count(*) FILTER (WHERE x.status = 'DONE') AS completed, count(*) FILTER (WHERE x.status = 'FAILED') AS failed,
             sum(extract(epoch FROM x.finished_at - x.claimed_at)) FILTER (WHERE x.status = 'DONE')::float8 AS seconds
      FROM task_outcomes x
      WHERE x.orchestrator_id = o.id AND x.finished_at >= engine_now($2) - interval '9 days'
      GROUP BY 1
    ) d ON d.day = s.day
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
