import type { SweepReport } from '../../src/index.js';
import { waveIsOpen } from './naive.js';
import type { Moment } from './rules.js';
import type { World } from './world.js';

/** The sweep, as the server does it every two seconds; here whenever the story wants it. */
export async function sweep(world: World, options: { reachableSeconds?: number } = {}): Promise<void> {
  await world.perform({
    who: 'sweep',
    kind: 'sweep',
    what: `sweeps${options.reachableSeconds === undefined ? '' : `, ${options.reachableSeconds} s after a break`}`,
    call: (engine) => engine.sweepExpiredLeases(options),
    show: ({ lost, promoted, runs }: SweepReport) =>
      `${lost.length} lost, ${promoted} promoted, ${runs.length} runs moved`,
    judge: (moment, outcome) => {
      const { faults, orphanLocks } = outcome.answer as SweepReport;
      return [
        ...faults.map(({ step, error }) => `the sweep could not do its ${step}: ${String(error)}`),
        ...(orphanLocks > 0 ? [`${orphanLocks} locks had no attempt`] : []),
        ...leftBehind(moment, options.reachableSeconds === undefined),
      ];
    },
  });
}

/** What a sweep must not leave as it was, and what it must not take. */
function leftBehind({ before, after, now }: Moment, all: boolean): string[] {
  const expires = new Map(before.leases.map((lease) => [lease.attempt, lease.expires]));
  const known = new Set(before.attempts.map(({ id }) => id));
  const early = after.attempts.filter(
    ({ id, status }) =>
      status === 'LOST' && !known.has(id) && (expires.get(id) ?? Number.POSITIVE_INFINITY) > now,
  );
  const late = after.leases.filter((lease) => all && lease.expires !== null && lease.expires <= now);
  const held = after.places.filter(({ task: id, place }) => {
    const task = after.tasks.find((one) => one.id === id);
    const run = after.runs.find((one) => one.id === task?.run);
    return (
      place === 'delayed' &&
      task !== undefined &&
      (task.available === null || task.available <= now) &&
      (run === undefined || waveIsOpen(run, task.wave, now))
    );
  });
  return [
    ...early.map(({ id }) => `${id} was lost before its lease ran out`),
    ...late.map(({ attempt }) => `the lease of ${attempt} ran out, and the sweep left it`),
    ...held.map(({ task }) => `the time of ${task} has come, and the sweep left it waiting`),
    ...after.breakers
      .filter(({ status, until }) => status === 'open' && until !== null && until <= now)
      .map(({ agent }) => `the breaker of ${agent} is open beyond its time`),
  ];
}
