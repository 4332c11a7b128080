import { beforeEach, describe, expect, test } from 'vitest';
import type { OrchestratorDetail } from '../src/index.js';
import { createFixture } from './support/engineFixture.js';
import { CLOCK_CHANGES } from './support/localDays.js';

const fixture = createFixture();
const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
let orchestrator: OrchestratorDetail;

beforeEach(() => {
  fixture.clock.now = null;
});

const uuid = () => orchestrator.id.slice('orch_'.length);
const OUTCOMES = `
  INSERT INTO task_outcomes (task_id, workspace_id, orchestrator_id, finished_at, claimed_at, due_at, attempts, status, priority)
  SELECT gen_random_uuid(), o.workspace_id, o.id, f.at, CASE WHEN n % 11 <> 0 THEN f.at - abs(hashint4(n)) % 90000000 * interval '1 millisecond' END,
         CASE WHEN n % 2 = 0 THEN f.at + (n % 7 - 3) * interval '1 hour' END, 1 + n % 3,
         (CASE WHEN n % 5 = 0 THEN 'FAILED' WHEN n % 7 = 0 THEN 'CANCELLED' ELSE 'DONE' END)::task_status,
         (enum_range(NULL::task_priority))[1 + n % 4]
  FROM orchestrators o, generate_series(1, $2::int) n
  CROSS JOIN LATERAL (SELECT $3::timestamptz + abs(hashint4(n + 99)) % $4::int * interval '1 millisecond' AS at) f WHERE o.id = $1`;

/** So many outcomes of the orchestrator, scattered over a time. */
const scatter = (count: number, from: Date, forMs: number) =>
  fixture.test.database.pool.query(OUTCOMES, [uuid(), count, from, forMs]);
const sumUp = async (): Promise<number> =>
  (await fixture.test.database.pool.query('SELECT sum_up_outcomes($1) AS days', [uuid()])).rows[0].days;
const summedDays = async (): Promise<number> =>
  (
    await fixture.test.database.pool.query(
      'SELECT count(*)::int AS days FROM outcome_days WHERE orchestrator_id = $1',
      [uuid()],
    )
  ).rows[0].days;

/** Statistics over ranges that begin and end within days, at midnights, and beyond everything; and three overviews. */
async function readAll(from: Date): Promise<unknown[]> {
  const read: unknown[] = [];
  for (const [startHours, hours] of [
    [0, 240],
    [24, 48],
    [30.5, 71.25],
    [95, 2],
    [-100, 50],
    [-1_000, 3_000],
    [117, 0.01],
  ] as const) {
    const start = new Date(from.getTime() + startHours * HOUR_MS);
    const end = new Date(start.getTime() + hours * HOUR_MS);
    const { averageCompletionTime, ...stats } = await fixture.engine.getOrchestratorExecutionStats(
      orchestrator.id,
      { start, end },
    );
    read.push({ ...stats, average: averageCompletionTime?.toFixed(6) });
  }
  for (const days of [3, 6, 9]) {
    fixture.clock.now = new Date(from.getTime() + days * DAY_MS);
    const { orchestrators } = await fixture.engine.getOverview();
    const { averageCompletionTime, successRate, throughput } =
      orchestrators.find((one) => one.orchestrator.id === orchestrator.id) ?? {};
    read.push({ successRate, throughput, average: averageCompletionTime?.toFixed(6) });
  }
  fixture.clock.now = null;
  return read;
}

