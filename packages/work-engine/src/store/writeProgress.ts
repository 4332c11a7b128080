import type { Json } from '@neolith/contracts';
import type { Pool } from 'pg';
import type { TaskRow } from './rows.js';
import { runAlone } from './sql.js';

const STATEMENT = {
  name: 'write_progress',
  // The leases first and by task id, as everybody does; who doesn't hold its task writes nothing.
  text: `
    WITH held AS MATERIALIZED (
      SELECT l.task_id, l.attempt_id, l.orchestrator_id AS held_by, l.daemon_id, r.progress AS percent, r.message, r.metadata AS more
      FROM unnest($1::uuid[], $2::uuid[], $3::int[], $4::text[], $5::jsonb[]) AS r(task_id, attempt_id, progress, message, metadata)
      -- A range that holds one id, and an order that is no index's: see renew_leases.
      JOIN leases l ON l.task_id BETWEEN r.task_id AND r.task_id
      WHERE ($6::uuid IS NULL OR l.workspace_id = $6) AND (l.attempt_id = r.attempt_id OR (r.attempt_id IS NULL AND l.expires_at IS NULL))
      ORDER BY ROW(l.task_id) FOR UPDATE OF l
    ), written AS (
      UPDATE tasks t
         SET progress = h.percent, progress_message = coalesce(h.message, t.progress_message), metadata = t.metadata || coalesce(h.more, '{}'),
             updated_at = engine_now($9)
        FROM held h
       WHERE t.id = h.task_id AND (h.more IS NULL OR octet_length((t.metadata || h.more)::text) <= $7)
      RETURNING t.*, h.attempt_id, h.held_by, h.daemon_id, h.message
    ), told AS (
      INSERT INTO events (workspace_id, task_id, attempt_id, orchestrator_id, daemon_id, run_id, at, type, actor, data)
      SELECT w.workspace_id, w.id, w.attempt_id, w.held_by, w.daemon_id, w.run_id, w.updated_at, 'task.progress', $8,
             jsonb_strip_nulls(jsonb_build_object('progress', w.progress, 'message', w.message))
      FROM (SELECT * FROM written ORDER BY written.id) w
    )
    SELECT * FROM written`,
};

export interface ProgressReport {
  taskId: string;
  /** Null: the one lease of the task, if it never runs out. */
  attemptId: string | null;
  /** Whole percent, 0 to 100. */
  progress: number;
  message: string | null;
  /** Merged key by key. */
  metadata: Record<string, Json> | null;
}

/** What reports must have in common to be written together. */
export interface ProgressGroup {
  workspaceId: string | null;
  actor: string;
  metadataLimitBytes: number;
  now: Date | null;
}

export type ProgressRow = TaskRow;

/**
 * Writes the progress of attempts that hold their tasks, in one round trip; each report's task in its place, null: it
 * doesn't hold it, or the metadata would be too large. No task twice.
 */
export async function writeProgress(
  pool: Pool,
  group: ProgressGroup,
  reports: readonly ProgressReport[],
): Promise<(ProgressRow | null)[]> {
  const rows = await runAlone<ProgressRow>(pool, STATEMENT, [
    reports.map((report) => report.taskId),
    reports.map((report) => report.attemptId),
    reports.map((report) => report.progress),
    reports.map((report) => report.message),
    reports.map((report) => (report.metadata === null ? null : JSON.stringify(report.metadata))),
    group.workspaceId,
    group.metadataLimitBytes,
    group.actor,
    group.now,
  ]);
  const byTask = new Map(rows.map((row) => [row.id, row]));
  return reports.map((report) => byTask.get(report.taskId) ?? null);
}
