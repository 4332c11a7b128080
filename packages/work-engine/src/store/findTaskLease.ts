import { type Connection, run } from './sql.js';

const STATEMENT = {
  name: 'find_task_lease',
  text: 'SELECT attempt_id, expires_at FROM leases WHERE task_id = $1',
};

/** Who holds a task now; null: nobody. */
export async function findTaskLease(
  connection: Connection,
  taskId: string,
): Promise<{ attempt_id: string; expires_at: Date | null } | null> {
  const rows = await run<{ attempt_id: string; expires_at: Date | null }>(connection, STATEMENT, [taskId]);
  return rows[0] ?? null;
}
