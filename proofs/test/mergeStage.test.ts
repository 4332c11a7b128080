import { expect, it } from 'vitest';
import { runMergeStage } from './runMergeStage.js';

it.each([1, 3])('eight daemons never merge more than %i at once, in fair order', async (limit) => {
  const report = await runMergeStage({ tasks: 28, maxConcurrentMerges: limit, timeLimitMs: 100_000 });
  const { run, ...figures } = report;
  console.log(JSON.stringify({ limit, counts: run.counts, ...figures }));
  expect(report.violations).toEqual([]);
  expect(report.breaches).toEqual([]);
  expect(report.mostMergesAtOnce).toBe(limit);
  expect(report.mostGrantedAtOnce).toBe(limit);
  expect(run).toMatchObject({ status: 'SUCCEEDED', counts: { total: 28, done: 28 } });
  // It was contended, some failed, most daemons took part, and the slot of the dead one came back with its lease.
  expect(report.longestQueue).toBeGreaterThan(5);
  expect(report.failed).toBeGreaterThan(0);
  expect(report.granted).toBeGreaterThanOrEqual(29 + report.failed);
  expect(report.daemons).toBeGreaterThan(4);
  expect(report.slotFreeAfterMs).toBeLessThan(10_000);
});
