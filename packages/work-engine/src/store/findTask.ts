import type { TaskRow } from './rows.js';
import { type Connection, run } from './sql.js';

const STATEMENT = {
  name: 'find_task',
  text: 'SELECT * FROM tasks WHERE id = $1 AND ($2::uuid IS NULL OR workspace_id = $2)',
};

export async function findTask(
  connection: Connection,
  taskId: string,
  workspaceId: string | null,
): Promise<TaskRow | null> {
  const rows = await run<TaskRow>(connection, STATEMENT, [taskId, workspaceId]);
  return rows[0] ?? null;
}
