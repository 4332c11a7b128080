import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { type OpenDatabaseOptions, openDatabase } from '../src/index.js';
import { createTestDatabase, type TestDatabase } from '../src/testing/index.js';
import { query } from './support/query.js';
import { until } from './support/until.js';

let testDatabase: TestDatabase;
beforeAll(async () => {
  testDatabase = await createTestDatabase();
});
afterAll(() => testDatabase.drop());

function open(url: string, options?: OpenDatabaseOptions) {
  const database = openDatabase(url, options);
  onTestFinished(() => database.close());
  return database;
}

const backendPid = 'SELECT pg_backend_pid() AS pid';

test('both doors share one pool of the given size', async () => {
  const { prisma, pool } = open(testDatabase.url, { poolSize: 1, applicationName: 'shared' });
  const viaPrisma = await prisma.$queryRaw<{ pid: number }[]>`SELECT pg_backend_pid() AS pid`;
  const viaPool = await pool.query<{ pid: number }>(backendPid);
  expect(viaPrisma).toEqual(viaPool.rows);
  const { rows } = await pool.query(
    `SELECT count(*)::int AS n FROM pg_stat_activity WHERE application_name = 'shared'`,
  );
  expect(rows).toEqual([{ n: 1 }]);
});

test('connections that PostgreSQL ends, idle and checked out, crash nothing and are replaced', async () => {
  const crashes: unknown[] = [];
  const note = (error: unknown) => crashes.push(error);
  process.on('uncaughtException', note);
  onTestFinished(() => {
    process.off('uncaughtException', note);
  });
  const { pool, prisma } = open(testDatabase.url, { poolSize: 2, applicationName: 'doomed' });
  const checkedOut = await pool.connect();
  await pool.query('SELECT 1');
  await query(
    testDatabase.url,
    `SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = 'doomed'`,
  );
  await until('the pool has dropped the idle one', () => pool.idleCount === 0);
  await expect(checkedOut.query('SELECT 1')).rejects.toThrow();
  checkedOut.release(true);

  expect((await pool.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
  expect(await prisma.workspace.count()).toBe(0);
  expect(crashes).toEqual([]);
});

test('a statement that takes too long is cancelled by the server', async () => {
  const { pool } = open(testDatabase.url, { statementTimeoutMs: 200 });
  await expect(pool.query('SELECT pg_sleep(30)')).rejects.toMatchObject({ code: '57014' });
  expect((await pool.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
});

test('a connection whose other end has gone silent is given up and replaced', async () => {
  const proxy = await silenceableProxy(testDatabase.url);
  const { pool } = open(proxy.url, { poolSize: 1, statementTimeoutMs: 300 });
  await pool.query('SELECT 1');
  proxy.silence();

  const startedAt = performance.now();
  await expect(pool.query('SELECT 1')).rejects.toThrow('Query read timeout');
  expect(performance.now() - startedAt).toBeLessThan(5_000);
  expect((await pool.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
});

test('by default nothing waits longer than fifteen seconds', async () => {
  const { pool } = open(testDatabase.url);
  const { keepAlive, keepAliveInitialDelayMillis, query_timeout, connectionTimeoutMillis } = pool.options;
  expect({ keepAlive, keepAliveInitialDelayMillis, query_timeout, connectionTimeoutMillis }).toEqual({
    keepAlive: true,
    keepAliveInitialDelayMillis: 4_000,
    query_timeout: 15_000,
    connectionTimeoutMillis: 10_000,
  });
  const { rows } = await pool.query(
    `SELECT name, setting FROM pg_settings
     WHERE name IN ('statement_timeout', 'idle_in_transaction_session_timeout') ORDER BY name`,
  );
  expect(rows).toEqual([
    { name: 'idle_in_transaction_session_timeout', setting: '15000' },
    { name: 'statement_timeout', setting: '14000' },
  ]);
});

test('closing twice is closing once', async () => {
  const database = openDatabase(testDatabase.url);
  await database.pool.query('SELECT 1');
  await Promise.all([database.close(), database.close()]);
  await expect(database.pool.query('SELECT 1')).rejects.toThrow();
});

test('a wrong URL is refused without showing what is in it', () => {
  for (const url of [
    'secret',
    'mysql://me:secret@host/work',
    'postgresql://me:secret@host',
    'postgresql://me:secret@host/',
  ]) {
    expect(() => openDatabase(url)).toThrow(expect.objectContaining({ code: 'DATABASE_URL_INVALID' }));
    expect(() => openDatabase(url)).not.toThrow(/secret/);
  }
});

/** A proxy that can stop forwarding on the connections it has, and forwards on new ones. */
async function silenceableProxy(targetUrl: string): Promise<{ url: string; silence: () => void }> {
  const { hostname, port } = new URL(targetUrl);
  const pairs: [Socket, Socket][] = [];
  const server = createServer((client) => {
    const upstream = connect(Number(port), hostname);
    pairs.push([client, upstream]);
    client.on('error', () => upstream.destroy());
    upstream.on('error', () => client.destroy());
    client.pipe(upstream).pipe(client);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    for (const socket of pairs.flat()) socket.destroy();
    server.close();
  });
  const address = server.address();
  if (typeof address !== 'object' || !address) throw new Error('no port');
  const url = new URL(targetUrl);
  url.port = String(address.port);
  return {
    url: url.toString(),
    silence: () => {
      for (const [client, upstream] of pairs) {
        client.unpipe();
        upstream.unpipe();
        client.resume();
        upstream.resume();
      }
    },
  };
}
