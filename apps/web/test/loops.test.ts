import { setTimeout as delay } from 'node:timers/promises';
import { openDatabase } from '@neolith/database';
import { expect, onTestFinished, test } from 'vitest';
import { asOnlyOne, SIGN_OF_LIFE_MS } from '@/server/loops/asOnlyOne';
import { createReconciler } from '@/server/loops/reconcile';
import { supervise } from '@/server/loops/supervise';
import { sweep } from '@/server/loops/sweep';
import { startServer } from './startServer';
import { serverFixture } from './support/serverFixture';

const fixture = serverFixture();

test('a task whose daemon fell silent is claimable again within seconds, and its history says why once', async () => {
  const { engine } = await fixture.tenant();
  const orchestrator = await engine.createOrchestrator({ name: 'One', role: 'r', discipline: 'd' });
  const task = await engine.createTask({ title: 'Lost', orchestratorId: orchestrator.id });
  await engine.claimNextTask(orchestrator.id, { leaseSeconds: 1 });

  const deadline = performance.now() + 8_000;
  while ((await engine.selectNextTask(orchestrator.id)) === null) {
    if (performance.now() > deadline) throw new Error('The lease was not swept');
    await delay(50);
  }
  const { events } = await engine.listTaskEvents(task.id);
  expect(events.filter(({ type }) => type === 'task.lease_lost')).toHaveLength(1);
});

test('of several sweepers one works and the others leave it to it; the lock goes with its connection', async () => {
  const { database } = fixture.test;
  const { engine } = await fixture.tenant();
  const holder = await database.pool.connect();
  await holder.query('BEGIN');
  // The server of this file sweeps too: wait for the lock instead of asking whether it is free.
  await holder.query('SELECT pg_advisory_xact_lock(5270102)');
  expect(await sweep(database, engine)).toBe(false);
  holder.release(true);
  const deadline = performance.now() + 5_000;
  while (!(await sweep(database, engine))) {
    if (performance.now() > deadline) throw new Error('The lock of a lost connection was kept');
  }
});

test('a sweep that fails gives its lock and its connection back', async () => {
  const { database } = fixture.test;
  const { engine } = await fixture.tenant();
  const failing = { ...engine, sweepExpiredLeases: () => Promise.reject(new Error('broken')) };
  for (let round = 0; round < 15; round += 1) {
    // False where the server of this file is just sweeping.
    await sweep(database, failing).then(
      (ours) => expect(ours).toBe(false),
      (error: Error) => expect(error.message).toBe('broken'),
    );
  }
  // Asked by a session of another pool: the one that failed would get its own lock once more.
  // PostgreSQL itself ends a transaction that idles, after 15 s.
  const isFree = async () => {
    const { rows } = await database.vitalPool.query<{ free: boolean }>(
      'SELECT pg_try_advisory_xact_lock(5270102) AS free',
    );
    return rows[0]?.free;
  };
  await expect.poll(isFree, { timeout: 12_000, interval: 20 }).toBe(true);
  expect(database.pool.waitingCount).toBe(0);
  const deadline = performance.now() + 5_000;
  while (!(await sweep(database, engine))) {
    if (performance.now() > deadline) throw new Error('The lock of a failed sweep was kept');
  }
});

/** Connections that PostgreSQL ends after so many milliseconds of idleness within a transaction. */
function openImpatient(url: string, idleMs: number) {
  const database = openDatabase(url);
  database.pool.on('connect', (client) => {
    void client.query(`SET idle_in_transaction_session_timeout = ${idleMs}`);
  });
  onTestFinished(() => database.close());
  return database;
}

test('work that takes longer than an idle transaction may keeps its lock to the end, and its round succeeds', async () => {
  const { url, database } = fixture.test;
  const lock = 5_270_999;
  const impatient = openImpatient(url, 400);
  const isFree = async () => {
    const { rows } = await database.pool.query<{ free: boolean }>(
      'SELECT pg_try_advisory_xact_lock($1) AS free',
      [lock],
    );
    return rows[0]?.free;
  };
  const seen: unknown[] = [];
  const done = await asOnlyOne(
    impatient,
    lock,
    async () => {
      const until = performance.now() + 1_500;
      while (performance.now() < until) {
        seen.push(await isFree());
        await delay(50);
      }
    },
    { signOfLifeMs: 100 },
  );
  expect(done).toBe(true);
  expect(seen.length).toBeGreaterThan(5);
  expect(seen).not.toContain(true);
  expect(await isFree()).toBe(true);
});

