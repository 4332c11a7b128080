import type { PoolClient } from 'pg';
import { type Connection, run } from './sql.js';

/** The counts of runs and waves as their tasks have them, beside those that are kept. */
const facts = (which: string) => `
    SELECT r.id,
      format('counts %s blocked, %s to do, %s in progress, %s merging, %s done, %s failed, %s cancelled; has %s, %s, %s, %s, %s, %s, %s',
             r.blocked, r.todo, r.in_progress, r.merging, r.done, r.failed, r.cancelled,
             c.blocked, c.todo, c.in_progress, c.merging, c.done, c.failed, c.cancelled) AS problem,
      c.*
    FROM runs r
    CROSS JOIN LATERAL (
      SELECT count(*) FILTER (WHERE t.status = 'BLOCKED')::int AS blocked, count(*) FILTER (WHERE t.status = 'TODO')::int AS todo,
             count(*) FILTER (WHERE t.status = 'IN_PROGRESS')::int AS in_progress, count(*) FILTER (WHERE t.status = 'MERGING')::int AS merging,
             count(*) FILTER (WHERE t.status = 'DONE')::int AS done, count(*) FILTER (WHERE t.status = 'FAILED')::int AS failed,
             count(*) FILTER (WHERE t.status = 'CANCELLED')::int AS cancelled
      FROM tasks t WHERE t.run_id = r.id
    ) c
    WHERE ${which} AND (
      (r.blocked, r.todo, r.in_progress, r.merging, r.done, r.failed, r.cancelled)
        <> (c.blocked, c.todo, c.in_progress, c.merging, c.done, c.failed, c.cancelled)
      OR EXISTS (
        SELECT FROM (
          SELECT t.wave, count(*) AS total, count(*) FILTER (WHERE t.status IN ('TODO', 'IN_PROGRESS', 'MERGING')) AS live,
                 count(*) FILTER (WHERE t.status = 'BLOCKED') AS blocked
          FROM tasks t WHERE t.run_id = r.id GROUP BY t.wave
        ) h FULL JOIN (SELECT w.wave, w.total, w.live, w.blocked FROM run_waves w WHERE w.run_id = r.id) k ON k.wave = h.wave
        WHERE (h.total, h.live, h.blocked) IS DISTINCT FROM (k.total::bigint, k.live::bigint, k.blocked::bigint)))`;

const FIND = { name: 'find_run_drift', text: facts('($1::uuid IS NULL OR r.workspace_id = $1)') };
const FIND_OPEN = {
  name: 'find_drift_of_open_runs',
  text: facts(
    `r.status IN ('RUNNING', 'PAUSED', 'QUARANTINED') AND ($1::uuid IS NULL OR r.workspace_id = $1)`,
  ),
};
const FIND_ONE = { name: 'find_drift_of_run', text: facts('r.id = $1') };
const LOCK = { name: 'repair_lock_counted_run', text: 'SELECT 1 FROM runs WHERE id = $1 FOR UPDATE' };
const WRITE = {
  name: 'repair_run_counts',
  text: `UPDATE runs SET blocked = $2, todo = $3, in_progress = $4, merging = $5, done = $6, failed = $7, cancelled = $8 WHERE id = $1`,
};
const FORGET_WAVES = { name: 'repair_forget_waves', text: 'DELETE FROM run_waves WHERE run_id = $1' };
const WRITE_WAVES = {
  name: 'repair_waves',
  text: `INSERT INTO run_waves (run_id, wave, total, live, blocked)
         SELECT run_id, wave, count(*), count(*) FILTER (WHERE status IN ('TODO', 'IN_PROGRESS', 'MERGING')), count(*) FILTER (WHERE status = 'BLOCKED')
         FROM tasks WHERE run_id = $1 GROUP BY run_id, wave`,
};

interface RunDriftRow {
  id: string;
  problem: string;
  blocked: number;
  todo: number;
  in_progress: number;
  merging: number;
  done: number;
  failed: number;
  cancelled: number;
}

/** Of the runs that still hand out work, or will: those whose counts are not those of their tasks. */
export async function findOpenRunDrift(
  connection: Connection,
  workspaceId: string | null,
): Promise<string[]> {
  return (await run<RunDriftRow>(connection, FIND_OPEN, [workspaceId])).map((row) => row.id);
}

/** Runs whose counts are not those of their tasks. */
export async function findRunDrift(connection: Connection, workspaceId: string | null): Promise<string[]> {
  return (await run<RunDriftRow>(connection, FIND, [workspaceId])).map((row) => row.id);
}

/** Looks again under the run's lock and counts anew; null: it was right by then. */
export async function repairRunCounts(client: PoolClient, runId: string): Promise<string | null> {
  await run(client, LOCK, [runId]);
  const [found] = await run<RunDriftRow>(client, FIND_ONE, [runId]);
  if (found === undefined) return null;
  const { blocked, todo, in_progress, merging, done, failed, cancelled } = found;
  await run(client, WRITE, [runId, blocked, todo, in_progress, merging, done, failed, cancelled]);
  await run(client, FORGET_WAVES, [runId]);
  await run(client, WRITE_WAVES, [runId]);
  return found.problem;
}
