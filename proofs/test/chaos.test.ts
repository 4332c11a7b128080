import { expect, it } from 'vitest';
import { describeChaos } from './describeChaos.js';
import { FAULTS, runChaos } from './runChaos.js';

it('a backlog is done right while server, database and daemons are killed under it', async () => {
  const report = await runChaos({
    seed: Number(process.env.NEOLITH_CHAOS_SEED ?? Date.now() % 100_000),
    tasks: 40,
    rounds: 1,
    taskSeconds: [0.2, 0.5, 1, 1.5],
    leaseSeconds: 5,
    calmMs: 1_200,
    timeLimitMs: 100_000,
  });
  console.log(describeChaos(report));
  expect(report.violations).toEqual([]);
  expect(report.repairs).toBe(0);
  expect(report.done).toBe(report.tasks);
  expect(report.done).toBeGreaterThanOrEqual(40);
  for (const fault of FAULTS) expect([fault, report.injected[fault]]).toEqual([fault, 1]);
  expect(report.lost).toBeGreaterThan(0);
});
