import type { BackoffSettings } from '@neolith/contracts';
import { type Connection, run } from './sql.js';

const STATEMENT = { name: 'read_run_backoff', text: 'SELECT backoff FROM runs WHERE id = $1' };

/** What a run says of the waits of its tasks; null: nothing. */
export async function readRunBackoff(connection: Connection, runId: string): Promise<BackoffSettings | null> {
  const rows = await run<{ backoff: BackoffSettings | null }>(connection, STATEMENT, [runId]);
  return rows[0]?.backoff ?? null;
}
