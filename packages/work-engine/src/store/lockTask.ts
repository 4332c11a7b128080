import type { PoolClient } from 'pg';
import { notFound } from '../ids.js';
import type { TaskRow } from './rows.js';
import { type Connection, run } from './sql.js';

const STATEMENT = { name: 'lock_task', text: 'SELECT * FROM lock_task($1, $2)' };

/** Locks a task for the rest of the transaction, first where it stands, then its row. */
export async function lockTask(
  client: PoolClient,
  taskId: string,
  workspaceId: string | null,
  givenId: string,
): Promise<TaskRow> {
  const rows = await run<TaskRow>(client, STATEMENT, [taskId, workspaceId]);
  if (rows[0] === undefined) throw notFound('task', givenId);
  return rows[0];
}

const NOW = { name: 'engine_now', text: 'SELECT engine_now($1) AS now' };

/** The engine's time; inside a transaction asked after the locks were taken. */
export async function readNow(client: Connection, now: Date | null): Promise<Date> {
  const rows = await run<{ now: Date }>(client, NOW, [now]);
  return (rows[0] as { now: Date }).now;
}
