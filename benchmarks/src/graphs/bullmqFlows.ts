import { type FlowJob, FlowProducer, Queue } from 'bullmq';
import { type BullmqJob, bullmqConnection, drainBullmq, proveDrained } from '../contestants/drainBullmq.js';
import type { GraphContestant } from './graphContestant.js';
import type { GraphShape } from './graphShape.js';

const QUEUE = 'graph';

/**
 * BullMQ: a flow, added as a whole before the clock starts, and one worker with so many jobs at once. A flow is a tree
 * in which a parent waits for its children.
 */
export async function bullmqFlows({ port }: { port: number }): Promise<GraphContestant> {
  const connection = bullmqConnection(port);
  const producer = new FlowProducer({ connection });
  const queue = new Queue<BullmqJob>(QUEUE, { connection });
  await queue.waitUntilReady();
  let tasks = 0;
  return {
    async prepare(shape) {
      tasks = shape.prerequisites.length;
      await producer.add(toFlow(shape));
    },
    run: (inFlight) => drainBullmq(queue, tasks, inFlight),
    verify: () => proveDrained(queue),
    async close() {
      await producer.close();
      await queue.close();
    },
  };
}

/** From the leaves up, for a chain is as deep as it is long. */
function toFlow({ prerequisites }: GraphShape): FlowJob {
  const jobs: FlowJob[] = [];
  for (const [n, needs] of prerequisites.entries()) {
    jobs.push({
      name: 'noop',
      queueName: QUEUE,
      data: { n },
      children: needs.map((need) => jobs[need] as FlowJob),
    });
  }
  return jobs.at(-1) as FlowJob;
}
