import { randomUUID } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { createClient, type NeolithClient } from '@neolith/contracts';
import { createTestDatabase, type TestDatabase } from '@neolith/database/testing';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { startServer, type TestServer } from './startServer';

let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

const start = async (home?: string): Promise<TestServer> => {
  const server = await startServer({ databaseUrl: database.url, ...(home === undefined ? {} : { home }) });
  onTestFinished(async () => {
    await server.stop('SIGKILL');
  });
  return server;
};

/** Lets calls through, and at the first byte of an answer calls `cut` instead of passing it on. */
async function cutAnswers(port: number, cut: () => void): Promise<string> {
  const sockets = new Set<Socket>();
  const proxy: Server = createServer((caller) => {
    const behind = connect(port, '127.0.0.1');
    for (const socket of [caller, behind]) {
      sockets.add(socket);
      socket.on('error', () => socket.destroy());
    }
    caller.pipe(behind);
    behind.once('data', () => {
      cut();
      caller.destroy();
      behind.destroy();
    });
    behind.once('close', () => caller.destroy());
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    proxy.close();
  });
  return `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
}

function post(url: string, token: string, key: string, body: unknown): Promise<Response> {
  return fetch(url, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      'idempotency-key': key,
    },
    body: JSON.stringify(body),
  });
}

const count = async (table: string) =>
  (await database.database.pool.query(`SELECT FROM ${table}`)).rowCount ?? 0;

test.each([
  { path: 'tasks', table: 'tasks', body: { tasks: [{ title: 'Once' }] } },
  { path: 'runs', table: 'runs', body: { name: 'Once', tasks: [{ title: 'In it' }] } },
  { path: 'tokens', table: `api_tokens WHERE name = 'Once'`, body: { name: 'Once', scopes: ['read'] } },
])('a server that is killed between the commit and its answer: $path', async ({ path, table, body }) => {
  const server = await start();
  const token = await server.token();
  const before = await count(table);
  const key = randomUUID();
  const cut = await cutAnswers(server.port, () => process.kill(server.pid, 'SIGKILL'));
  await expect(post(`${cut}/api/v1/${path}`, token, key, body)).rejects.toThrow();
  expect(await count(table)).toBe(before + 1);
  expect(await server.stop()).toBeNull();

  const next = await start();
  const answers = await Promise.all([1, 2].map(() => post(`${next.url}/api/v1/${path}`, token, key, body)));
  expect(answers.map(({ status }) => status)).toEqual([201, 201]);
  expect(answers.map(({ headers }) => headers.get('idempotency-replayed'))).toEqual(['true', 'true']);
  const [one, other] = await Promise.all(answers.map((answer) => answer.text()));
  expect(one).toBe(other);
  expect(await count(table)).toBe(before + 1);
});

test('a server that is killed before the commit has done nothing, and the same call is made anew', async () => {
  const server = await start();
  const token = await server.token();
  const first = await post(`${server.url}/api/v1/tasks`, token, randomUUID(), { tasks: [{ title: 'Held' }] });
  const { tasks } = (await first.json()) as { tasks: { id: string }[] };
  const held = tasks[0]?.id ?? '';
  const before = await count('tasks');
  const key = randomUUID();
  const body = { tasks: [{ title: 'First' }, { title: 'Second', dependsOn: [held] }] };
  const { pool } = database.database;
  const holder = await pool.connect();
  try {
    await holder.query('BEGIN');
    await holder.query('SELECT * FROM lock_task($1, NULL)', [held.slice('task_'.length)]);
    const call = post(`${server.url}/api/v1/tasks`, token, key, body);
    const refused = expect(call).rejects.toThrow();
    await expect
      .poll(async () => {
        const { rows } = await pool.query<{ n: number }>(
          `SELECT count(*)::int AS n FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
        );
        return rows[0]?.n;
      })
      .toBe(1);
    process.kill(server.pid, 'SIGKILL');
    await refused;
  } finally {
    await holder.query('ROLLBACK');
    holder.release();
  }
  await server.stop();
  expect(await count('tasks')).toBe(before);

  const next = await start();
  const again = await post(`${next.url}/api/v1/tasks`, token, key, body);
  expect([again.status, again.headers.get('idempotency-replayed')]).toEqual([201, null]);
  expect(await count('tasks')).toBe(before + 2);
});

