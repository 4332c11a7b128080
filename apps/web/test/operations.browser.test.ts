import { mkdir } from 'node:fs/promises';
import type { Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { checkPage, dashboardFixture, isLive } from './support/dashboardFixture';

/** What makes a page show things: a task that is parked, an agent that is held, resources that are held and waited for. */
const dashboard = dashboardFixture();
const { signIn, open, makeOrchestrator, makeTasks, begin } = dashboard;
const HOSTILE = '<b>bold</b> \u202etxt';

async function fail(taskId: string, attemptId: string, error = 'Red') {
  await dashboard.client.completeTask({
    params: { id: taskId },
    body: { status: 'failed', error, attemptId },
  });
}

async function park(orchestratorId: string, title: string, error = 'Red') {
  const [task] = await makeTasks(orchestratorId, { title, maxAttempts: 1 });
  if (task === undefined) throw new Error('A task was asked for');
  await fail(task.id, await begin(orchestratorId, task.id), error);
  return task.id;
}

const row = (page: Page, name: string) => page.getByRole('article', { name, exact: true });
const confirm = (page: Page, label: string) =>
  page.getByRole('dialog').getByRole('button', { name: label, exact: true }).click();

/** Set to a folder, each page leaves its picture there. */
const pictures = process.env.NEOLITH_TEST_PICTURES;
async function picture(page: Page, name: string) {
  if (pictures === undefined) return;
  await mkdir(pictures, { recursive: true });
  await page.screenshot({ path: `${pictures}/${name}.png`, fullPage: true });
}

test('breakers: held open and released by hand, with the reason, without a reload', async () => {
  const page = await signIn();
  await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Breakers' }).click();
  await page.getByText('No breaker has ever opened').waitFor();
  await isLive(page);
  await dashboard.client.forceBreaker({
    body: { agent: 'claude', provider: 'anthropic', to: 'open', reason: 'Bill' },
  });
  const claude = row(page, 'claude with anthropic');
  await claude.getByText('Open', { exact: true }).waitFor();
  await claude.getByText('Bill', { exact: true }).waitFor();
  await claude.getByText('stays so until it is released').waitFor();

  // By keyboard alone.
  await claude.getByRole('button', { name: 'Release claude with anthropic' }).focus();
  await page.keyboard.press('Enter');
  await page.getByRole('dialog', { name: 'Release claude with anthropic?' }).waitFor();
  await page.keyboard.press('Escape');
  expect(await page.getByRole('dialog').count()).toBe(0);
  expect((await dashboard.client.listBreakers()).breakers[0]).toMatchObject({ status: 'open' });
  await page.keyboard.press('Enter');
  await page.getByRole('textbox', { name: 'Why (kept with the breaker)' }).fill('Paid');
  await page.keyboard.press('Enter');
  await claude.getByText('Half-open').waitFor();
  await claude.getByText('the next attempt is its probe').waitFor();
  await claude.getByText('Paid', { exact: true }).waitFor();
  await picture(page, 'breakers');

  await claude.getByRole('button', { name: 'Hold closed' }).click();
  await confirm(page, 'Hold closed');
  await claude.getByText('Held by hand').waitFor();
  expect((await dashboard.client.listBreakers()).breakers[0]).toMatchObject({
    status: 'closed',
    forced: 'closed',
  });
});

describe('dead letters', () => {
  test('appear by themselves, tell their history, and are redriven one, some and all', async () => {
    const { id } = await makeOrchestrator('Unlucky');
    const page = await signIn();
    await open(page, '/dead-letters');
    await page.getByText('No task is parked').waitFor();
    await isLive(page);
    const first = await park(id, 'Parked one', HOSTILE);
    const parked = row(page, 'Parked one');
    await parked.getByText('All its attempts are spent').waitFor();
    await parked.getByText('<b>bold</b> ⟨U+202E⟩txt').waitFor();
    await parked.getByText('History').click();
    await parked.getByText('class task').waitFor();

    await parked.getByRole('button', { name: 'Redrive Parked one' }).click();
    await confirm(page, 'Redrive');
    await page.getByRole('status').getByText('1 task redriven.').waitFor();
    await page.getByText('No task is parked').waitFor();
    expect((await dashboard.client.getTask({ params: { id: first } })).status).toBe('TODO');

    await park(id, 'Two');
    await park(id, 'Three');
    await park(id, 'Four');
    await row(page, 'Two').getByRole('checkbox').check();
    await row(page, 'Three').getByRole('checkbox').check();
    await picture(page, 'dead-letters');
    await page.getByRole('button', { name: 'Redrive 2 selected' }).click();
    await confirm(page, 'Redrive 2 selected');
    await page.getByRole('status').getByText('2 tasks redriven.').waitFor();
    await row(page, 'Four').waitFor();
    expect(await page.getByRole('article').count()).toBe(1);
    await page.getByRole('button', { name: 'Redrive all' }).click();
    await confirm(page, 'Redrive all');
    await page.getByText('No task is parked').waitFor();
    expect((await dashboard.client.listDeadLetters({ query: {} })).deadLetters).toEqual([]);
  });

  test('what is refused is named with why, and the others go on', async () => {
    const { id } = await makeOrchestrator('Refused');
    const run = await dashboard.client.createRun({
      body: {
        name: 'Over',
        orchestratorId: id,
        config: { failurePolicy: 'continue' },
        tasks: [{ title: 'Stays', maxAttempts: 1 }, { title: 'Open' }],
      },
    });
    await dashboard.client.startRun({ params: { id: run.id }, body: {} });
    const { tasks } = await dashboard.client.listTasks({ query: { runId: run.id } });
    const stays = tasks.find(({ title }) => title === 'Stays')?.id ?? '';
    await fail(stays, await begin(id, stays));
    await dashboard.client.stopRun({ params: { id: run.id }, body: {} });
    await park(id, 'Goes on');
    const page = await signIn();
    await open(page, '/dead-letters');
    await row(page, 'Stays').waitFor();
    await page.getByRole('checkbox', { name: 'All on this page' }).check();
    await page.getByRole('button', { name: 'Redrive 2 selected' }).click();
    await confirm(page, 'Redrive 2 selected');
    const report = page.getByRole('status').filter({ hasText: 'redriven' });
    await report.getByText('1 task redriven, 1 refused.').waitFor();
    await report.getByText('RUN_ENDED').waitFor();
    await row(page, 'Goes on').waitFor({ state: 'detached' });
    expect(await row(page, 'Stays').count()).toBe(1);
  });
});

test('resources: who holds what, who waits for whom, and a deadlock that was broken', async () => {
  const { id } = await makeOrchestrator('Sharing');
  const [one, two] = await makeTasks(
    id,
    { title: 'Holds A', resources: ['db-a'], priority: 'HIGH' },
    { title: 'Holds B', resources: ['shared db-b'] },
  );
  if (one === undefined || two === undefined) throw new Error('Two tasks were asked for');
  const page = await signIn();
  await open(page, '/resources');
  await page.getByText('Nothing is held').waitFor();
  await isLive(page);
  const first = await begin(id, one.id);
  const second = await begin(id, two.id);
  const held = page.getByRole('region', { name: 'Held' });
  await held.getByText('db-a').waitFor();
  await held.getByText('Holds B').waitFor();
  const ask = (attemptId: string, resource: string) =>
    dashboard.client.acquireResources({
      params: { id: attemptId },
      body: { resources: [resource], waitSeconds: 0 },
    });
  await ask(first, 'db-b');
  const waiting = page.getByRole('region', { name: 'Waiting, longest first' });
  await waiting.getByText('Holds A').first().waitFor();
  await waiting.getByText('held by').waitFor();
  await picture(page, 'resources');
  await ask(second, 'db-a').catch(() => {});
  const broken = page.getByRole('region', { name: 'Deadlocks that were broken' });
  await broken.getByText('Gave way').waitFor();
  expect(await broken.getByRole('listitem').filter({ hasText: 'Gave way' }).last().textContent()).toContain(
    'Holds B',
  );
  await picture(page, 'deadlock');
});

describe('a quarantined run', () => {
  async function quarantined() {
    const { id } = await makeOrchestrator('Careful');
    const run = await dashboard.client.createRun({
      body: {
        name: 'Shaky house',
        orchestratorId: id,
        config: { failureThreshold: { consecutive: 1 }, backoff: { baseSeconds: 0 } },
        tasks: [{ title: 'Breaks', maxAttempts: 1 }, { title: 'Goes on' }, { title: 'Waits' }],
      },
    });
    await dashboard.client.startRun({ params: { id: run.id }, body: {} });
    const { tasks } = await dashboard.client.listTasks({ query: { runId: run.id } });
    const idOf = (title: string) => tasks.find((task) => task.title === title)?.id ?? '';
    const attemptId = await begin(id, idOf('Goes on'));
    await fail(idOf('Breaks'), await begin(id, idOf('Breaks')));
    const page = await signIn();
    await open(page, `/runs/${run.id}`);
    await isLive(page);
    await page.getByText('Quarantined', { exact: true }).first().waitFor();
    await page.getByText('attempts failed in a row').first().waitFor();
    const status = async () => (await dashboard.client.getRun({ params: { id: run.id } })).status;
    return { page, orchestratorId: id, idOf, attemptId, status };
  }

  test('is released by a button; what runs went on meanwhile', async () => {
    const { page, idOf, attemptId, status, orchestratorId } = await quarantined();
    const { asked } = await dashboard.client.explainSelection({
      params: { id: orchestratorId },
      query: { taskId: idOf('Waits') },
    });
    expect(asked?.whyNot.map(({ code }) => code)).toContain('RUN_NOT_RUNNING');
    await dashboard.client.completeTask({
      params: { id: idOf('Goes on') },
      body: { status: 'completed', attemptId },
    });
    await picture(page, 'quarantined');
    await page.getByRole('button', { name: 'Release', exact: true }).click();
    await confirm(page, 'Release');
    await page.getByText('Running', { exact: true }).first().waitFor();
    await expect.poll(status).toBe('RUNNING');
    expect(await page.getByRole('button', { name: 'Release', exact: true }).count()).toBe(0);
  });

  test('is retried: what failed gets another chance', async () => {
    const { page, idOf, status } = await quarantined();
    await page.getByRole('button', { name: 'Retry what failed' }).click();
    await confirm(page, 'Retry what failed');
    await page.getByText('Running', { exact: true }).first().waitFor();
    await expect.poll(status).toBe('RUNNING');
    expect((await dashboard.client.getTask({ params: { id: idOf('Breaks') } })).status).toBe('TODO');
  });

  test('is cancelled: what waits at once', async () => {
    const { page, idOf, status } = await quarantined();
    await page.getByRole('button', { name: 'Cancel the run' }).click();
    await confirm(page, 'Cancel the run');
    await page.getByText('Cancelled', { exact: true }).first().waitFor();
    await expect.poll(status).toBe('CANCELLED');
    expect((await dashboard.client.getTask({ params: { id: idOf('Waits') } })).status).toBe('CANCELLED');
  });
});

describe.each(['light', 'dark'] as const)('in %s', (colorScheme) => {
  test.each([
    ['/breakers', 1280],
    ['/dead-letters', 360],
    ['/resources', 360],
  ])('%s at %i pixels is accessible and no wider than its window', async (path, width) => {
    const { id } = await makeOrchestrator('Looks');
    await dashboard.client.forceBreaker({
      body: { agent: 'gemini', to: 'open', reason: 'An-uncommonly-long-word'.repeat(20) },
    });
    await park(id, `Parked ${'an-uncommonly-long-word'.repeat(8)}`);
    const resources = [`path:src/${colorScheme}${path}/${'deep/'.repeat(30)}**`];
    const [task] = await makeTasks(id, { title: 'Holds', resources });
    if (task !== undefined) await begin(id, task.id);
    const page = await signIn({ colorScheme, width });
    await open(page, path);
    await isLive(page);
    await picture(page, `${path.slice(1)}-${colorScheme}-${width}`);
    expect(await checkPage(page)).toEqual({ beyond: 0, violations: [] });
  });
});
