import { Queue } from 'bullmq';
import type { Contestant } from './contestant.js';
import type { BullmqSettings } from './contestantSettings.js';
import { type BullmqJob, bullmqConnection, drainBullmq, proveDrained } from './drainBullmq.js';

const QUEUE = 'noop';
const FILLED_AT_ONCE = 1_000;

/** BullMQ: one worker with so many jobs at once. */
export async function bullmqContestant({ port }: BullmqSettings): Promise<Contestant> {
  const queue = new Queue<BullmqJob>(QUEUE, { connection: bullmqConnection(port) });
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
    drain: (amount, inFlight) => drainBullmq(queue, amount, inFlight),
    verify: () => proveDrained(queue),
    close: () => queue.close(),
  };
}
