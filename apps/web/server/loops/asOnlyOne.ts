import type { Database } from '@neolith/database';

/** The locks that replicas of this server take turns by; each loop has one. */
export const LOOP_LOCKS = { sweep: 5_270_102, reconcile: 5_270_103 } as const;

/**
 * Does the work unless another replica is just at it. The lock is of a transaction, which ends with its connection: one
 * that dies in the middle holds up nobody.
 *
 * @returns whether this process was the one
 */
export async function asOnlyOne(
  { pool }: Pick<Database, 'pool'>,
  lock: number,
  work: () => Promise<void>,
): Promise<boolean> {
  const client = await pool.connect();
  let broken = true;
  try {
    await client.query('BEGIN');
    const { rows } = await client.query<{ ours: boolean }>('SELECT pg_try_advisory_xact_lock($1) AS ours', [
      lock,
    ]);
    const ours = rows[0]?.ours === true;
    if (ours) await work();
    await client.query('COMMIT');
    broken = false;
    return ours;
  } finally {
    // One that failed in between may still be in its transaction, and in possession of the lock.
    client.release(broken);
  }
}
