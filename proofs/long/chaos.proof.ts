import { expect, it } from 'vitest';
import { describeChaos } from '../test/describeChaos.js';
import { FAULTS, runChaos } from '../test/runChaos.js';

const given = process.env.NEOLITH_CHAOS_SEED;
const seeds = given === undefined ? [1, 2, Date.now() % 100_000] : [Number(given)];

it.each(seeds)(
  'a backlog is done right under faults for minutes (seed %i)',
  { timeout: 900_000 },
  async (seed) => {
    const rounds = 6;
    const report = await runChaos({
      seed,
      tasks: 150,
      rounds,
      taskSeconds: [0.2, 1, 2, 3],
      leaseSeconds: 6,
      calmMs: 2_500,
      timeLimitMs: 850_000,
    });
    console.log(describeChaos(report));
    expect(report.violations).toEqual([]);
    expect(report.repairs).toBe(0);
    expect(report.done).toBe(report.tasks);
    expect(report.done).toBeGreaterThanOrEqual(150);
    for (const fault of FAULTS) expect([fault, report.injected[fault]]).toEqual([fault, rounds]);
    expect(report.lost).toBeGreaterThanOrEqual(rounds);
  },
);