test('a claim whose server is killed before it answers gets the same attempts from another server', async () => {
  const server = await start();
  const token = await server.token();
  const make = async (path: string, body: unknown) =>
    (await post(`${server.url}/api/v1/${path}`, token, randomUUID(), body)).json();
  const { id } = (await make('orchestrators', { name: 'Claims', role: 'r', discipline: 'd' })) as {
    id: string;
  };
  await make('tasks', { tasks: ['One', 'Two'].map((title) => ({ title, orchestratorId: id })) });
  const key = randomUUID();
  const body = { requestId: 'only', max: 1, waitSeconds: 5 };
  const cut = await cutAnswers(server.port, () => process.kill(server.pid, 'SIGKILL'));
  await expect(post(`${cut}/api/v1/orchestrators/${id}/claim`, token, key, body)).rejects.toThrow();
  await server.stop();
  expect(await count('leases')).toBe(1);

  const next = await start();
  const again = await post(`${next.url}/api/v1/orchestrators/${id}/claim`, token, key, body);
  const { claims } = (await again.json()) as { claims: { attempt: { id: string } }[] };
  expect(claims).toHaveLength(1);
  const { rows } = await database.database.pool.query<{ attempt_id: string }>(
    'SELECT attempt_id FROM leases',
  );
  expect(rows.map((row) => `att_${row.attempt_id}`)).toEqual(claims.map(({ attempt }) => attempt.id));
});

test('a claim and a completion whose servers are killed between commit and answer are the same again, and no event comes twice', async () => {
  const first = await start();
  const token = await first.token();
  const direct = createClient({ baseUrl: first.url, token });
  const { id } = await direct.createOrchestrator({
    body: { name: 'Fenced', role: 'r', discipline: 'd' },
  });
  const { tasks } = await direct.createTasks({
    body: {
      tasks: [
        { key: 'first', title: 'First', orchestratorId: id },
        { title: 'Next', orchestratorId: id, dependsOn: ['first'] },
      ],
    },
  });
  const [taskId = '', nextId = ''] = tasks.map((task) => task.id);
  const claim = (client: NeolithClient) =>
    client.claimTasks({ params: { id }, body: { requestId: 'fenced', max: 2 } });
  const dies = async (server: TestServer, call: (client: NeolithClient) => Promise<unknown>) => {
    const cut = await cutAnswers(server.port, () => process.kill(server.pid, 'SIGKILL'));
    await expect(call(createClient({ baseUrl: cut, token }))).rejects.toMatchObject({
      code: 'SERVER_UNREACHABLE',
    });
    expect(await server.stop()).toBeNull();
  };
  await dies(first, claim);
  expect(await count(`leases WHERE task_id = '${taskId.slice('task_'.length)}'`)).toBe(1);

  const second = await start();
  const { claims } = await claim(createClient({ baseUrl: second.url, token }));
  expect(claims.map(({ task }) => task.id)).toEqual([taskId]);
  const attemptId = claims[0]?.attempt.id ?? '';
  const complete = (client: NeolithClient) =>
    client.completeTask({
      params: { id: taskId },
      body: { attemptId, status: 'completed', output: { n: 1 } },
    });
  await dies(second, complete);
  expect(await count(`leases WHERE task_id = '${taskId.slice('task_'.length)}'`)).toBe(0);

  const third = await start();
  const again = createClient({ baseUrl: third.url, token });
  expect(await complete(again)).toMatchObject({ status: 'DONE', replayed: true, unblocked: [nextId] });
  expect((await again.getTask({ params: { id: taskId } })).result?.output).toEqual({ n: 1 });
  const typesOf = async (task: string) =>
    (await again.listTaskEvents({ params: { id: task } })).events.map(({ type }) => type).sort();
  expect(await typesOf(taskId)).toEqual(['task.claimed', 'task.completed', 'task.created']);
  expect((await typesOf(nextId)).filter((type) => type === 'task.unblocked')).toHaveLength(1);
});
