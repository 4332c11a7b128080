import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { migrate, openDatabase } from '@neolith/database';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { startServer, type TestServer } from '../../apps/web/test/startServer.js';
import { type ChaosPostgres, startChaosPostgres } from '../chaos/chaosPostgres.js';

let directory: string;
let postgres: ChaosPostgres;
let server: TestServer;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'neolith-killed-'));
  // PostgreSQL may run as another user.
  await chmod(directory, 0o755);
  postgres = await startChaosPostgres(join(directory, 'postgres'));
  await migrate(postgres.url);
  server = await startServer({ databaseUrl: postgres.url, home: join(directory, 'home') });
});
afterAll(async () => {
  await server?.stop('SIGKILL');
  await postgres?.stop();
  await rm(directory, { recursive: true, force: true });
});

/** Callers that create one task after the other, until they are told to stop. */
async function startLoad(callers: number) {
  const token = await server.token();
  const accepted: string[] = [];
  const others: { status: number; retryAfter: string | null; code: string }[] = [];
  let going = true;
  const work = async (caller: number) => {
    for (let n = 0; going; n += 1) {
      const response = await fetch(`${server.url}/api/v1/tasks`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body: JSON.stringify({ tasks: [{ title: `${caller}.${n}` }] }),
        signal: AbortSignal.timeout(20_000),
      });
      const body = (await response.json()) as { tasks?: { id: string }[]; code?: string };
      if (response.status === 201) accepted.push(body.tasks?.[0]?.id ?? '');
      else {
        others.push({
          status: response.status,
          retryAfter: response.headers.get('retry-after'),
          code: body.code ?? '',
        });
        await delay(50);
      }
    }
  };
  const all = Promise.all(Array.from({ length: callers }, (_, caller) => work(caller)));
  onTestFinished(async () => {
    going = false;
    await all.catch(() => undefined);
  });
  return {
    accepted,
    others,
    async stop() {
      going = false;
      await all;
    },
  };
}

const untilMore = (list: readonly unknown[], count: number) => {
  const wanted = list.length + count;
  return expect.poll(() => list.length, { timeout: 30_000, interval: 20 }).toBeGreaterThanOrEqual(wanted);
};

it('PostgreSQL that is killed under load: every answer is a success or 503 with Retry-After, it is back by itself, and what was accepted is there', async () => {
  const load = await startLoad(12);
  await untilMore(load.accepted, 30);
  for (const what of ['everything', 'postmaster'] as const) {
    await postgres.kill(what);
    await untilMore(load.others, 12);
    await postgres.start();
    const backMs = performance.now();
    await untilMore(load.accepted, 30);
    expect(performance.now() - backMs).toBeLessThan(10_000);
  }
  const refused = load.others.length;
  expect(await postgres.terminateSessions()).toBeGreaterThan(0);
  await untilMore(load.accepted, 30);
  await postgres.killSession();
  await untilMore(load.accepted, 30);
  await load.stop();

  expect(refused).toBeGreaterThanOrEqual(24);
  for (const other of load.others) expect(other).toMatchObject({ status: 503, code: 'DATABASE_UNAVAILABLE' });
  for (const { retryAfter } of load.others) expect(Number(retryAfter)).toBeGreaterThan(0);
  const database = openDatabase(postgres.url, { poolSize: 1 });
  try {
    const { rows } = await database.pool.query<{ id: string; title: string }>('SELECT id, title FROM tasks');
    const stored = new Set(rows.map(({ id }) => `task_${id}`));
    expect(load.accepted.filter((id) => !stored.has(id))).toEqual([]);
    expect(new Set(rows.map(({ title }) => title)).size).toBe(rows.length);
  } finally {
    await database.close();
  }
});