test('a connection as the server opens it allows for two signs of life that fail to come', async () => {
  const { rows } = await fixture.test.database.pool.query<{ ms: number }>(
    `SELECT setting::int AS ms FROM pg_settings WHERE name = 'idle_in_transaction_session_timeout'`,
  );
  expect(rows[0]?.ms).toBeGreaterThanOrEqual(3 * SIGN_OF_LIFE_MS);
});

test('who gives no sign of life loses the lock to another', async () => {
  const lock = 5_270_998;
  const { url, database } = fixture.test;
  const impatient = openImpatient(url, 200);
  const silent = asOnlyOne(
    impatient,
    lock,
    async () => {
      const deadline = performance.now() + 10_000;
      while (!(await asOnlyOne(database, lock, async () => undefined))) {
        if (performance.now() > deadline) throw new Error('The lock of a silent replica was kept');
        await delay(20);
      }
    },
    { signOfLifeMs: 60_000 },
  );
  // Its own end says so: what it did was perhaps not done alone.
  await expect(silent).rejects.toThrow();
});

test('a round that fails ends neither the loop nor the rounds after it; the signal ends it at once', async () => {
  const abort = new AbortController();
  let rounds = 0;
  const ended = supervise(
    {
      name: 'test',
      everyMs: 1,
      round: async () => {
        rounds += 1;
        if (rounds < 5) throw new Error('broken');
        if (rounds === 8) abort.abort();
        return 'again';
      },
    },
    abort.signal,
  );
  await ended;
  expect(rounds).toBe(8);
});

test('a loop that is done ends by itself', async () => {
  let rounds = 0;
  await supervise(
    { name: 'test', everyMs: 1, round: async () => (++rounds === 3 ? 'done' : 'again') },
    new AbortController().signal,
  );
  expect(rounds).toBe(3);
});

