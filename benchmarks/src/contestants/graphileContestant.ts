import { Logger, makeWorkerUtils, run } from 'graphile-worker';
import type { Contestant } from './contestant.js';

/** graphile-worker as its README starts it: one task a fetch, one a completion; no dependencies, leases or history. */
export async function graphileContestant(url: string, tasks: number): Promise<Contestant> {
  const logger = new Logger(() => () => {});
  const utils = await makeWorkerUtils({ connectionString: url, logger });
  await utils.migrate();
  return {
    name: 'graphile-worker, plain',
    tasks,
    async fill(amount) {
      await utils.withPgClient((client) =>
        client.query(
          `SELECT graphile_worker.add_job('noop', json_build_object('n', i)) FROM generate_series(1, $1) i`,
          [amount],
        ),
      );
    },
    async drain(amount, inFlight) {
      let done = 0;
      await new Promise<void>((resolve, reject) => {
        const finished = (): void => {
          done += 1;
          if (done === amount) resolve();
        };
        run({
          connectionString: url,
          concurrency: inFlight,
          maxPoolSize: Math.max(10, inFlight + 2),
          pollInterval: 1_000,
          noHandleSignals: true,
          logger,
          taskList: { noop: finished },
        }).then(async (runner) => {
          await waitFor(() => done >= amount);
          await runner.stop();
        }, reject);
      });
      if (done !== amount) throw new Error(`graphile-worker did ${done} of ${amount} tasks`);
    },
    async close() {
      await utils.release();
    },
  };
}

async function waitFor(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 20));
}
