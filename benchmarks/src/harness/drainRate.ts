import type { Drained } from '../contestants/contestant.js';
import type { ContestantProcess } from './contestantProcess.js';

/**
 * Fills the queue and lets one or several processes work it off together: tasks per second from the first request of
 * the first of them to the last answer of the last. Throws unless every task was done, and done once.
 */
export async function drainRate(
  name: string,
  processes: readonly ContestantProcess[],
  tasks: number,
  inFlight: number,
): Promise<number> {
  const [first] = processes;
  if (first === undefined) throw new Error(`${name} has no process`);
  await first.fill(tasks);
  const drained = await Promise.all(
    processes.map((process) => process.drain(tasks, Math.ceil(inFlight / processes.length))),
  );
  proveOnce(name, drained, tasks);
  await first.verify();
  const startedAt = Math.min(...drained.map((each) => each.startedAt));
  const endedAt = Math.max(...drained.map((each) => each.endedAt));
  return tasks / ((endedAt - startedAt) / 1_000);
}

function proveOnce(name: string, drained: readonly Drained[], tasks: number): void {
  const done = drained.flatMap((each) => each.done);
  const distinct = new Set(done).size;
  if (done.length !== tasks || distinct !== tasks) {
    throw new Error(
      `${name} did ${done.length} tasks, ${distinct} different ones, where there were ${tasks}`,
    );
  }
}
