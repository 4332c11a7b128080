import { randomUUID } from 'node:crypto';
import { cp, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { migrate, migrationDrift, openDatabase } from '@neolith/database';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createWorkEngine } from '../src/index.js';
import { createFixture } from './support/engineFixture.js';

const fixture = createFixture();
const MIGRATIONS = fileURLToPath(new URL('../../../prisma/migrations/', import.meta.url));
/** The last migration of the version before this one. */
const RELEASED = '20261121000100_run_functions';
const [workspaceId, userId, orchestratorId] = [randomUUID(), randomUUID(), randomUUID()];

let url: string;
/** A process of the previous version: it has its own statements, and knows no new function. */
let old: pg.Client;

beforeAll(async () => {
  const name = `upgraded_${randomUUID().replaceAll('-', '')}`;
  await fixture.test.database.pool.query(`CREATE DATABASE ${name}`);
  const address = new URL(fixture.test.url);
  address.pathname = `/${name}`;
  url = address.href;
  const released = await mkdtemp(join(tmpdir(), 'neolith-released-'));
  try {
    for (const entry of await readdir(MIGRATIONS))
      if (entry <= RELEASED || !/^\d/.test(entry))
        await cp(join(MIGRATIONS, entry), join(released, entry), { recursive: true });
    expect((await migrate(url, { migrationsDirectory: released })).applied.at(-1)).toBe(RELEASED);
  } finally {
    await rm(released, { recursive: true });
  }
  old = new pg.Client(url);
  await old.connect();
});

afterAll(async () => {
  await old?.end();
  await fixture.test.database.pool.query(
    `DROP DATABASE IF EXISTS ${new URL(url).pathname.slice(1)} WITH (FORCE)`,
  );
});

async function claimAsBefore(): Promise<{ task: string; attempt: string }> {
  const { rows } = await old.query<{ task: string; attempt_id: string }>(
    `SELECT (c.task).id AS task, c.attempt_id
     FROM claim_tasks(NULL, $1, NULL, 'shell', 'daemon', 30, ARRAY[1], ARRAY[NULL]::text[], ARRAY[$2]::uuid[],
                      NULL, NULL, enum_range(NULL::task_priority), NULL, NULL, NULL) c`,
    [orchestratorId, randomUUID()],
  );
  return { task: rows[0]?.task as string, attempt: rows[0]?.attempt_id as string };
}

async function completeAsBefore({ task, attempt }: { task: string; attempt: string }): Promise<unknown> {
  const items = [{ n: 0, task_id: task, attempt_id: attempt, result: 'completed', output: { did: 'it' } }];
  const { rows } = await old.query('SELECT code, status FROM settle_attempts($1, NULL, $2, 3, NULL)', [
    JSON.stringify(items),
    'daemon',
  ]);
  return rows;
}

async function selectAsBefore(): Promise<string | undefined> {
  const { rows } = await old.query<{ task_id: string }>(
    `SELECT h.task_id FROM ready_heads($1, 1, engine_now(NULL), NULL, NULL, enum_range(NULL::task_priority), NULL, NULL) h`,
    [orchestratorId],
  );
  return rows[0]?.task_id;
}

