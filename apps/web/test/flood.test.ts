import { randomUUID } from 'node:crypto';
import { createClient } from '@neolith/contracts';
import { expect, onTestFinished, test } from 'vitest';
import { startServer } from './startServer';
import { serverFixture, type Tenant } from './support/serverFixture';

const fixture = serverFixture();
/** More than the pool of a server has connections. */
const FLOOD = 60;
/** A call that is not kept waiting takes some milliseconds; on a machine that is busy, many more. */
const AT_ONCE_MS = 1_500;

async function heldTask(tenant: Tenant, url: string, token: string) {
  const client = createClient({ baseUrl: url, token });
  const { id } = await client.createOrchestrator({
    body: { name: randomUUID(), role: 'Engineer', discipline: 'Engineering' },
  });
  const daemon = await client.registerDaemon({
    body: { name: randomUUID(), host: 'here', version: '1', slots: 1, orchestratorIds: [id] },
  });
  const task = await tenant.engine.createTask({ title: 'Held', orchestratorId: id });
  const { claims } = await client.claimTasks({
    params: { id },
    body: { daemonId: daemon.id, requestId: 'r', leaseSeconds: 5 },
  });
  return { client, daemon, orchestratorId: id, taskId: task.id, attemptId: claims[0]?.attempt.id ?? '' };
}

async function timed<T>(call: Promise<T>): Promise<{ ms: number; value: T }> {
  const begun = performance.now();
  const value = await call;
  return { ms: performance.now() - begun, value };
}

test('while other calls hold every connection of the pool, leases are renewed at once, and the server counts as well', async () => {
  const tenant = await fixture.tenant();
  const token = await tenant.token();
  const { client, daemon, taskId, attemptId, orchestratorId } = await heldTask(
    tenant,
    fixture.server.url,
    token,
  );
  const blocked = await tenant.engine.createTask({ title: 'Blocked by a lock', orchestratorId });
  const { pool } = fixture.test.database;
  const holder = await pool.connect();
  await holder.query('BEGIN');
  await holder.query('SELECT * FROM lock_task($1, NULL)', [blocked.id.slice('task_'.length)]);
  const post = (path: string, key?: string) =>
    fixture.fetch(`/api/v1${path}`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        ...(key === undefined ? {} : { 'idempotency-key': key }),
      },
      body: JSON.stringify({ reason: 'Flood' }),
      token,
    });
  const flood = Array.from({ length: FLOOD }, (_, index) =>
    post(`/tasks/${blocked.id}/block`, index % 2 === 0 ? undefined : randomUUID()),
  );
  try {
    // The pool is full when a call that reads one row finds no connection.
    const behind = timed(client.getWorkspace());
    await expect
      .poll(async () => {
        const { rows } = await pool.query<{ n: number }>(
          `SELECT count(*)::int AS n FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
        );
        return rows[0]?.n ?? 0;
      })
      .toBeGreaterThanOrEqual(10);
    const late = timed(client.getTask({ params: { id: taskId } }));
    const until = performance.now() + 8_000;
    let renewed = 0;
    while (performance.now() < until) {
      const beat = await timed(
        client.daemonHeartbeat({ params: { id: daemon.id }, body: { attemptIds: [attemptId] } }),
      );
      expect(beat.value.renewals).toMatchObject([{ owned: true }]);
      expect(beat.ms).toBeLessThan(AT_ONCE_MS);
      const renewal = await timed(client.renewLease({ params: { id: attemptId } }));
      expect(renewal.ms).toBeLessThan(AT_ONCE_MS);
      const ready = await timed(fixture.fetch('/readyz'));
      expect([ready.value.status, ready.ms < AT_ONCE_MS]).toEqual([200, true]);
      renewed += 1;
    }
    expect(renewed).toBeGreaterThan(3);
    await holder.query('ROLLBACK');
    const [first, other] = await Promise.all([behind, late]);
    expect(Math.max(first.ms, other.ms)).toBeGreaterThan(2 * AT_ONCE_MS);
  } finally {
    holder.release(true);
    await Promise.allSettled(flood);
  }
  expect(await client.getAttempt({ params: { id: attemptId } })).toMatchObject({ status: 'RUNNING' });
});

test('a token that makes too many calls is told when to come again; its heartbeats and other tokens are not refused', async () => {
  const tenant = await fixture.tenant();
  const server = await startServer({
    databaseUrl: fixture.test.url,
    env: { NEOLITH_RATE_LIMIT: '1/20' },
  });
  onTestFinished(async () => {
    await server.stop('SIGKILL');
  });
  const token = await tenant.token();
  const { client, daemon, attemptId } = await heldTask(tenant, server.url, token);
  const read = (by: string) =>
    fetch(`${server.url}/api/v1/workspace`, { headers: { authorization: `Bearer ${by}` } });
  const answers = await Promise.all(Array.from({ length: 60 }, () => read(token)));
  const refused = answers.filter(({ status }) => status === 429);
  expect(answers.filter(({ status }) => status === 200).length).toBeGreaterThan(5);
  expect(refused.length).toBeGreaterThan(20);
  const [first] = refused;
  expect(Number(first?.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
  expect(await first?.json()).toMatchObject({
    code: 'RATE_LIMITED',
    status: 429,
    details: { retryAfterSeconds: expect.any(Number) },
  });
  for (let beat = 0; beat < 30; beat += 1) {
    const { renewals } = await client.daemonHeartbeat({
      params: { id: daemon.id },
      body: { attemptIds: [attemptId] },
    });
    expect(renewals).toMatchObject([{ owned: true }]);
    await client.renewLease({ params: { id: attemptId } });
  }
  expect((await read(await tenant.token())).status).toBe(200);
  for (const path of ['/livez', '/readyz', '/api/v1/health']) {
    const statuses = await Promise.all(
      Array.from({ length: 30 }, async () => (await fetch(`${server.url}${path}`)).status),
    );
    expect(new Set(statuses)).toEqual(new Set([200]));
  }
  await expect.poll(async () => (await read(token)).status, { timeout: 10_000, interval: 250 }).toBe(200);
});
