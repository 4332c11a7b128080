import type { Json } from '@neolith/contracts';
import type { TaskRow } from './rows.js';
import { type Connection, run } from './sql.js';

const STATEMENT = {
  name: 'write_progress',
  // The lease first, as everybody does; who doesn't hold it writes nothing.
  text: `
    WITH held AS (
      SELECT task_id, attempt_id, orchestrator_id, daemon_id, run_id FROM leases
      WHERE task_id = $1 AND ($2::uuid IS NULL OR workspace_id = $2)
        AND (attempt_id = $3 OR ($3::uuid IS NULL AND expires_at IS NULL))
      FOR UPDATE
    ), written AS (
      UPDATE tasks t
         SET progress = $4, progress_message = coalesce($5, t.progress_message), metadata = t.metadata || coalesce($6::jsonb, '{}'),
             updated_at = engine_now($9)
        FROM held h
       WHERE t.id = h.task_id AND ($6::jsonb IS NULL OR octet_length((t.metadata || $6::jsonb)::text) <= $7)
      RETURNING t.*
    ), told AS (
      INSERT INTO events (workspace_id, task_id, attempt_id, orchestrator_id, daemon_id, run_id, at, type, actor, data)
      SELECT w.workspace_id, w.id, h.attempt_id, h.orchestrator_id, h.daemon_id, h.run_id, w.updated_at, 'task.progress', $8,
             jsonb_strip_nulls(jsonb_build_object('progress', w.progress, 'message', $5::text))
      FROM written w, held h
    )
    SELECT * FROM written`,
};

/** Writes the progress of the attempt that holds the task; null: it doesn't hold it, or the metadata would be too large. */
export async function writeProgress(
  connection: Connection,
  input: {
    taskId: string;
    workspaceId: string | null;
    attemptId: string | null;
    progress: number;
    message: string | null;
    metadata: Record<string, Json> | null;
    metadataLimitBytes: number;
    actor: string;
    now: Date | null;
  },
): Promise<TaskRow | null> {
  const rows = await run<TaskRow>(connection, STATEMENT, [
    input.taskId,
    input.workspaceId,
    input.attemptId,
    input.progress,
    input.message,
    input.metadata === null ? null : JSON.stringify(input.metadata),
    input.metadataLimitBytes,
    input.actor,
    input.now,
  ]);
  return rows[0] ?? null;
}
