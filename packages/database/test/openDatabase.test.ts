import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import pg from 'pg';
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

test('a transaction of Prisma waits for its connection, and may take, as long as everything else', async () => {
  const { pool, prisma } = open(testDatabase.url, { poolSize: 1 });
  // Longer than Prisma itself waits (2 s), and than it lets a transaction go on (5 s).
  const before = pool.query('SELECT pg_sleep(2.5)');
  const rows = await prisma.$transaction(async (transaction) => {
    await transaction.$executeRaw`SELECT pg_sleep(5.5)`;
    return transaction.$queryRaw<{ one: number }[]>`SELECT 1 AS one`;
  });
  expect(rows).toEqual([{ one: 1 }]);
  await before;
});

/** Around every border that the fast way of reading has: fractions, eras, lengths of years, ends of days and years. */
const INSTANTS = [
  ...[
    '',
    '.1',
    '.12',
    '.123',
    '.1234',
    '.12345',
    '.123456',
    '.999',
    '.9999',
    '.999999',
    '.000001',
    '.05',
    '.007',
  ].map((fraction) => `2026-02-28 23:59:59${fraction}+00`),
  ...['infinity', '-infinity', 'epoch'],
  ...['0044-03-15 12:00:00+00 BC', '0001-12-31 23:59:59.5+00 BC', '4713-01-01 00:00:00+00 BC'],
  ...[
    '0001-01-01 00:00:00+00',
    '0099-12-31 23:59:59.999+00',
    '0100-01-01 00:00:00+00',
    '0999-06-01 00:00:00+00',
  ],
  ...['9999-12-31 23:59:59.999+00', '10000-01-01 00:00:00+00', '12345-06-07 08:09:10.123+00'],
  // Beyond what a Date can hold.
  '294270-06-30 23:59:59.999999+00',
  // Before standard time offsets had minutes and seconds; in summer they are others.
  ...[
    '1800-06-01 12:00:00+00',
    '1850-01-01 00:00:00.25+00',
    '1900-01-01 00:00:00+00',
    '1941-09-30 20:00:00+00',
  ],
  ...[
    '1969-12-31 23:59:59.999+00',
    '1972-01-07 00:00:00.001+00',
    '2026-07-01 12:00:00+00',
    '2024-02-29 00:00:00+00',
  ],
];
const TIME_ZONES = [
  ...[
    'UTC',
    'Europe/London',
    'Africa/Abidjan',
    'Africa/Monrovia',
    'Asia/Karachi',
    'Asia/Kolkata',
    'Asia/Kathmandu',
  ],
  ...['America/New_York', 'America/St_Johns', 'Europe/Amsterdam', 'Pacific/Chatham', 'Pacific/Apia'],
];

test.each(TIME_ZONES)(
  'instants are read as the driver itself reads them, in a session of %s',
  async (zone) => {
    const { pool } = open(testDatabase.url, { poolSize: 1 });
    const driver = new pg.Client({ connectionString: testDatabase.url });
    await driver.connect();
    onTestFinished(() => driver.end());
    const text = `SELECT v AS instant, v::text AS written, v::timestamp AS local, v::timestamp(3)::date AS day, ARRAY[v] AS several,
                       extract(epoch FROM v)::float8 * 1000 AS ms FROM unnest($1::timestamptz[]) v`;
    const read = async (session: pg.Pool | pg.Client) => {
      await session.query(`SET TimeZone = '${zone}'`);
      return (await session.query<{ instant: unknown; ms: number }>(text, [INSTANTS])).rows;
    };
    const rows = await read(pool);
    // Instances compare by what they hold, invalid ones as equal.
    expect(rows).toEqual(await read(driver));
    expect(rows).toHaveLength(INSTANTS.length);
    const held = rows.filter(({ instant }) => instant instanceof Date && !Number.isNaN(instant.getTime()));
    expect(held.length).toBeGreaterThanOrEqual(INSTANTS.length - 3);
    for (const { instant, ms } of held) expect(Math.abs((instant as Date).getTime() - ms)).toBeLessThan(1);
  },
);

test('every millisecond is read exactly', async () => {
  const { pool } = open(testDatabase.url, { poolSize: 1 });
  const { rows } = await pool.query<{ instant: Date }>(
    `SELECT '2026-03-09 12:00:00+00'::timestamptz + n * interval '1 millisecond' AS instant FROM generate_series(0, 999) n ORDER BY n`,
  );
  const begin = Date.parse('2026-03-09T12:00:00Z');
  expect(rows.map(({ instant }) => instant.getTime() - begin)).toEqual(
    Array.from({ length: 1_000 }, (_, n) => n),
  );
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
