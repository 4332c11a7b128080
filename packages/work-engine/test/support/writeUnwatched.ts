import type { Pool, PoolClient } from 'pg';

/** One transaction in which no trigger fires and no reference is checked, as fast as the machine writes. */
export async function writeUnwatched(
  pool: Pool,
  write: (client: PoolClient) => Promise<void>,
): Promise<void> {
  const client = await pool.connect();
  try {
    await client.query('BEGIN');
    await client.query('SET LOCAL session_replication_role = replica');
    await write(client);
    await client.query('COMMIT');
  } catch (error) {
    await client.query('ROLLBACK');
    throw error;
  } finally {
    client.release();
  }
}
