import type { TaskStatus } from '@neolith/contracts';
import { type AttemptRow, ENDED_ATTEMPT_COLUMNS, LIVE_ATTEMPT_COLUMNS, type TaskRow } from './rows.js';
import { type Connection, run } from './sql.js';

const TASKS = {
  name: 'list_tasks',
  text: `
    SELECT * FROM tasks
    WHERE ($1::uuid IS NULL OR workspace_id = $1)
      AND ($2::uuid IS NULL OR orchestrator_id = $2)
      AND (NOT $3::boolean OR orchestrator_id IS NULL)
      AND ($4::task_status IS NULL OR status = $4)
      AND ($5::text IS NULL OR source = $5)
      AND ($6::uuid IS NULL OR run_id = $6)
      AND ($7::uuid IS NULL OR id < $7)
    ORDER BY id DESC LIMIT $8`,
};

export async function listTaskRows(
  connection: Connection,
  input: {
    workspaceId: string | null;
    orchestratorId: string | null;
    unassigned: boolean;
    status: TaskStatus | null;
    source: string | null;
    runId: string | null;
    before: string | null;
    limit: number;
  },
): Promise<TaskRow[]> {
  return run<TaskRow>(connection, TASKS, [
    input.workspaceId,
    input.orchestratorId,
    input.unassigned,
    input.status,
    input.source,
    input.runId,
    input.before,
    input.limit,
  ]);
}

const KNOWN = {
  name: 'orchestrator_known',
  text: 'SELECT 1 FROM orchestrators WHERE id = $1 AND ($2::uuid IS NULL OR workspace_id = $2)',
};

const ATTEMPTS = {
  name: 'list_attempts',
  text: `
    SELECT a.*, t.title FROM (
      SELECT ${LIVE_ATTEMPT_COLUMNS} FROM leases WHERE orchestrator_id = $1 AND $2::timestamptz IS NULL
      UNION ALL
      (SELECT ${ENDED_ATTEMPT_COLUMNS} FROM attempts
       WHERE orchestrator_id = $1 AND ($2::timestamptz IS NULL OR (ended_at, id) < ($2, $3::uuid))
       ORDER BY ended_at DESC, id DESC LIMIT $4)
    ) a JOIN tasks t ON t.id = a.task_id
    ORDER BY a.ended_at DESC NULLS FIRST, a.id DESC`,
};

/** On the first page all that run, then `limit` ended ones, by (ended_at, id) falling. Null: no such orchestrator. */
export async function listAttemptRows(
  connection: Connection,
  input: {
    workspaceId: string | null;
    orchestratorId: string;
    beforeEndedAt: Date | null;
    beforeId: string | null;
    limit: number;
  },
): Promise<(AttemptRow & { title: string })[] | null> {
  const known = await run(connection, KNOWN, [input.orchestratorId, input.workspaceId]);
  if (known.length === 0) return null;
  return run<AttemptRow & { title: string }>(connection, ATTEMPTS, [
    input.orchestratorId,
    input.beforeEndedAt,
    input.beforeId,
    input.limit,
  ]);
}
