import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import type { OrchestratorDetail } from '../src/index.js';
import { createFixture } from './support/engineFixture.js';
import { until } from './support/history.js';
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

describe('a sum and a writer that meet', () => {
  const old = new Date(Date.now() - 5 * DAY_MS);
  /** By status, as the statistics say it and as it stands in the table. */
  async function counts() {
    const range = { start: new Date(old.getTime() - 2 * DAY_MS), end: new Date(old.getTime() + 2 * DAY_MS) };
    const { completed, failed, cancelled } = await fixture.engine.getOrchestratorExecutionStats(
      orchestrator.id,
      range,
    );
    const { rows } = await fixture.test.database.pool.query(
      `SELECT count(*) FILTER (WHERE status = 'DONE')::int AS completed, count(*) FILTER (WHERE status = 'FAILED')::int AS failed,
              count(*) FILTER (WHERE status = 'CANCELLED')::int AS cancelled FROM task_outcomes WHERE orchestrator_id = $1`,
      [uuid()],
    );
    return { told: { completed, failed, cancelled }, true: rows[0] };
  }
  /** A session with a transaction of its own, that others can see waiting. */
  async function session() {
    const client = await fixture.test.database.pool.connect();
    const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
    onTestFinished(async () => {
      await client.query('ROLLBACK');
      client.release();
    });
    await client.query('BEGIN');
    return { client, pid: rows[0]?.pid as number };
  }
  type Session = Awaited<ReturnType<typeof session>>;
  /** Begins a statement and answers when it waits as said, or is through with it. */
  async function begin({ client, pid }: Session, waitEvent: string, sql: string, values: unknown[]) {
    let done = false;
    const doing = client.query(sql, values).finally(() => {
      done = true;
    });
    const waits = () => isWaiting(pid, waitEvent);
    await until(async () => done || (await waits()));
    return { doing, waited: !done };
  }
  async function isWaiting(pid: number, waitEvent: string): Promise<boolean> {
    const { rowCount } = await fixture.test.database.pool.query(
      'SELECT FROM pg_stat_activity WHERE pid = $1 AND wait_event = $2',
      [pid, waitEvent],
    );
    return rowCount === 1;
  }
  const SUM_UP = 'SELECT sum_up_outcomes($1) AS days';

  test.each([
    ['adds to it', OUTCOMES, () => [uuid(), 7, old, 1_000]],
    [
      'changes it',
      `UPDATE task_outcomes SET status = 'CANCELLED' WHERE orchestrator_id = $1`,
      () => [uuid()],
    ],
    [
      'takes from it',
      `DELETE FROM task_outcomes WHERE orchestrator_id = $1 AND attempts = 1`,
      () => [uuid()],
    ],
  ])('lose nothing: whoever %s waits for the sum, and takes it away', async (_, sql, values) => {
    orchestrator = await fixture.orchestrator();
    await scatter(50, old, 1_000);
    const before = (await counts()).true;
    const [summing, writing] = [await session(), await session()];
    expect((await summing.client.query(SUM_UP, [uuid()])).rows[0].days).toBeGreaterThan(2);
    const { doing, waited } = await begin(writing, 'advisory', sql, values());
    await summing.client.query('COMMIT');
    await doing;
    await writing.client.query('COMMIT');
    const after = await counts();
    expect(after.true).not.toEqual(before);
    expect(after.told).toEqual(after.true);
    expect(waited).toBe(true);
    expect(await sumUp()).toBeGreaterThan(0);
    expect((await counts()).told).toEqual(after.true);
  });

  test('lose nothing: the sum waits also for who began when it had asked already who is writing', {
    retry: 2,
  }, async () => {
    orchestrator = await fixture.orchestrator();
    await scatter(50, old, 1_000);
    const [early, late, summing] = [await session(), await session(), await session()];
    const other = await fixture.orchestrator();
    await early.client.query(OUTCOMES, [other.id.slice('orch_'.length), 1, new Date(), 1]);
    const sum = await begin(summing, 'PgSleep', SUM_UP, [uuid()]);
    await late.client.query(OUTCOMES, [uuid(), 7, old, 1_000]);
    await early.client.query('COMMIT');
    let summed = false;
    void sum.doing.then(() => {
      summed = true;
    });
    await until(async () => summed || (await isWaiting(summing.pid, 'advisory')));
    const waited = !summed;
    await late.client.query('COMMIT');
    const { rows } = await sum.doing;
    await summing.client.query('COMMIT');
    // None: it gave up after its second, for the machine was too slow for what is to be shown; hence the retries.
    expect(rows[0].days).toBeGreaterThan(2);
    const after = await counts();
    expect(after.told).toEqual(after.true);
    expect(waited).toBe(true);
  });

  test('are one sum where two sum up', async () => {
    orchestrator = await fixture.orchestrator();
    await scatter(50, old, 1_000);
    const [first, second] = [await session(), await session()];
    expect((await first.client.query(SUM_UP, [uuid()])).rows[0].days).toBeGreaterThan(2);
    const { doing } = await begin(second, 'advisory', SUM_UP, [uuid()]);
    await first.client.query('COMMIT');
    expect((await doing).rows).toEqual([{ days: 0 }]);
    await second.client.query('COMMIT');
    const after = await counts();
    expect(after.told).toEqual(after.true);
  });

  test('of different orchestrators don’t wait for one another', async () => {
    orchestrator = await fixture.orchestrator();
    await scatter(50, old, 1_000);
    const summing = await session();
    await summing.client.query(SUM_UP, [uuid()]);
    orchestrator = await fixture.orchestrator();
    await scatter(50, old, 1_000);
    expect(await sumUp()).toBeGreaterThan(2);
    await summing.client.query('COMMIT');
  });

  test('lose nothing where many write and sum up at once', async () => {
    orchestrator = await fixture.orchestrator();
    await scatter(50, old, DAY_MS);
    let summed = 0;
    const write = async (n: number) => {
      for (let round = 0; round < 12; round += 1) await scatter(3, new Date(old.getTime() + n), DAY_MS);
    };
    const sum = async () => {
      for (let round = 0; round < 12; round += 1) {
        const days = await sumUp();
        summed += days;
      }
    };
    await Promise.all([write(0), write(1), sum(), sum(), write(2)]);
    await sum();
    expect(summed).toBeGreaterThan(0);
    const after = await counts();
    expect(after.told).toEqual(after.true);
    expect(after.told.completed + after.told.failed + after.told.cancelled).toBe(50 + 3 * 12 * 3);
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
