import { EventEmitter, once } from 'node:events';
import { Logger, makeWorkerUtils, run, type WorkerEvents, WorkerPreset } from 'graphile-worker';
import pg from 'pg';
import { type Contestant, type Drained, monotonicMs } from './contestant.js';
import type { GraphileSettings } from './contestantSettings.js';
import { settleDatabase } from './settleDatabase.js';

/** "If in doubt, 10 or concurrentJobs + 2, whichever is larger", as long as the server has so many to give. */
const poolSizeFor = (inFlight: number): number => Math.min(100, Math.max(10, inFlight + 2));

const report = (error: Error): void => {
  console.error(error);
};

/**
 * graphile-worker: no leases, attempts or history; a finished job is deleted. Its runner is made anew for each round,
 * so that it rests between them; its clock starts with its first fetch, on connections that stand already.
 */
export async function graphileContestant({ url, mode }: GraphileSettings): Promise<Contestant> {
  const logger = new Logger(() => () => {});
  const utils = await makeWorkerUtils({ connectionString: url, logger });
  await utils.migrate();
  let pool: pg.Pool | null = null;

  async function poolFor(inFlight: number): Promise<pg.Pool> {
    const max = poolSizeFor(inFlight);
    if (pool?.options.max === max) return pool;
    await pool?.end();
    pool = null;
    const opened = new pg.Pool({ connectionString: url, max, idleTimeoutMillis: 0 });
    // It asks for a listener on each client, too.
    opened.on('error', report);
    opened.on('connect', (client) => {
      client.on('error', report);
    });
    pool = opened;
    // Batched it needs few at once.
    const used = mode === 'plain' ? max : Math.min(max, 10);
    const clients = await Promise.all(Array.from({ length: used }, () => opened.connect()));
    for (const client of clients) client.release();
    return opened;
  }

  async function isEmpty(): Promise<boolean> {
    const { rows } = await utils.withPgClient((client) =>
      client.query<{ left: boolean }>('SELECT EXISTS (SELECT FROM graphile_worker._private_jobs) AS left'),
    );
    return rows[0]?.left === false;
  }

  return {
    joinWith: null,
    async fill(amount) {
      await utils.withPgClient((client) =>
        client.query(
          `SELECT count(*) FROM graphile_worker.add_jobs(ARRAY(
             SELECT json_populate_record(NULL::graphile_worker.job_spec, json_build_object('identifier', 'noop', 'payload', json_build_object('n', i)))
             FROM generate_series(1, $1) i))`,
          [amount],
        ),
      );
      await settleDatabase(url);
    },
    async drain(amount, inFlight): Promise<Drained> {
      const pgPool = await poolFor(inFlight);
      const events: WorkerEvents = new EventEmitter();
      const fetching = Promise.race([
        once(events, 'localQueue:init'),
        once(events, 'worker:getJob:start'),
      ]).then(monotonicMs);
      const done: string[] = [];
      let finish: () => void = () => {};
      const finished = new Promise<void>((resolve) => {
        finish = resolve;
      });
      const taskList = {
        noop: (payload: unknown): void => {
          done.push(String((payload as { n: number }).n));
          if (done.length === amount) finish();
        },
      };
      const runner =
        mode === 'plain'
          ? await run({ pgPool, concurrency: inFlight, noHandleSignals: true, logger, taskList, events })
          : await run({
              pgPool,
              noHandleSignals: true,
              logger,
              taskList,
              events,
              preset: {
                extends: [WorkerPreset],
                worker: {
                  concurrentJobs: inFlight,
                  localQueue: {
                    size: mode === 'batched' ? inFlight : mode,
                    refetchDelay: { durationMs: 10 },
                  },
                  completeJobBatchDelay: 0,
                  failJobBatchDelay: 0,
                },
              },
            });
      await finished;
      // A handler's end is not yet the end of its job: that is deleted after it.
      while (!(await isEmpty())) await new Promise((resolve) => setTimeout(resolve, 1));
      const endedAt = monotonicMs();
      const startedAt = await fetching;
      await runner.stop();
      return { startedAt, endedAt, done };
    },
    async verify() {
      if (!(await isEmpty())) throw new Error('graphile-worker still holds jobs');
    },
    async close() {
      await utils.release();
      await pool?.end();
    },
  };
}
