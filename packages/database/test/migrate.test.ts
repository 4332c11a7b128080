import { createHash, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { expect, onTestFinished, test, vi } from 'vitest';
import { databaseName, withDatabase } from '../src/databaseUrl.js';
import { migrate, migrationDrift } from '../src/index.js';
import { refuseOldServer } from '../src/migrations/prepareDatabase.js';
import { prismaDirectory } from '../src/migrations/readMigrations.js';
import { createTestDatabase } from '../src/testing/index.js';
import { ownTemplateUrl } from '../src/testing/testServer.js';
import { query } from './support/query.js';
import { startChild } from './support/startChild.js';

/** A database name nobody has used, on the server of the tests; dropped with the test. */
function freshDatabase(): string {
  const name = `neolith_migrate_${randomUUID().slice(0, 8)}`;
  const url = withDatabase(ownTemplateUrl() ?? '', name);
  onTestFinished(async () => {
    await query(withDatabase(url, 'postgres'), `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
  });
  return url;
}

/** A folder with these migrations. */
async function folder(migrations: Record<string, string>): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'neolith-migrations-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  for (const [name, sql] of Object.entries(migrations)) {
    await mkdir(join(directory, name));
    await writeFile(join(directory, name, 'migration.sql'), sql);
  }
  return directory;
}

interface MigrationRow {
  migration_name: string;
  checksum: string;
  applied_steps_count: number;
  finished: boolean;
  rolled_back: boolean;
}

const history = (url: string) =>
  query<MigrationRow>(
    url,
    `SELECT migration_name, checksum, applied_steps_count, finished_at IS NOT NULL AS finished,
            rolled_back_at IS NOT NULL AS rolled_back
     FROM _prisma_migrations ORDER BY started_at`,
  );

const exists = async (url: string, name: string) =>
  (await query<{ found: boolean }>(url, `SELECT to_regclass('${name}') IS NOT NULL AS found`))[0]?.found;

test('a missing database is made and gets every migration once', async () => {
  const url = freshDatabase();
  const names = (await readdir(join(prismaDirectory(), 'migrations')))
    .filter((name) => !name.endsWith('.toml'))
    .sort();
  expect(names.length).toBeGreaterThan(0);

  expect(await migrate(url)).toEqual({ applied: names });
  expect(await migrate(url)).toEqual({ applied: [] });
});

test("the history is what Prisma's own command writes", async () => {
  const url = freshDatabase();
  const { applied } = await migrate(url);
  const rows = await history(url);
  expect(rows.map((row) => row.migration_name)).toEqual(applied);
  for (const row of rows) {
    const script = await readFile(join(prismaDirectory(), 'migrations', row.migration_name, 'migration.sql'));
    expect(row).toMatchObject({
      checksum: createHash('sha256').update(script).digest('hex'),
      applied_steps_count: 1,
      finished: true,
      rolled_back: false,
    });
  }
});

test('processes that migrate at once apply each migration once between them', async () => {
  const url = freshDatabase();
  const children = [1, 2, 3].map(() => startChild<{ applied: string[] }>('migrate', { url }));
  const outcomes = await Promise.all(children.map((child) => child.outcome));

  expect(outcomes.map(({ error }) => error)).toEqual([undefined, undefined, undefined]);
  const applied = outcomes.flatMap(({ value }) => value?.applied ?? []);
  expect(applied).toEqual((await history(url)).map((row) => row.migration_name));
});

test('a function body may hold semicolons', async () => {
  const url = freshDatabase();
  const migrationsDirectory = await folder({
    '1_function': `CREATE FUNCTION twice(n int) RETURNS int LANGUAGE plpgsql AS $$
      DECLARE m int; BEGIN m := n; m := m + n; RETURN m; END; $$;
      CREATE TABLE kept (n int CHECK (n > 0)); CREATE INDEX kept_few ON kept (n) WHERE n < 10;`,
  });
  expect(await migrate(url, { migrationsDirectory })).toEqual({ applied: ['1_function'] });
  expect(await query(url, 'SELECT twice(21) AS n')).toEqual([{ n: 42 }]);
  await expect(query(url, 'INSERT INTO kept VALUES (0)')).rejects.toMatchObject({ code: '23514' });
  expect(await exists(url, 'kept_few')).toBe(true);
});

test('a migration that fails names itself and its line, leaves nothing, and is tried again once it is right', async () => {
  const url = freshDatabase();
  const migrationsDirectory = await folder({
    '1_good': 'CREATE TABLE good ();',
    '2_bad': 'CREATE TABLE half ();\nSELECT 1;\nSELECT missing FROM half;',
  });
  const error = await migrate(url, { migrationsDirectory }).catch((caught: unknown) => caught);
  expect(error).toMatchObject({ code: 'MIGRATION_FAILED', cause: { code: '42703' } });
  expect(String(error)).toContain('"2_bad"');
  expect(String(error)).toContain('line 3');
  expect(await exists(url, 'good')).toBe(true);
  expect(await exists(url, 'half')).toBe(false);

  await writeFile(join(migrationsDirectory, '2_bad', 'migration.sql'), 'CREATE TABLE half ();');
  expect(await migrate(url, { migrationsDirectory })).toEqual({ applied: ['2_bad'] });
  expect(await exists(url, 'half')).toBe(true);
});

test('a migration that meets the locks of a call under way head-on goes on, and says all that was applied', async () => {
  const url = freshDatabase();
  const first = { '20260101000000_tables': 'CREATE TABLE one (id int); CREATE TABLE other (id int);' };
  await migrate(url, { migrationsDirectory: await folder(first) });
  const later = {
    '20260102000000_before': 'CREATE TABLE before (id int);',
    '20260103000000_columns': 'ALTER TABLE other ADD n int; ALTER TABLE one ADD n int;',
  };
  const call = new pg.Client({ connectionString: url });
  await call.connect();
  onTestFinished(() => call.end());
  await call.query('BEGIN');
  await call.query('LOCK TABLE one IN ACCESS SHARE MODE');
  const migrated = migrate(url, { migrationsDirectory: await folder({ ...first, ...later }) });
  await expect
    .poll(() => query(url, `SELECT FROM pg_locks WHERE NOT granted AND relation = 'one'::regclass`), {
      timeout: 10_000,
      interval: 20,
    })
    .toHaveLength(1);
  // PostgreSQL ends the one that has waited for longest: the migration.
  await call.query('LOCK TABLE other IN ACCESS SHARE MODE');
  await call.query('COMMIT');
  expect(await migrated).toEqual({ applied: Object.keys(later) });
  expect((await history(url)).map(({ finished, rolled_back }) => [finished, rolled_back])).toEqual([
    [true, false],
    [true, false],
    [false, true],
    [true, false],
  ]);
});

test('a migration whose process was killed in the middle is applied by the next', async () => {
  const url = freshDatabase();
  const migrationsDirectory = await folder({
    '1_slow': 'CREATE TABLE slow (); SELECT pg_sleep(600);',
  });
  const child = startChild('migrate', { url, options: { migrationsDirectory } });
  const sleepers = () =>
    query(
      withDatabase(url, 'postgres'),
      `SELECT FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = '${databaseName(new URL(url))}'`,
    );
  await expect.poll(sleepers, { timeout: 10_000 }).toHaveLength(1);
  await child.kill('SIGKILL');
  // PostgreSQL ends it by itself: run to its end, it would be there twice.
  await expect.poll(sleepers, { timeout: 10_000 }).toHaveLength(0);
  expect(await exists(url, 'slow')).toBe(false);

  await writeFile(join(migrationsDirectory, '1_slow', 'migration.sql'), 'CREATE TABLE slow ();');
  expect(await migrate(url, { migrationsDirectory })).toEqual({ applied: ['1_slow'] });
  expect((await history(url)).map(({ finished, rolled_back }) => ({ finished, rolled_back }))).toEqual([
    { finished: false, rolled_back: true },
    { finished: true, rolled_back: false },
  ]);
});

test.each([
  ['waits for its turn', `SELECT pg_advisory_lock(6355146240741)`],
  ['reads what was applied', 'BEGIN; LOCK TABLE _prisma_migrations'],
])('a connection that is lost while it %s is told as a database that is away', async (_, inTheWay) => {
  const url = freshDatabase();
  await migrate(url);
  const other = new pg.Client({ connectionString: url });
  await other.connect();
  try {
    await other.query(inTheWay);
    const migrating = migrate(url).catch((error: unknown) => error);
    await vi.waitFor(async () => expect(await waiting(url)).toHaveLength(1), 10_000);
    await query(url, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE ${OF_MIGRATIONS}`);
    expect(await migrating).toMatchObject({
      code: 'DATABASE_UNREACHABLE',
      message: expect.stringContaining('terminating connection'),
    });
  } finally {
    await other.end();
  }
  expect(await migrate(url)).toEqual({ applied: [] });
});

test('a connection that is lost at the first question is told as a database that is away', async () => {
  const { url, drop } = await createTestDatabase();
  onTestFinished(drop);
  const { hostname, port } = new URL(url);
  // Lets the log-in through, and cuts what comes after it.
  const proxy = createServer((client) => {
    const server = connect(Number(port), hostname);
    for (const socket of [client, server]) socket.on('error', () => undefined);
    server.pipe(client);
    client.on('data', (chunk) => {
      if (chunk[0] !== 'Q'.charCodeAt(0)) server.write(chunk);
      else for (const socket of [client, server]) socket.destroy();
    });
  });
  await once(proxy.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(() => void proxy.close());
  const cut = new URL(url);
  cut.hostname = '127.0.0.1';
  cut.port = String((proxy.address() as AddressInfo).port);
  await expect(migrate(cut.toString())).rejects.toMatchObject({
    code: 'DATABASE_UNREACHABLE',
    cause: { message: 'Connection terminated unexpectedly' },
  });
});

const OF_MIGRATIONS = `datname = current_database() AND application_name = 'neolith-migrate'`;
const waiting = (url: string) =>
  query(url, `SELECT pid FROM pg_stat_activity WHERE ${OF_MIGRATIONS} AND wait_event_type = 'Lock'`);

test('without the right to create tables the grant to ask for is named', async () => {
  const { url, drop } = await createTestDatabase();
  onTestFinished(drop);
  const role = `guest_${randomUUID().slice(0, 8)}`;
  const bare = freshDatabase();
  await query(withDatabase(url, 'postgres'), `CREATE DATABASE ${new URL(bare).pathname.slice(1)}`);
  await query(bare, `CREATE ROLE ${role} LOGIN PASSWORD 'guest'`);
  onTestFinished(async () => {
    await query(withDatabase(url, 'postgres'), `DROP ROLE IF EXISTS ${role}`);
  });
  const asGuest = new URL(bare);
  asGuest.username = role;
  asGuest.password = 'guest';

  const error = await migrate(asGuest.toString()).catch((caught: unknown) => caught);
  expect(error).toMatchObject({ code: 'DATABASE_PERMISSION_DENIED' });
  expect(String(error)).toContain(`GRANT CREATE ON SCHEMA "public" TO "${role}"`);

  asGuest.pathname = '/a_database_that_is_missing';
  const missing = await migrate(asGuest.toString()).catch((caught: unknown) => caught);
  expect(missing).toMatchObject({ code: 'DATABASE_MISSING' });
});

test("a database full of somebody else's tables is refused", async () => {
  const url = freshDatabase();
  await migrate(url, { migrationsDirectory: await folder({}) });
  await query(url, 'DROP TABLE IF EXISTS _prisma_migrations');
  await query(url, 'CREATE TABLE theirs (id int PRIMARY KEY)');
  await expect(migrate(url)).rejects.toMatchObject({ code: 'DATABASE_NOT_EMPTY' });
  expect(await exists(url, 'tasks')).toBe(false);
});

test('a PostgreSQL before 15 is refused, naming the version found', () => {
  expect(() => refuseOldServer({ text: '14.9', number: 140_009 })).toThrow(
    /15 or newer is needed.*PostgreSQL 14\.9/,
  );
  expect(() => refuseOldServer({ text: '15.0', number: 150_000 })).not.toThrow();
});

test('a server that is not there is named without the password', async () => {
  const server = createServer();
  const port = await new Promise<number>((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });
  const error = await migrate(`postgresql://me:secret@127.0.0.1:${port}/work`).catch(
    (caught: unknown) => caught,
  );
  expect(error).toMatchObject({ code: 'DATABASE_UNREACHABLE' });
  expect(String(error)).toContain(`127.0.0.1:${port}/work`);
  expect(String(error)).not.toContain('secret');
  await expect(migrate('postgres//me:secret@host')).rejects.toMatchObject({ code: 'DATABASE_URL_INVALID' });
});

test('a migrated database does not differ from schema.prisma; one with another column does', async () => {
  const { url, drop } = await createTestDatabase();
  onTestFinished(drop);
  expect(await migrationDrift(url)).toBe('');

  await query(url, 'CREATE FUNCTION extra() RETURNS int LANGUAGE sql AS $$ SELECT 1 $$');
  await query(url, 'ALTER TABLE tasks ADD CONSTRAINT extra CHECK (progress >= 0)');
  expect(await migrationDrift(url)).toBe('');

  await query(url, 'CREATE INDEX extra ON tasks (title) WHERE progress > 50');
  expect(await migrationDrift(url)).toContain('DROP INDEX "extra"');
  await query(url, 'DROP INDEX extra');

  await query(url, 'ALTER TABLE tasks ADD COLUMN surplus text');
  expect(await migrationDrift(url)).toContain('DROP COLUMN "surplus"');
});
