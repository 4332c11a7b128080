import type { Pool, PoolClient } from 'pg';
import { transact } from '../../src/store/sql.js';

/** One transaction in which no trigger fires and no reference is checked, as fast as the machine writes. */
export function writeUnwatched(pool: Pool, write: (client: PoolClient) => Promise<void>): Promise<void> {
  return transact(pool, async (client) => {
    await client.query('SET LOCAL session_replication_role = replica');
    await write(client);
  });
}
