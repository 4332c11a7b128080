import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { openDatabase } from '@neolith/database';
import { createTestDatabase } from '@neolith/database/testing';
import { createWorkEngine } from '@neolith/work-engine';
import { expect, it, onTestFinished } from 'vitest';
import { startServer } from '../../apps/web/test/startServer.js';
import { silenceableProxy } from './silenceableProxy.js';

/** 15 s until a connection is given up, and what a busy machine takes; to give up two one after another takes 30 s. */
const LIMIT_MS = 20_000;
/** What the probes of an idle connection take to find out: `openDatabase`. */
const KEEP_ALIVE_MS = 14_000;
/** More callers than the server has connections, so that every one of them is asked. */
const CALLERS = 24;

it('when all connections to PostgreSQL fall silent, every call is answered after one time limit, and then they work again', async () => {
  const database = await createTestDatabase();
  onTestFinished(() => database.drop());
  const proxy = await silenceableProxy(database.url);
  onTestFinished(() => proxy.close());
  const home = await mkdtemp(join(tmpdir(), 'neolith-silent-'));
  onTestFinished(() => rm(home, { recursive: true, force: true }));
  const server = await startServer({ databaseUrl: proxy.url, home });
  onTestFinished(async () => {
    await server.stop('SIGKILL');
  });
  const token = await server.token();
  const post = async (title: string) => {
    const startedMs = performance.now();
    const response = await fetch(`${server.url}/api/v1/tasks`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ tasks: [{ title }] }),
      signal: AbortSignal.timeout(60_000),
    });
    await response.text();
    const retryAfter = response.headers.get('retry-after');
    return { status: response.status, retryAfter, title, ms: performance.now() - startedMs };
  };
  const crowd = (name: string) =>
    Promise.all(Array.from({ length: CALLERS }, (_, n) => post(`${name} ${n}`)));
  expect((await crowd('before')).map(({ status }) => status)).toEqual(Array(CALLERS).fill(201));

  expect(proxy.silence({ idleEndAfterMs: KEEP_ALIVE_MS })).toBeGreaterThan(5);
  const silentAtMs = performance.now();
  const met = await crowd('silent');
  expect(met.filter(({ status }) => status !== 201 && status !== 503)).toEqual([]);
  expect(Math.max(...met.map(({ ms }) => ms))).toBeLessThan(LIMIT_MS);
  for (const { status, retryAfter } of met) if (status === 503) expect(retryAfter).toMatch(/^\d+$/);
  // Those that met a silent connection: else there was nothing to get over.
  expect(met.some(({ status }) => status === 503)).toBe(true);

  let next = await post('after');
  while (next.status !== 201 && performance.now() - silentAtMs < 2 * LIMIT_MS) {
    await delay(100);
    next = await post('after');
  }
  expect(next.status).toBe(201);
  expect(performance.now() - silentAtMs).toBeLessThan(LIMIT_MS);
  expect((await crowd('healed')).map(({ status }) => status)).toEqual(Array(CALLERS).fill(201));
  const { rows } = await database.database.pool.query<{ title: string }>('SELECT title FROM tasks');
  const kept = new Set(rows.map(({ title }) => title));
  expect(met.filter(({ status, title }) => status === 201 && !kept.has(title))).toEqual([]);
});

it('a transaction that meets a silent connection is given up after one time limit, not after a second one for its rollback', async () => {
  const test = await createTestDatabase();
  onTestFinished(() => test.drop());
  const proxy = await silenceableProxy(test.url);
  onTestFinished(() => proxy.close());
  const CONNECTIONS = 3;
  // Given up a second after the limit of a statement.
  const database = openDatabase(proxy.url, { poolSize: CONNECTIONS, statementTimeoutMs: 1_000 });
  const engine = createWorkEngine(database);
  onTestFinished(async () => {
    await engine.close();
    await database.close();
  });
  const workspace = await engine.createWorkspace({ slug: 'silent', name: 'Silent' });
  const own = engine.as({ workspaceId: workspace.id });
  await own.createTask({ title: 'before' });
  // All of the pool: the engine itself may be asking for events by one of them.
  await Promise.all(Array.from({ length: CONNECTIONS }, () => database.pool.query('SELECT pg_sleep(0.2)')));
  expect(proxy.silence()).toBe(CONNECTIONS);
  const startedMs = performance.now();
  await expect(own.createTask({ title: 'silent' })).rejects.toMatchObject({ code: 'DATABASE_UNAVAILABLE' });
  expect(performance.now() - startedMs).toBeLessThan(3_500);
  // One silent connection after the other is met and given up.
  await expect
    .poll(() => own.createTask({ title: 'after' }).then(() => 'made', String), { timeout: 20_000 })
    .toBe('made');
  expect((await own.listTasks()).tasks.map(({ title }) => title).sort()).toEqual(['after', 'before']);
});
