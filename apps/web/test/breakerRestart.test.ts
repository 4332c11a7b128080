import { createClient, type NeolithClient } from '@neolith/contracts';
import { createTestDatabase, type TestDatabase } from '@neolith/database/testing';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { startServer, type TestServer } from './startServer';

const RESET_MS = 600_000;
const ASKERS = 12;
const PROVIDER = { agent: 'claude', provider: 'anthropic' };

let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

async function start(): Promise<{ server: TestServer; client: NeolithClient }> {
  const server = await startServer({ databaseUrl: database.url });
  onTestFinished(async () => {
    await server.stop('SIGKILL');
  });
  return { server, client: createClient({ baseUrl: server.url, token: await server.token() }) };
}

test('an open breaker outlives the server that opened it, and when it is due one probe goes out, whichever server is asked', async () => {
  const first = await start();
  const { id } = await first.client.createOrchestrator({
    body: { name: 'Fleet', role: 'Engineer', discipline: 'Engineering', maxConcurrentTasks: 100 },
  });
  await first.client.createTasks({
    body: {
      tasks: Array.from({ length: ASKERS + 1 }, (_, n) => ({ title: `Task ${n}`, orchestratorId: id })),
    },
  });
  const { claims } = await first.client.claimTasks({
    params: { id },
    body: { requestId: 'fleet', max: ASKERS + 1, leaseSeconds: 600 },
  });
  const [failing, ...others] = claims;
  const resetAt = new Date(Date.now() + RESET_MS);
  await first.client.completeTask({
    params: { id: failing?.task.id as string },
    body: {
      status: 'failed',
      failureClass: 'provider',
      error: 'Used up',
      metrics: { ...PROVIDER, resetAt: resetAt.toISOString() },
      attemptId: failing?.attempt.id as string,
    },
  });
  const breakerAt = async (client: NeolithClient) => (await client.listBreakers({})).breakers[0];
  const opened = { ...PROVIDER, status: 'open', reason: 'Used up', openUntil: resetAt, trips: 1 };
  expect(await breakerAt(first.client)).toMatchObject(opened);

  process.kill(first.server.pid, 'SIGKILL');
  expect(await first.server.stop()).toBeNull();
  const replicas = await Promise.all([start(), start()]);
  for (const { client } of replicas) {
    expect(await breakerAt(client)).toMatchObject(opened);
    const attemptId = others[0]?.attempt.id as string;
    expect(await client.requestPermit({ body: { ...PROVIDER, attemptId } })).toMatchObject({
      granted: false,
      status: 'open',
      retryAt: resetAt,
    });
  }

  // Its time is over, by the clock of the database.
  await database.database.pool.query(`UPDATE breakers SET open_until = now() - interval '1 second'`);
  await expect
    .poll(async () => (await breakerAt((replicas[0] as (typeof replicas)[number]).client))?.status, {
      timeout: 20_000,
      interval: 100,
    })
    .toBe('half_open');
  const permits = await Promise.all(
    others.map(({ attempt }, n) =>
      (replicas[n % 2] as (typeof replicas)[number]).client.requestPermit({
        body: { ...PROVIDER, attemptId: attempt.id },
      }),
    ),
  );
  expect(permits).toHaveLength(ASKERS);
  expect(permits.filter(({ granted }) => granted)).toEqual([
    expect.objectContaining({ probe: true, status: 'half_open' }),
  ]);
});
