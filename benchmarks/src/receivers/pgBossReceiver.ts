import { PgBoss } from 'pg-boss';
import { arrivals } from './arrivals.js';
import type { Receiver } from './receiver.js';

const QUEUE = 'noop';

/** Its worker on a queue with `notify`, which wakes it without waiting for a poll; jobs are sent by another instance. */
export async function pgBossReceiver(url: string): Promise<Receiver> {
  const open = async (useListenNotify: boolean): Promise<PgBoss> => {
    const boss = new PgBoss({ connectionString: url, supervise: false, schedule: false, useListenNotify });
    boss.on('error', (error) => {
      console.error(error);
    });
    await boss.start();
    return boss;
  };
  const maker = await open(false);
  await maker.createQueue(QUEUE, { notify: true });
  const worker = await open(true);
  const { arrived, next } = arrivals();
  await worker.work(QUEUE, async () => arrived());
  return {
    receive: async () => ({ hadAt: await next(), finish: async () => {} }),
    async create() {
      await maker.send(QUEUE, {});
    },
    async close() {
      await worker.stop({ graceful: false });
      await maker.stop({ graceful: false });
    },
  };
}