describe('days that are summed up', () => {
  test.each(CLOCK_CHANGES)('tell the same as their outcomes, in %s around %s', async (timeZone, change) => {
    orchestrator = await fixture.orchestrator({ timeZone });
    // Of days to come nothing is summed up: what was, seven years before at the latest, or now.
    const from = new Date(Math.min(Date.parse(change), Date.now() - 12 * DAY_MS) - 4 * DAY_MS);
    await scatter(700, from, 9 * DAY_MS);
    // Around midnights, where the border is.
    await scatter(120, new Date(Date.parse(change) - 3 * HOUR_MS), 6 * HOUR_MS);
    const raw = await readAll(from);
    expect(await sumUp()).toBeGreaterThanOrEqual(9);
    expect(await readAll(from)).toEqual(raw);
  });

  test('are those that a sweep finds to be over, and of the others none', async () => {
    orchestrator = await fixture.orchestrator();
    const today = new Date();
    await scatter(50, new Date(today.getTime() - 5 * DAY_MS), 3 * DAY_MS);
    await scatter(50, new Date(today.getTime() - 60_000), 60_000);
    await fixture.engine.sweepExpiredLeases();
    const days = await summedDays();
    // Within three hours of midnight yesterday isn't over yet.
    expect(days).toBeGreaterThanOrEqual(4);
    expect(days).toBeLessThanOrEqual(5);
    const { rows } = await fixture.test.database.pool.query(
      'SELECT max(day)::text AS last FROM outcome_days WHERE orchestrator_id = $1',
      [uuid()],
    );
    expect(rows[0].last < today.toISOString().slice(0, 10)).toBe(true);
  });

  test('forget what is retried, and what comes late', async () => {
    orchestrator = await fixture.orchestrator();
    const task = await fixture.task(orchestrator, { maxAttempts: 1 });
    const old = new Date(Date.now() - 5 * DAY_MS);
    fixture.clock.now = old;
    const { claims } = await fixture.engine.claimNextTask(orchestrator.id);
    await fixture.engine.completeTask(task.id, {
      status: 'failed',
      error: 'no',
      attemptId: claims[0]?.attempt.id as string,
    });
    fixture.clock.now = null;
    const range = { start: new Date(old.getTime() - DAY_MS), end: new Date(old.getTime() + DAY_MS) };
    const failed = async () =>
      (await fixture.engine.getOrchestratorExecutionStats(orchestrator.id, range)).failed;
    expect(await sumUp()).toBeGreaterThan(2);
    const days = await summedDays();
    expect(await failed()).toBe(1);
    await fixture.engine.retryTask(task.id);
    expect(await failed()).toBe(0);
    expect(await summedDays()).toBeLessThan(days);
    await scatter(10, old, 1_000);
    expect(await failed()).toBe(2);
    expect(await sumUp()).toBeGreaterThan(0);
    expect(await failed()).toBe(2);
    await scatter(10, old, 1_000);
    expect(await failed()).toBe(4);
  });

  test('wait for whoever is writing outcomes, and give up for now when that takes long', async () => {
    orchestrator = await fixture.orchestrator();
    const { pool } = fixture.test.database;
    const old = new Date(Date.now() - 5 * DAY_MS);
    const late = await pool.connect();
    try {
      // Of a writer that wrote in time and commits much later; nothing tells it that its day is over.
      await late.query('BEGIN');
      await late.query(`SET LOCAL session_replication_role = replica`);
      await late.query(OUTCOMES, [uuid(), 100, old, 1_000]);
      await scatter(10, old, 1_000);
      expect(await sumUp()).toBe(0);
      expect(await summedDays()).toBe(0);
      await late.query('COMMIT');
    } finally {
      late.release();
    }
    expect(await sumUp()).toBeGreaterThan(2);
    const range = { start: new Date(old.getTime() - DAY_MS), end: new Date(old.getTime() + DAY_MS) };
    const { completed, failed, cancelled } = await fixture.engine.getOrchestratorExecutionStats(
      orchestrator.id,
      range,
    );
    expect(completed + failed + cancelled).toBe(110);
  });

  test('are summed up anew in another time zone', async () => {
    orchestrator = await fixture.orchestrator({ timeZone: 'Asia/Tokyo' });
    const from = new Date(Date.now() - 12 * DAY_MS);
    await scatter(300, from, 9 * DAY_MS);
    expect(await sumUp()).toBeGreaterThan(8);
    await fixture.engine.updateOrchestrator(orchestrator.id, { timeZone: 'America/Los_Angeles' });
    const raw = await readAll(from);
    expect(await sumUp()).toBeGreaterThan(8);
    expect(await readAll(from)).toEqual(raw);
  });
});

test('percentiles of more than ten thousand are at most one hundredth off', async () => {
  orchestrator = await fixture.orchestrator();
  const from = new Date(Date.now() - 12 * DAY_MS);
  await fixture.test.database.pool.query('ALTER TABLE task_outcomes DISABLE TRIGGER USER');
  await scatter(30_000, from, 9 * DAY_MS);
  await fixture.test.database.pool.query('ALTER TABLE task_outcomes ENABLE TRIGGER USER');
  const { rows } = await fixture.test.database.pool.query<{ cuts: [number, number] }>(
    `SELECT percentile_cont(ARRAY[0.5, 0.95]) WITHIN GROUP (ORDER BY extract(epoch FROM finished_at - claimed_at)::float8) AS cuts
     FROM task_outcomes WHERE orchestrator_id = $1 AND status = 'DONE'`,
    [uuid()],
  );
  const [p50, p95] = rows[0]?.cuts ?? [0, 0];
  const range = { start: from, end: new Date() };
  for (const summed of [false, true]) {
    if (summed) expect(await sumUp()).toBeGreaterThan(8);
    const stats = await fixture.engine.getOrchestratorExecutionStats(orchestrator.id, range);
    expect(Math.abs((stats.p50CompletionTime as number) / p50 - 1)).toBeLessThan(0.011);
    expect(Math.abs((stats.p95CompletionTime as number) / p95 - 1)).toBeLessThan(0.011);
  }
});
