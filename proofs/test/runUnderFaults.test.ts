import { expect, it } from 'vitest';
import { describeRun, RUN_FAULTS, runUnderFaults } from './runUnderFaults.js';

it('a run comes to its right end while server, database and daemons are killed and it is paused', async () => {
  const report = await runUnderFaults({
    seed: Number(process.env.NEOLITH_CHAOS_SEED ?? Date.now() % 100_000),
    tasks: 150,
    rounds: 1,
    taskSeconds: [0.1, 0.3, 0.6],
    leaseSeconds: 5,
    maxConcurrentTasks: 6,
    timeLimitMs: 150_000,
  });
  console.log(describeRun(report));
  expect(report.violations).toEqual([]);
  expect(report.breaches).toEqual([]);
  expect(report.repairs).toBe(0);
  expect(report.run).toMatchObject({ status: 'SUCCEEDED', counts: { total: 150, done: 150 } });
  expect(report.done).toBe(150);
  expect(report.mostAtOnce).toBe(6);
  expect(report.mostMergesAtOnce).toBeLessThanOrEqual(2);
  for (const fault of RUN_FAULTS) expect([fault, report.injected[fault]]).toEqual([fault, 1]);
  expect(report.hits).toBeGreaterThan(0);
});
