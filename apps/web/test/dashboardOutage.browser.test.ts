import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient } from '@neolith/contracts';
import { startEmbeddedPostgres } from '@neolith/database';
import { expect, onTestFinished, test } from 'vitest';
import { startServer } from './startServer';
import { launchBrowser } from './support/launchBrowser';

test('while the database is away a page says so, and comes back by itself', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'neolith-dashboard-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  const start = () => startEmbeddedPostgres({ dataDirectory: join(directory, 'postgres') });
  let postgres = await start();
  onTestFinished(() => postgres.stop());
  const server = await startServer({ databaseUrl: postgres.url });
  onTestFinished(async () => {
    await server.stop('SIGKILL');
  });
  const browser = await launchBrowser();
  onTestFinished(() => browser.close());

  const client = createClient({ baseUrl: server.url, token: await server.token() });
  const { url } = await client.createSignInLink({ body: {} });
  const page = await browser.newPage();
  const errors: string[] = [];
  page.on('pageerror', (error) => errors.push(error.message));
  await page.goto(url);
  await page.getByText('No orchestrators yet').waitFor();
  await page.getByText('npx neolith import').waitFor();

  await postgres.stop();
  await page.goto(server.url);
  await page.getByRole('heading', { name: 'The database does not answer' }).waitFor();
  await page.getByText('npx neolith status').waitFor();
  await page.goto(`${server.url}/tasks/task_01990000-0000-7000-8000-000000000000`);
  await page.getByRole('heading', { name: 'The database does not answer' }).waitFor();
  await page.goto(server.url);

  postgres = await start();
  await page.getByRole('heading', { name: 'Orchestrators' }).waitFor();
  await page.locator('[data-live="live"]').waitFor();
  expect(errors).toEqual([]);
});