test('a database of the previous version is brought up to date while processes of that version work on', async () => {
  await old.query(`INSERT INTO workspaces (id, slug, name) VALUES ($1, 'old', 'Old')`, [workspaceId]);
  await old.query(
    `INSERT INTO users (id, workspace_id, name, config) VALUES ($1, $2, 'Ada', '{"entityType": "orchestrator"}')`,
    [userId, workspaceId],
  );
  await old.query(
    `INSERT INTO orchestrators (id, workspace_id, user_id, name, role, discipline, status, max_concurrent_tasks, updated_at)
     VALUES ($1, $2, $3, 'Ada', 'Engineer', 'Engineering', 'ONLINE', 10, now())`,
    [orchestratorId, workspaceId, userId],
  );
  const { rows } = await old.query<{ id: string }>(
    `INSERT INTO tasks (id, workspace_id, orchestrator_id, created_at, updated_at, priority, status, tags, title)
     SELECT gen_random_uuid(), $1, $2, now() - interval '1 s' * (10 - n), now(), 'HIGH', 'TODO', ARRAY['old'], 'Task ' || n FROM generate_series(1, 6) n
     RETURNING id`,
    [workspaceId, orchestratorId],
  );
  await old.query('SELECT enqueue_tasks($1::uuid[], now())', [rows.map(({ id }) => id)]);
  await completeAsBefore(await claimAsBefore());
  const running = await claimAsBefore();

  expect((await migrate(url)).applied.length).toBeGreaterThan(3);
  expect(await migrationDrift(url)).toBe('');

  // Claimed before and ended after it, by the same process; and claimed after it by one, ended by the other.
  expect(await completeAsBefore(running)).toMatchObject([{ code: null, status: 'DONE' }]);
  const third = await claimAsBefore();
  const database = openDatabase(url, { poolSize: 2 });
  const unscoped = createWorkEngine(database);
  try {
    const engine = unscoped.as({ workspaceId: `ws_${workspaceId}` });
    const settled = await engine.completeTask(`task_${third.task}`, {
      status: 'completed',
      attemptId: `att_${third.attempt}`,
    });
    expect(settled.status).toBe('DONE');
    const next = await engine.selectNextTask(`orch_${orchestratorId}`, { requireTags: ['old'] });
    expect(next?.title).toBe('Task 4');
    expect(await selectAsBefore()).toBe(next?.id.slice('task_'.length));
    const { claims } = await engine.claimNextTask(`orch_${orchestratorId}`);
    expect(claims.map(({ task }) => task.title)).toEqual(['Task 4']);
    expect(
      await completeAsBefore({
        task: claims[0]?.task.id.slice('task_'.length) as string,
        attempt: claims[0]?.attempt.id.slice('att_'.length) as string,
      }),
    ).toMatchObject([{ code: null, status: 'DONE' }]);

    expect(await engine.recalculateAllStatuses()).toMatchObject({ repaired: [], runs: [] });
    expect((await engine.getOrchestratorExecutionStats(`orch_${orchestratorId}`)).completed).toBe(4);
    // Nobody has asked for any of its history to be forgotten.
    expect((await engine.getWorkspace()).eventRetentionDays).toBeNull();
  } finally {
    await unscoped.close();
    await database.close();
  }
});

/** What a process tries again: it met the migration, which holds its tables for a moment. */
const AGAIN = new Set(['40P01', '55P03']);

/** A process of the version before: claims and completes, one after the other, until it is told to stop or nothing is left. */
async function workAsBefore(url: string, whose: string, isOver: () => boolean): Promise<string[]> {
  const session = new pg.Client(url);
  await session.connect();
  const done: string[] = [];
  const tried = async <Row extends pg.QueryResultRow>(text: string, values: unknown[]): Promise<Row[]> => {
    for (;;) {
      try {
        return (await session.query<Row>(text, values)).rows;
      } catch (error) {
        if (!AGAIN.has((error as { code?: string }).code ?? '')) throw error;
      }
    }
  };
  try {
    while (!isOver()) {
      const [claim] = await tried<{ task: string; attempt_id: string }>(
        `SELECT (c.task).id AS task, c.attempt_id
         FROM claim_tasks(NULL, $1, NULL, 'shell', 'daemon', 30, ARRAY[1], ARRAY[NULL]::text[], ARRAY[$2]::uuid[],
                          NULL, NULL, enum_range(NULL::task_priority), NULL, NULL, NULL) c WHERE (c.task).id IS NOT NULL`,
        [whose, randomUUID()],
      );
      if (claim === undefined) break;
      const item = {
        n: 0,
        task_id: claim.task,
        attempt_id: claim.attempt_id,
        result: 'completed',
        output: {},
      };
      const rows = await tried<{ code: string | null; status: string }>(
        'SELECT code, status FROM settle_attempts($1, NULL, $2, 3, NULL)',
        [JSON.stringify([item]), 'daemon'],
      );
      expect(rows[0]).toMatchObject({ code: null, status: 'DONE' });
      done.push(claim.task);
    }
    return done;
  } finally {
    await session.end();
  }
}

