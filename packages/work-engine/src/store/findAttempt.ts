import { type AttemptRow, ENDED_ATTEMPT_COLUMNS, LIVE_ATTEMPT_COLUMNS } from './rows.js';
import { type Connection, run } from './sql.js';

const BY_ID = {
  name: 'find_attempt',
  text: `
    SELECT ${LIVE_ATTEMPT_COLUMNS} FROM leases WHERE attempt_id = $1 AND ($2::uuid IS NULL OR workspace_id = $2)
    UNION ALL
    SELECT ${ENDED_ATTEMPT_COLUMNS} FROM attempts WHERE id = $1 AND ($2::uuid IS NULL OR workspace_id = $2)
    LIMIT 1`,
};

/** A live or ended attempt. */
export async function findAttempt(
  connection: Connection,
  attemptId: string,
  workspaceId: string | null,
): Promise<AttemptRow | null> {
  const rows = await run<AttemptRow>(connection, BY_ID, [attemptId, workspaceId]);
  return rows[0] ?? null;
}

const OF_TASK = {
  name: 'attempts_of_task',
  text: `
    SELECT * FROM (
      SELECT ${LIVE_ATTEMPT_COLUMNS} FROM leases WHERE task_id = $1
      UNION ALL
      (SELECT ${ENDED_ATTEMPT_COLUMNS} FROM attempts WHERE task_id = $1 ORDER BY number DESC LIMIT 100)
    ) a ORDER BY number DESC, id DESC`,
};

/** The attempts at a task, newest first, at most the last hundred. */
export async function findAttemptsOfTask(connection: Connection, taskId: string): Promise<AttemptRow[]> {
  return run<AttemptRow>(connection, OF_TASK, [taskId]);
}
