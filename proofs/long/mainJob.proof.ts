import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { migrate } from '@neolith/database';
import { createTestDatabase } from '@neolith/database/testing';
import pg from 'pg';
import { expect, it } from 'vitest';
import { type MainJobReport, runMainJob } from '../test/runMainJob.js';

const plans = process.env.NEOLITH_PLANS ?? fileURLToPath(new URL('../../../shared/plans', import.meta.url));
const backlog = join(plans, 'beads-issues.jsonl');
const there = existsSync(backlog);
const noBacklog = there ? '' : ' (skipped: there is no beads-issues.jsonl in NEOLITH_PLANS)';
/** A server of another version where databases may be made, for example a PostgreSQL 15. */
const otherServer = process.env.NEOLITH_PROOF_DATABASE_URL;

function expectRight(report: MainJobReport): void {
  console.log(
    `${report.done} tasks in ${report.seconds.toFixed(1)} s, ${report.tasksPerSecond.toFixed(1)} tasks/s with a process each; ` +
      `${report.claims} claims, ${report.lost} leases lost, at most ${report.mostAtOnce} at once, ${report.comparisons} comparisons of order`,
  );
  expect(report.violations).toEqual([]);
  expect(report.repairs).toBe(0);
  expect(report.runStatus).toBe('SUCCEEDED');
  expect(report.done).toBe(report.openTasks);
  expect(report.claims).toBe(report.done + report.lost);
}

it.skipIf(!there)(`a real backlog is done by two daemons that live on${noBacklog}`, async () => {
  const test = await createTestDatabase();
  try {
    const report = await runMainJob({
      databaseUrl: test.url,
      planFile: backlog,
      seed: 2,
      timeLimitMs: 300_000,
    });
    expectRight(report);
    expect(report.lost).toBe(0);
  } finally {
    await test.drop();
  }
});

it.skipIf(!there || otherServer === undefined)(
  `a real backlog is done on another PostgreSQL${noBacklog}${otherServer === undefined ? ' (skipped: NEOLITH_PROOF_DATABASE_URL names no server)' : ''}`,
  async () => {
    const client = new pg.Client(otherServer);
    await client.connect();
    const name = `neolith_proof_${randomUUID().replaceAll('-', '')}`;
    const url = new URL(otherServer as string);
    url.pathname = `/${name}`;
    try {
      const { rows } = await client.query<{ server_version: string }>('SHOW server_version');
      console.log(`PostgreSQL ${rows[0]?.server_version}`);
      await client.query(`CREATE DATABASE ${name}`);
      await migrate(url.href);
      const report = await runMainJob({
        databaseUrl: url.href,
        planFile: backlog,
        seed: 3,
        killAfter: 60,
        timeLimitMs: 300_000,
      });
      expectRight(report);
      expect(report.lost).toBeGreaterThan(0);
    } finally {
      await client.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
      await client.end();
    }
  },
);
