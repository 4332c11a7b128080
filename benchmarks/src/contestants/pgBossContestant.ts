import pg from 'pg';
import { PgBoss } from 'pg-boss';
import { type Contestant, type Drained, monotonicMs } from './contestant.js';
import type { PgBossSettings } from './contestantSettings.js';
import { settleDatabase } from './settleDatabase.js';

const QUEUE = 'noop';
const FILLED_AT_ONCE = 5_000;
/** Tried 10 (its default), 30 and 80: this was the fastest with 32 and with 128 in flight. */
const CONNECTIONS = 30;

/**
 * pg-boss by its `fetch` and `complete`, as many loops as fill what is in flight: its `work` waits for a poll after each
 * fetch, or fetches as these loops do. Its supervision is off, as nothing of ours sweeps either.
 */
export async function pgBossContestant({ url, batchSize }: PgBossSettings): Promise<Contestant> {
  const boss = new PgBoss({ connectionString: url, max: CONNECTIONS, supervise: false, schedule: false });
  boss.on('error', (error) => {
    console.error(error);
  });
  await boss.start();
  await boss.createQueue(QUEUE);
  return {
    joinWith: null,
    async fill(amount) {
      for (let made = 0; made < amount; made += FILLED_AT_ONCE) {
        await boss.insert(
          QUEUE,
          Array.from({ length: Math.min(FILLED_AT_ONCE, amount - made) }, (_, offset) => ({
            data: { n: made + offset },
          })),
        );
      }
      await settleDatabase(url);
    },
    async drain(amount, inFlight): Promise<Drained> {
      const done: string[] = [];
      const startedAt = monotonicMs();
      await Promise.all(
        Array.from({ length: Math.max(1, Math.round(inFlight / batchSize)) }, async () => {
          while (done.length < amount) {
            const jobs = await boss.fetch<{ n: number }>(QUEUE, { batchSize });
            if (jobs.length === 0) return;
            await boss.complete(
              QUEUE,
              jobs.map(({ id }) => id),
            );
            for (const { data } of jobs) done.push(String(data.n));
          }
        }),
      );
      return { startedAt, endedAt: monotonicMs(), done };
    },
    async verify() {
      const client = new pg.Client(url);
      await client.connect();
      try {
        const { rows } = await client.query<{ count: string }>(
          `SELECT count(*) FROM pgboss.job WHERE name = $1 AND (state <> 'completed' OR retry_count > 0)`,
          [QUEUE],
        );
        if (rows[0]?.count !== '0') throw new Error(`pg-boss still holds ${rows[0]?.count} jobs`);
      } finally {
        await client.end();
      }
    },
    async close() {
      await boss.stop({ graceful: false });
    },
  };
}