test('of two replicas one sweeps at a time, and either goes on when the other is gone', async () => {
  const { engine } = await fixture.tenant();
  const { pool } = fixture.test.database;
  const other = await startServer({ databaseUrl: fixture.test.url });
  onTestFinished(async () => {
    await other.stop('SIGKILL');
  });
  const orchestrator = await engine.createOrchestrator({
    name: 'Many',
    role: 'r',
    discipline: 'd',
    maxConcurrentTasks: 100,
  });
  await engine.createTasks(
    Array.from({ length: 60 }, (_, n) => ({ title: `T${n}`, orchestratorId: orchestrator.id })),
  );
  const { claims } = await engine.claimNextTask(orchestrator.id, { max: 60, leaseSeconds: 1 });
  // Who does not get the lock does nothing: while we have it, neither sweeps.
  const token = await (await fixture.tenant()).token('metrics');
  const roundsOf = async (url: string) => {
    const response = await fetch(`${url}/metrics`, { headers: { authorization: `Bearer ${token}` } });
    const text = await response.text();
    const of = (outcome: string) =>
      Number(
        new RegExp(`^neolith_loop_rounds_total\\{loop="sweep",outcome="${outcome}"\\} (\\d+)$`, 'm').exec(
          text,
        )?.[1] ?? 0,
      );
    return { done: of('done'), skipped: of('skipped') };
  };
  const urls = [fixture.server.url, other.url];
  const holder = await pool.connect();
  await holder.query('BEGIN');
  await holder.query('SELECT pg_advisory_xact_lock(5270102)');
  const before = await Promise.all(urls.map(roundsOf));
  const heldUntil = performance.now() + 12_000;
  let after = before;
  while (!after.every(({ skipped }, n) => skipped >= (before[n]?.skipped ?? 0) + 2)) {
    if (performance.now() > heldUntil) throw new Error('Somebody sweeps without the lock');
    await delay(50);
    after = await Promise.all(urls.map(roundsOf));
  }
  // A round that was under way when we got the lock may have been counted since, one at most.
  for (const [n, { done }] of after.entries()) expect(done - (before[n]?.done ?? 0)).toBeLessThanOrEqual(1);
  await holder.query('COMMIT');
  holder.release();
  // How many hold the lock at once, looked at as often as can be, while both sweep.
  let holdersMax = 0;
  let looks = 0;
  const lostOf = async () => {
    const { rows } = await pool.query<{ lost: number }>(
      `SELECT count(*)::int AS lost FROM events WHERE type = 'task.lease_lost' AND task_id = ANY ($1::uuid[])`,
      [claims.map(({ task }) => task.id.slice('task_'.length))],
    );
    return rows[0]?.lost ?? 0;
  };
  const deadline = performance.now() + 15_000;
  while ((await lostOf()) < 60) {
    const { rows } = await pool.query<{ holders: number }>(
      `SELECT count(*)::int AS holders FROM pg_locks WHERE locktype = 'advisory' AND objid = 5270102 AND granted
         AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
    );
    holdersMax = Math.max(holdersMax, rows[0]?.holders ?? 0);
    looks += 1;
    if (performance.now() > deadline) throw new Error('The leases were not swept');
  }
  expect(looks).toBeGreaterThan(10);
  expect(holdersMax).toBeLessThanOrEqual(1);
  // Taken back once each, though two were at it.
  expect(await lostOf()).toBe(60);

  await other.stop('SIGKILL');
  const task = await engine.createTask({
    title: 'After',
    orchestratorId: orchestrator.id,
    priority: 'CRITICAL',
  });
  await engine.claimNextTask(orchestrator.id, { leaseSeconds: 1 });
  const until = performance.now() + 10_000;
  while ((await engine.getTask(task.id)).status === 'IN_PROGRESS') {
    if (performance.now() > until) throw new Error('The one that is left does not sweep');
    await delay(50);
  }
});

test('what drifted is found by the rounds of the reconciler, mended once, and goes on where it was', async () => {
  const { database } = fixture.test;
  const { engine } = await fixture.tenant();
  const orchestrator = await engine.createOrchestrator({ name: 'Drift', role: 'r', discipline: 'd' });
  const task = await engine.createTask({ title: 'Drifted', orchestratorId: orchestrator.id });
  await database.pool.query(`DELETE FROM ready_tasks WHERE task_id = $1`, [task.id.slice('task_'.length)]);
  expect(await engine.selectNextTask(orchestrator.id)).toBe(null);
  const asked: (string | null | undefined)[] = [];
  const reconcile = createReconciler(database, {
    reconcile: (options) => {
      asked.push(options?.after);
      return engine.reconcile({ ...options, limit: 1 });
    },
  });
  // More tasks than are looked at in one round.
  await engine.createTasks([1, 2].map((n) => ({ title: `T${n}`, orchestratorId: orchestrator.id })));
  const deadline = performance.now() + 10_000;
  let rounds = 0;
  while (
    (await engine.listTaskEvents(task.id)).events.every(({ type }) => type !== 'task.repaired') ||
    rounds < 3
  ) {
    // False where the server of this file is just at it.
    if (await reconcile()) rounds += 1;
    if (performance.now() > deadline) throw new Error('It was not mended');
  }
  expect(asked[0]).toBe(null);
  expect(asked.some((after) => typeof after === 'string')).toBe(true);
  expect((await engine.rankTasks(orchestrator.id)).ranking.map(({ task: ranked }) => ranked.id)).toContain(
    task.id,
  );
});

test('one task that can not be swept is counted and named, while the server takes back all others', async () => {
  const tenant = await fixture.tenant();
  const { pool } = fixture.test.database;
  const orchestrator = await tenant.engine.createOrchestrator({
    name: 'Poisoned',
    role: 'r',
    discipline: 'd',
    maxConcurrentTasks: 10,
  });
  await tenant.engine.createTasks(
    Array.from({ length: 5 }, (_, n) => ({ title: `T${n}`, orchestratorId: orchestrator.id })),
  );
  const { claims } = await tenant.engine.claimNextTask(orchestrator.id, { max: 5, leaseSeconds: 1 });
  const bad = claims[2]?.task.id ?? '';
  await pool.query(
    `CREATE FUNCTION poison() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'poisoned row'; END $$`,
  );
  await pool.query(
    `CREATE TRIGGER poison BEFORE UPDATE ON tasks FOR EACH ROW WHEN (NEW.id = '${bad.slice('task_'.length)}') EXECUTE FUNCTION poison()`,
  );
  onTestFinished(async () => {
    await pool.query('DROP FUNCTION poison() CASCADE');
  });
  const token = await tenant.token('metrics');
  const running = async () =>
    (await tenant.engine.listTasks({ status: 'IN_PROGRESS' })).tasks.map(({ id }) => id);
  const faults = async () => {
    const text = await (await fixture.fetch('/metrics', { token })).text();
    return Number(/^neolith_sweep_faults_total\{step="leases"\} (\d+)$/m.exec(text)?.[1] ?? 0);
  };
  const deadline = performance.now() + 15_000;
  while ((await running()).length > 1 || (await faults()) < 2) {
    if (performance.now() > deadline) throw new Error('One bad row held up the others');
    await delay(100);
  }
  expect(await running()).toEqual([bad]);
  // Named once, however often it is tried.
  const lines = fixture.server
    .output()
    .split('\n')
    .filter((line) => line.includes(bad) && line.includes('"step"'));
  expect(lines).toHaveLength(1);
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({
    level: 'error',
    loop: 'sweep',
    step: 'leases',
    id: bad,
  });
});
