import { Logger, makeWorkerUtils, run } from 'graphile-worker';
import { arrivals } from './arrivals.js';
import type { Receiver } from './receiver.js';

/** A runner as its README starts one, woken by its own NOTIFY; jobs are added by connections of another pool. */
export async function graphileReceiver(url: string): Promise<Receiver> {
  const logger = new Logger(() => () => {});
  const utils = await makeWorkerUtils({ connectionString: url, logger });
  await utils.migrate();
  const { arrived, next } = arrivals();
  const runner = await run({
    connectionString: url,
    noHandleSignals: true,
    logger,
    taskList: { noop: arrived },
  });
  return {
    receive: async () => ({ hadAt: await next(), finish: async () => {} }),
    async create() {
      await utils.addJob('noop', {});
    },
    async close() {
      await runner.stop();
      await utils.release();
    },
  };
}
