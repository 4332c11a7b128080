import { Queue, Worker } from 'bullmq';
import { arrivals } from './arrivals.js';
import type { Receiver } from './receiver.js';

const QUEUE = 'noop';

/** A worker that blocks on its marker, as it does by itself; jobs are added by another connection. */
export async function bullmqReceiver(port: number): Promise<Receiver> {
  const connection = { host: '127.0.0.1', port, maxRetriesPerRequest: null };
  const queue = new Queue(QUEUE, { connection });
  const { arrived, next } = arrivals();
  const worker = new Worker(QUEUE, async () => arrived(), { connection, removeOnComplete: { count: 0 } });
  worker.on('error', (error) => {
    console.error(error);
  });
  await queue.waitUntilReady();
  await worker.waitUntilReady();
  return {
    receive: async () => ({ hadAt: await next(), finish: async () => {} }),
    async create() {
      await queue.add(QUEUE, {});
    },
    async close() {
      await worker.close();
      await queue.close();
    },
  };
}
