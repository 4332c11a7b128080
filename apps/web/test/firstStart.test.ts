import { chmod, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient } from '@neolith/contracts';
import { createTestDatabase } from '@neolith/database/testing';
import { expect, onTestFinished, test } from 'vitest';
import { withFirstStartLock } from '@/server/bootstrap/withFirstStartLock';
import { type StartServerOptions, startServer } from './startServer';

async function emptyDatabase() {
  const database = await createTestDatabase();
  onTestFinished(() => database.drop());
  return database;
}

async function started(options: StartServerOptions) {
  const server = await startServer(options);
  onTestFinished(async () => {
    await server.stop('SIGKILL');
  });
  return server;
}

async function temporaryHome(): Promise<string> {
  const home = await mkdtemp(join(tmpdir(), 'neolith-home-'));
  onTestFinished(() => rm(home, { recursive: true, force: true }));
  return home;
}

test('a first start makes a workspace and a token file that only its owner can read, and ends with 0 on SIGTERM', async () => {
  const database = await emptyDatabase();
  const server = await started({ databaseUrl: database.url });

  const file = join(server.home, 'token');
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  const token = await server.token();
  expect(token).toMatch(/^neo_[0-9a-f-]{36}_[A-Za-z0-9_-]{43}$/);
  const client = createClient({ baseUrl: server.url, token });
  expect(await client.getWorkspace()).toMatchObject({ slug: 'default' });
  expect(server.output()).not.toContain(token.slice(-43));

  expect(await server.stop()).toBe(0);
});

test('a second start keeps the token, and closes a file that others can read', async () => {
  const [database, home] = [await emptyDatabase(), await temporaryHome()];
  const first = await started({ databaseUrl: database.url, home });
  const token = await first.token();
  await first.stop();
  await chmod(join(home, 'token'), 0o644);

  const second = await started({ databaseUrl: database.url, home });
  expect(await second.token()).toBe(token);
  expect((await stat(join(home, 'token'))).mode & 0o777).toBe(0o600);
  expect(await database.database.prisma.workspace.count()).toBe(1);
});

test.each([
  ['that this database never gave out', `neo_00000000-0000-7000-8000-000000000000_${'A'.repeat(43)}`],
  ['with something else in it', 'half a tok'],
])('a token file %s is replaced, and the log says so', async (_, content) => {
  const [database, home] = [await emptyDatabase(), await temporaryHome()];
  await writeFile(join(home, 'token'), content);

  const server = await started({ databaseUrl: database.url, home });
  const client = createClient({ baseUrl: server.url, token: await server.token() });
  expect(await client.getWorkspace()).toMatchObject({ slug: 'default' });
  expect(server.output()).toContain('a new one was made');
  expect((await stat(join(home, 'token'))).mode & 0o777).toBe(0o600);
});

test('two servers that start at once on an empty database agree on one workspace and one token', async () => {
  const [database, home] = [await emptyDatabase(), await temporaryHome()];
  const servers = await Promise.all([
    started({ databaseUrl: database.url, home }),
    started({ databaseUrl: database.url, home }),
  ]);

  expect(await database.database.prisma.workspace.count()).toBe(1);
  expect(await database.database.prisma.apiToken.count()).toBe(1);
  const token = await servers[0].token();
  for (const { url } of servers) {
    expect(await createClient({ baseUrl: url, token }).getWorkspace()).toMatchObject({ slug: 'default' });
  }
});

test('of several first starts at once one works at a time', async () => {
  const { database } = await emptyDatabase();
  let inside = 0;
  const most = await Promise.all(
    Array.from({ length: 6 }, () =>
      withFirstStartLock(database, async () => {
        inside += 1;
        const seen = inside;
        await database.pool.query('SELECT pg_sleep(0.02)');
        inside -= 1;
        return seen;
      }),
    ),
  );
  expect(most).toEqual([1, 1, 1, 1, 1, 1]);
  await expect(withFirstStartLock(database, () => Promise.reject(new Error('broken')))).rejects.toThrow(
    'broken',
  );
  expect(await withFirstStartLock(database, async () => 'free')).toBe('free');
});

test('a home that can not be written costs the token file, not the server', async () => {
  const [database, home] = [await emptyDatabase(), await temporaryHome()];
  // A file where a directory is needed: also root can't write beneath it.
  await writeFile(join(home, 'file'), '');

  const server = await started({ databaseUrl: database.url, home: join(home, 'file') });
  expect(server.output()).toContain('set NEOLITH_HOME');
  expect((await fetch(`${server.url}/api/v1/health`)).status).toBe(200);
});
