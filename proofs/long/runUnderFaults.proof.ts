import { expect, it } from 'vitest';
import { describeRun, RUN_FAULTS, runUnderFaults } from '../test/runUnderFaults.js';

const given = process.env.NEOLITH_CHAOS_SEED;

it('a run of 1,000 tasks comes to its right end under faults', { timeout: 1_200_000 }, async () => {
  const rounds = 5;
  const report = await runUnderFaults({
    seed: given === undefined ? Date.now() % 100_000 : Number(given),
    tasks: 1_000,
    rounds,
    taskSeconds: [0.1, 0.3, 0.8],
    leaseSeconds: 6,
    maxConcurrentTasks: 10,
    timeLimitMs: 1_150_000,
  });
  console.log(describeRun(report));
  expect(report.violations).toEqual([]);
  expect(report.breaches).toEqual([]);
  expect(report.repairs).toBe(0);
  expect(report.run).toMatchObject({ status: 'SUCCEEDED', counts: { total: 1_000, done: 1_000 } });
  expect(report.done).toBe(1_000);
  for (const fault of RUN_FAULTS) expect([fault, report.injected[fault]]).toEqual([fault, rounds]);
  expect(report.lost).toBeGreaterThan(0);
  expect(report.hits).toBeGreaterThan(rounds);
});
