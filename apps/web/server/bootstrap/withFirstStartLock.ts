import type { Database } from '@neolith/database';

/** Any number that no other advisory lock of ours has. */
const FIRST_START_LOCK = 5_270_101;

/** Runs `work` while no other process of this database does the same; the lock ends with the connection at the latest. */
export async function withFirstStartLock<T>(
  { pool }: Pick<Database, 'pool'>,
  work: () => Promise<T>,
): Promise<T> {
  const client = await pool.connect();
  try {
    await client.query('SELECT pg_advisory_lock($1)', [FIRST_START_LOCK]);
    const result = await work();
    await client.query('SELECT pg_advisory_unlock($1)', [FIRST_START_LOCK]);
    client.release();
    return result;
  } catch (error) {
    // Destroyed, not given back: it may still hold the lock.
    client.release(true);
    throw error;
  }
}
