import type { TestDatabase } from '@neolith/database/testing';

/**
 * The time from which everything that is committed now can be read by followers: they wait for every older transaction
 * of the whole server, and other test files have long ones on it.
 */
export async function whenVisible({ database }: TestDatabase): Promise<number> {
  const { rows } = await database.pool.query<{ xid: string }>('SELECT pg_current_xact_id()::text AS xid');
  for (;;) {
    const { rows: seen } = await database.pool.query<{ settled: boolean }>(
      'SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint > $1::bigint AS settled',
      [rows[0]?.xid],
    );
    if (seen[0]?.settled === true) return performance.now();
  }
}
