import { Queue, Worker } from 'bullmq';
import { type Contestant, type Drained, monotonicMs } from './contestant.js';
import type { BullmqSettings } from './contestantSettings.js';

const QUEUE = 'noop';
const FILLED_AT_ONCE = 1_000;

/**
 * BullMQ: one worker with so many jobs at once. Finished jobs are removed, as its guide for production advises. The worker
 * is made anew for each round, so that it rests between them; its clock starts when it is connected and told to run.
 */
export async function bullmqContestant({ port }: BullmqSettings): Promise<Contestant> {
  const connection = { host: '127.0.0.1', port, maxRetriesPerRequest: null };
  const queue = new Queue<{ n: number }>(QUEUE, { connection });
  await queue.waitUntilReady();
  return {
    joinWith: null,
    async fill(amount) {
      for (let made = 0; made < amount; made += FILLED_AT_ONCE) {
        await queue.addBulk(
          Array.from({ length: Math.min(FILLED_AT_ONCE, amount - made) }, (_, offset) => ({
            name: QUEUE,
            data: { n: made + offset },
          })),
        );
      }
    },
    async drain(amount, inFlight): Promise<Drained> {
      const done: string[] = [];
      const worker = new Worker<{ n: number }>(QUEUE, async () => {}, {
        connection,
        concurrency: inFlight,
        autorun: false,
        removeOnComplete: { count: 0 },
      });
      const finished = new Promise<void>((resolve, reject) => {
        worker.on('completed', (job) => {
          done.push(String(job.data.n));
          if (done.length === amount) resolve();
        });
        worker.on('error', reject);
      });
      await worker.waitUntilReady();
      const startedAt = monotonicMs();
      const running = worker.run();
      await finished;
      const endedAt = monotonicMs();
      await worker.close();
      await running;
      return { startedAt, endedAt, done };
    },
    async verify() {
      const counts = await queue.getJobCounts();
      const left = Object.entries(counts).filter(([, count]) => count > 0);
      if (left.length > 0) throw new Error(`BullMQ still holds jobs: ${JSON.stringify(counts)}`);
    },
    async close() {
      await queue.close();
    },
  };
}
