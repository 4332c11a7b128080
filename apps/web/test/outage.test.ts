import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createClient } from '@neolith/contracts';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '@neolith/database';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { startServer } from './startServer';
import { openStream } from './support/openStream';

/** A PostgreSQL of this file's own, because it is stopped in the middle. */
let directory: string;
let postgres: EmbeddedPostgres;

const start = () => startEmbeddedPostgres({ dataDirectory: join(directory, 'postgres') });

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'neolith-outage-'));
  postgres = await start();
});

afterAll(async () => {
  await postgres.stop();
  await rm(directory, { recursive: true, force: true });
});

async function statusWithin(url: string, token: string, wanted: number, limitMs: number): Promise<Response> {
  const deadline = performance.now() + limitMs;
  for (;;) {
    const response = await fetch(url, { headers: { authorization: `Bearer ${token}` } });
    if (response.status === wanted || performance.now() > deadline) return response;
    await response.body?.cancel();
    await delay(50);
  }
}

test('while PostgreSQL is away calls get 503 with Retry-After, and work again when it is back, without a restart', async () => {
  const server = await startServer({ databaseUrl: postgres.url });
  onTestFinished(async () => {
    await server.stop('SIGKILL');
  });
  const token = await server.token();
  const client = createClient({ baseUrl: server.url, token });
  const orchestrator = await client.createOrchestrator({
    body: { name: 'One', role: 'Engineer', discipline: 'Engineering' },
  });
  const stream = await openStream(`${server.url}/api/v1/events`, { token });
  await stream.until(() => stream.lastId() !== undefined);
  const place = stream.lastId() as string;
  const tasks = `${server.url}/api/v1/tasks`;

  for (let round = 1; round <= 2; round += 1) {
    await postgres.stop();
    const away = await statusWithin(tasks, token, 503, 15_000);
    expect(away.status).toBe(503);
    expect(Number(away.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(await away.json()).toMatchObject({ code: 'DATABASE_UNAVAILABLE', status: 503 });
    const every = [
      'overview',
      'health',
      `orchestrators/${orchestrator.id}/queue`,
      'tokens',
      'events',
      'workspace',
    ];
    for (const path of every) {
      expect([path, (await statusWithin(`${server.url}/api/v1/${path}`, token, 503, 0)).status]).toEqual([
        path,
        503,
      ]);
    }
    expect((await fetch(`${server.url}/readyz`)).status).toBe(503);
    expect((await fetch(`${server.url}/livez`)).status).toBe(200);

    postgres = await start();
    expect((await statusWithin(tasks, token, 200, 10_000)).status).toBe(200);
    expect((await fetch(`${server.url}/readyz`)).status).toBe(200);
    await client.createTasks({
      body: { tasks: [{ title: `After ${round}`, orchestratorId: orchestrator.id }] },
    });
  }

  const resumed = await openStream(`${server.url}/api/v1/events`, { token, lastEventId: place });
  onTestFinished(() => resumed.close());
  await resumed.until((messages) => messages.length >= 2);
  expect(resumed.messages.map(({ data }) => JSON.parse(data).type)).toEqual(['task.created', 'task.created']);
  expect(server.output()).not.toContain(token.slice(-43));
  expect(server.output()).not.toContain(decodeURIComponent(new URL(postgres.url).password));
  stream.close();
});

test('a server that starts before its database answers 503 and comes up with it', async () => {
  await postgres.stop();
  const server = await startServer({ databaseUrl: postgres.url, until: 'listening' });
  onTestFinished(async () => {
    await server.stop('SIGKILL');
  });
  expect((await fetch(`${server.url}/livez`)).status).toBe(200);
  expect((await fetch(`${server.url}/readyz`)).status).toBe(503);
  expect((await fetch(`${server.url}/api/v1/health`)).status).toBe(503);

  postgres = await start();
  await server.ready();
  const client = createClient({ baseUrl: server.url, token: await server.token() });
  expect(await client.getHealth()).toMatchObject({ status: 'ok' });
});

test('what runs out while the database is away is not lost to the daemon that lives, but to the one that is dead', async () => {
  const server = await startServer({ databaseUrl: postgres.url });
  onTestFinished(async () => {
    await server.stop('SIGKILL');
  });
  const client = createClient({ baseUrl: server.url, token: await server.token() });
  const orchestrator = await client.createOrchestrator({
    body: { name: 'Away', role: 'Engineer', discipline: 'Engineering', maxConcurrentTasks: 2 },
  });
  const daemon = await client.registerDaemon({
    body: {
      name: 'away',
      host: 'here',
      version: '0',
      slots: 2,
      agents: ['shell'],
      orchestratorIds: [orchestrator.id],
    },
  });
  await client.createTasks({
    body: { tasks: ['alive', 'dead'].map((title) => ({ title, orchestratorId: orchestrator.id })) },
  });
  const { claims } = await client.claimTasks({
    params: { id: orchestrator.id },
    body: { daemonId: daemon.id, requestId: 'away', max: 2, leaseSeconds: 8 },
  });
  const [alive, dead] = claims.map(({ attempt }) => attempt.id);
  if (alive === undefined || dead === undefined) throw new Error('Nothing was claimed');

  await postgres.stop();
  await delay(9_000);
  postgres = await start();
  // The first that a daemon can do: the server sweeps every two seconds.
  await statusWithin(`${server.url}/api/v1/tasks`, await server.token(), 200, 10_000);
  await delay(2_500);
  const renew = () =>
    client.daemonHeartbeat({ params: { id: daemon.id }, body: { state: 'ACTIVE', attemptIds: [alive] } });
  expect((await renew()).renewals).toMatchObject([{ owned: true }]);

  const deadline = performance.now() + 12_000;
  for (;;) {
    const { attempts } = await client.listOrchestratorAttempts({ params: { id: orchestrator.id } });
    const statusOf = (id: string) => attempts.find((attempt) => attempt.id === id)?.status;
    expect(statusOf(alive)).toBe('RUNNING');
    if (statusOf(dead) === 'LOST') break;
    if (performance.now() > deadline) throw new Error('The dead attempt was never taken back');
    await renew();
    await delay(200);
  }
});
