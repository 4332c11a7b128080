import { type Queue, Worker } from 'bullmq';
import { type Drained, monotonicMs } from './contestant.js';

/** What a job carries: its number, by which it is told apart from the others. */
export interface BullmqJob {
  readonly n: number;
}

/** To Redis on this machine. Workers wait as long as it takes for a job, which this setting asks for. */
export function bullmqConnection(port: number) {
  return { host: '127.0.0.1', port, maxRetriesPerRequest: null };
}

/**
 * One worker with so many jobs at once does so many jobs that do nothing. Finished jobs are removed, as BullMQ's guide
 * for production advises. The worker is made anew for each round, so that it rests between them; the clock starts when
 * it is connected and told to run.
 */
export async function drainBullmq(
  queue: Queue<BullmqJob>,
  amount: number,
  inFlight: number,
): Promise<Drained> {
  const done: string[] = [];
  const worker = new Worker<BullmqJob>(queue.name, async () => {}, {
    connection: queue.opts.connection,
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
}

/** Throws unless the queue holds no job of any kind: finished ones are removed, so what is left was not done. */
export async function proveDrained(queue: Queue<BullmqJob>): Promise<void> {
  const counts = await queue.getJobCounts();
  const left = Object.entries(counts).filter(([, count]) => count > 0);
  if (left.length > 0) throw new Error(`BullMQ still holds jobs: ${JSON.stringify(counts)}`);
}