test('while four processes of the previous version claim and complete without a pause the database is brought up to date, and nothing is lost or done twice', async () => {
  const name = `upgraded_${randomUUID().replaceAll('-', '')}`;
  await fixture.test.database.pool.query(`CREATE DATABASE ${name}`);
  const address = new URL(fixture.test.url);
  address.pathname = `/${name}`;
  const released = await mkdtemp(join(tmpdir(), 'neolith-released-'));
  const setUp = new pg.Client(address.href);
  try {
    for (const entry of await readdir(MIGRATIONS))
      if (entry <= RELEASED || !/^\d/.test(entry))
        await cp(join(MIGRATIONS, entry), join(released, entry), { recursive: true });
    await migrate(address.href, { migrationsDirectory: released });
    await setUp.connect();
    const [workspace, user, whose] = [randomUUID(), randomUUID(), randomUUID()];
    await setUp.query(`INSERT INTO workspaces (id, slug, name) VALUES ($1, 'old', 'Old')`, [workspace]);
    await setUp.query(
      `INSERT INTO users (id, workspace_id, name, config) VALUES ($1, $2, 'Ada', '{"entityType": "orchestrator"}')`,
      [user, workspace],
    );
    await setUp.query(
      `INSERT INTO orchestrators (id, workspace_id, user_id, name, role, discipline, status, max_concurrent_tasks, updated_at)
       VALUES ($1, $2, $3, 'Ada', 'Engineer', 'Engineering', 'ONLINE', 10, now())`,
      [whose, workspace, user],
    );
    const COUNT = 20_000;
    const { rows } = await setUp.query<{ id: string }>(
      `INSERT INTO tasks (id, workspace_id, orchestrator_id, created_at, updated_at, priority, status, tags, title)
       SELECT gen_random_uuid(), $1, $2, now(), now(), 'HIGH', 'TODO', '{}', 'Task ' || n FROM generate_series(1, $3::int) n
       RETURNING id`,
      [workspace, whose, COUNT],
    );
    await setUp.query('SELECT enqueue_tasks($1::uuid[], now())', [rows.map(({ id }) => id)]);

    let isOver = false;
    const workers = Array.from({ length: 4 }, () => workAsBefore(address.href, whose, () => isOver));
    const doneSoFar = async () =>
      Number((await setUp.query(`SELECT count(*) AS n FROM task_outcomes`)).rows[0].n);
    const atLeast = (count: number) =>
      expect.poll(doneSoFar, { timeout: 30_000, interval: 10 }).toBeGreaterThanOrEqual(count);
    await atLeast(20);
    const before = await doneSoFar();
    expect((await migrate(address.href)).applied.length).toBeGreaterThan(3);
    const during = await doneSoFar();
    // They were at it while it went on, and go on after it.
    expect(during).toBeGreaterThan(before);
    await atLeast(during + 20);
    isOver = true;
    const done = (await Promise.all(workers)).flat();
    expect(new Set(done).size).toBe(done.length);
    expect(await doneSoFar()).toBe(done.length);
    const events = await setUp.query<{ n: number }>(
      `SELECT count(*)::int AS n FROM events WHERE type = 'task.completed'`,
    );
    expect(events.rows).toEqual([{ n: done.length }]);

    const database = openDatabase(address.href, { poolSize: 2 });
    const engine = createWorkEngine(database);
    try {
      expect(await engine.recalculateAllStatuses()).toMatchObject({ repaired: [], runs: [] });
    } finally {
      await engine.close();
      await database.close();
    }
  } finally {
    await rm(released, { recursive: true });
    await setUp.end();
    await fixture.test.database.pool.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
  }
});
