import { type FlowJob, FlowProducer, Queue, Worker } from 'bullmq';
import { type Drained, monotonicMs } from '../contestants/contestant.js';
import type { GraphContestant } from './graphContestant.js';
import type { GraphShape } from './graphShape.js';

const QUEUE = 'graph';

/**
 * BullMQ: a flow, added as a whole before the clock starts, and one worker with so many jobs at once. Finished jobs are removed, as its
 * guide for production advises. A flow is a tree in which a parent waits for its children.
 */
export async function bullmqFlows({ port }: { port: number }): Promise<GraphContestant> {
  const connection = { host: '127.0.0.1', port, maxRetriesPerRequest: null };
  const producer = new FlowProducer({ connection });
  const queue = new Queue(QUEUE, { connection });
  await queue.waitUntilReady();
  let tasks = 0;
  return {
    async prepare(shape) {
      tasks = shape.prerequisites.length;
      await producer.add(toFlow(shape));
    },
    async run(inFlight): Promise<Drained> {
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
          if (done.length === tasks) resolve();
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
