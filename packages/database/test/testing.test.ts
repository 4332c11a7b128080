import { existsSync } from 'node:fs';
import { expect, onTestFinished, test } from 'vitest';
import { createTestDatabase, startTestServer } from '../src/testing/index.js';
import { ownTemplateUrl } from '../src/testing/testServer.js';
import { query } from './support/query.js';
import { startChild } from './support/startChild.js';

test('databases made at once are apart, migrated and empty', async () => {
  const databases = await Promise.all(Array.from({ length: 4 }, () => createTestDatabase()));
  onTestFinished(async () => {
    await Promise.all(databases.map(({ drop }) => drop()));
  });
  expect(new Set(databases.map(({ url }) => url)).size).toBe(4);
  await query(databases[0]?.url ?? '', 'CREATE TABLE only_here ()');
  for (const { database, url } of databases) {
    expect(await database.prisma.workspace.count()).toBe(0);
    const found = await query(url, `SELECT to_regclass('only_here') IS NOT NULL AS here`);
    expect(found).toEqual([{ here: url === databases[0]?.url }]);
  }
});

test('a dropped database is gone, whoever is still connected', async () => {
  const { url, drop } = await createTestDatabase();
  const straggler = query(url, 'SELECT pg_sleep(60)').catch((error: { code?: string }) => error.code);
  await expect
    .poll(() =>
      query(
        url,
        `SELECT FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database()`,
      ),
    )
    .toHaveLength(1);
  await drop();
  expect(await straggler).toBe('57P01');
  await expect(query(url, 'SELECT 1')).rejects.toMatchObject({ code: '3D000' });
});

test('nobody can connect to the template, which would make clones fail', async () => {
  await expect(query(ownTemplateUrl() ?? '', 'SELECT 1')).rejects.toMatchObject({
    code: '55000',
  });
});

test.skipIf(process.env.NEOLITH_TEST_DATABASE_URL)(
  'the server of a test run that was killed is ended by the next one',
  async () => {
    const killed = startChild<{ templateUrl: string }>('startTestServer', {});
    const { value } = await killed.outcome;
    const maintenance = new URL(value?.templateUrl ?? '');
    maintenance.pathname = '/postgres';
    const [row] = await query<{ directory: string }>(
      maintenance.toString(),
      `SELECT current_setting('data_directory') AS directory`,
    );
    expect(existsSync(row?.directory ?? '')).toBe(true);
    await killed.kill('SIGKILL');
    // Told that the server shuts down, not that it crashed because its files were taken away.
    const farewell = query(maintenance.toString(), 'SELECT pg_sleep(60)').catch(
      (error: { code?: string }) => error.code,
    );

    const next = await startTestServer();
    await next.stop();
    expect(await farewell).toBe('57P01');
    expect(existsSync(row?.directory ?? '')).toBe(false);
    await expect(query(maintenance.toString(), 'SELECT 1')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  },
);
