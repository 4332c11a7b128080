import type { Database } from '@neolith/database';
import type { WorkEngine } from '@neolith/work-engine';
import { log } from '../log';

const SWEEP_LOCK = 5_270_102;

/**
 * Ends attempts whose lease ran out, promotes delayed tasks and reviews runs, unless another replica is just at it. The lock is of
 * a transaction, which ends with its connection: a sweeper that dies in the middle holds up nobody.
 *
 * @param options.reachableSeconds how long daemons could reach us without a break; see `sweepExpiredLeases`
 * @returns whether this process was the one that swept
 */
export async function sweep(
  { pool }: Pick<Database, 'pool'>,
  engine: WorkEngine,
  options: { reachableSeconds?: number } = {},
): Promise<boolean> {
  const client = await pool.connect();
  let broken = true;
  try {
    await client.query('BEGIN');
    const { rows } = await client.query<{ ours: boolean }>('SELECT pg_try_advisory_xact_lock($1) AS ours', [
      SWEEP_LOCK,
    ]);
    const ours = rows[0]?.ours === true;
    if (ours) {
      const { lost, promoted, runs } = await engine.sweepExpiredLeases(options);
      if (lost.length > 0) log.warn({ lost, promoted }, 'Leases ran out: their tasks go back');
      if (runs.length > 0) log.info({ runs }, 'Runs ended, timed out or opened a wave');
    }
    await client.query('COMMIT');
    broken = false;
    return ours;
  } finally {
    // One that failed in between may still be in its transaction, and in possession of the lock.
    client.release(broken);
  }
}
