import type { Database } from '@neolith/database';

type LockHolder = { query(text: string): Promise<unknown> };

/** The locks that replicas of this server take turns by; each loop has one. */
export const LOOP_LOCKS = { sweep: 5_270_102, reconcile: 5_270_103 } as const;

/** PostgreSQL ends a transaction that is idle for 15 s: three signs of life in that time. */
export const SIGN_OF_LIFE_MS = 5_000;

/**
 * Does the work unless another replica is just at it. The lock is of a transaction, which ends with its connection: one
 * that dies in the middle holds up nobody. The transaction itself does nothing while the work goes on elsewhere, so it
 * gives signs of life: a replica that works keeps its lock for as long as it takes, and one that was stopped, or cut off,
 * loses it when they stop coming.
 *
 * @param options.signOfLifeMs milliseconds between them. Default 5,000
 * @returns whether this process was the one
 */
export async function asOnlyOne(
  { pool }: Pick<Database, 'pool'>,
  lock: number,
  work: () => Promise<void>,
  options: { signOfLifeMs?: number } = {},
): Promise<boolean> {
  const client = await pool.connect();
  let broken = true;
  try {
    await client.query('BEGIN');
    const { rows } = await client.query<{ ours: boolean }>('SELECT pg_try_advisory_xact_lock($1) AS ours', [
      lock,
    ]);
    const ours = rows[0]?.ours === true;
    if (ours) await withSignsOfLife(client, options.signOfLifeMs ?? SIGN_OF_LIFE_MS, work);
    await client.query('COMMIT');
    broken = false;
    return ours;
  } finally {
    // One that failed in between may still be in its transaction, and in possession of the lock.
    client.release(broken);
  }
}

/** Errors: that of the work; else that of a sign of life, since the lock is lost with the connection. */
async function withSignsOfLife(
  client: LockHolder,
  everyMs: number,
  work: () => Promise<void>,
): Promise<void> {
  let failure: { error: unknown } | null = null;
  let underWay: Promise<void> = Promise.resolve();
  const timer = setInterval(() => {
    underWay = client.query('SELECT 1').then(
      () => undefined,
      (error: unknown) => {
        failure ??= { error };
      },
    );
  }, everyMs);
  timer.unref();
  try {
    await work();
  } finally {
    clearInterval(timer);
    await underWay;
  }
  const lost = failure as { error: unknown } | null;
  if (lost !== null) throw lost.error;
}
