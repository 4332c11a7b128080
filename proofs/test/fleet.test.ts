import { expect, it } from 'vitest';
import { describeFleet } from '../chaos/fleetReport.js';
import { findMissing } from '../chaos/minimums.js';
import { runFleet } from '../chaos/runFleet.js';

it('four daemons, two servers and PostgreSQL come to the right end under faults of processes and network', {
  timeout: 300_000,
}, async () => {
  const report = await runFleet({
    seed: Number(process.env.NEOLITH_CHAOS_SEED ?? Date.now() % 100_000),
    seconds: 35,
    calmSeconds: 180,
    leaseSeconds: 8,
    faultsPerHundred: 12,
    keep: false,
    signal: new AbortController().signal,
    tell: (message) => console.log(message),
  });
  console.log(describeFleet(report));
  if (report.violations.length > 0) console.log(report.logs);
  expect(report.violations).toEqual([]);
  expect(findMissing(report)).toEqual([]);
  expect(report.tasks.get('DONE')).toBeGreaterThanOrEqual(11);
  expect([...report.tasks.keys()]).toEqual(['DONE']);
  expect([...report.faults.values()].reduce((sum, times) => sum + times, 0)).toBeGreaterThanOrEqual(40);
});
