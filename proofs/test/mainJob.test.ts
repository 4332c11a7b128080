import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createTestDatabase } from '@neolith/database/testing';
import { expect, it } from 'vitest';
import { runMainJob } from './runMainJob.js';

const plans = process.env.NEOLITH_PLANS ?? fileURLToPath(new URL('../../../shared/plans', import.meta.url));
const backlog = join(plans, 'beads-issues.jsonl');
const there = existsSync(backlog);

it.skipIf(!there)(
  `a real backlog is done by two daemons, one of them killed in the middle${there ? '' : ' (skipped: there is no beads-issues.jsonl in NEOLITH_PLANS)'}`,
  { timeout: 240_000 },
  async () => {
    const test = await createTestDatabase();
    try {
      const report = await runMainJob({
        databaseUrl: test.url,
        planFile: backlog,
        seed: 1,
        killAfter: 60,
        timeLimitMs: 200_000,
      });
      console.log(
        `${report.done} tasks in ${report.seconds.toFixed(1)} s, ${report.tasksPerSecond.toFixed(1)} tasks/s with a process each; ` +
          `${report.claims} claims, ${report.lost} leases lost, at most ${report.mostAtOnce} at once, ${report.comparisons} comparisons of order`,
      );
      expect(report.violations).toEqual([]);
      expect(report.repairs).toBe(0);
      expect(report.runStatus).toBe('SUCCEEDED');
      expect(report.openTasks).toBeGreaterThan(250);
      expect(report.done).toBe(report.openTasks);
      expect(report.lost).toBeGreaterThan(0);
      expect(report.claims).toBe(report.done + report.lost);
      expect(report.comparisons).toBeGreaterThan(5_000);
      expect(report.mostAtOnce).toBe(6);
    } finally {
      await test.drop();
    }
  },
);
