import type { NeolithClient } from '@neolith/contracts';
import type { Page } from 'playwright-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { checkPage, dashboardFixture, isLive, setHidden } from './support/dashboardFixture';

const HOSTILE = '<img src=x onerror="window.hacked=1"><b>bold</b> \u001b[31mred\u001b[0m \u202etxt';
const HOSTILE_AS_TEXT = '<img src=x onerror="window.hacked=1"><b>bold</b> red ⟨U+202E⟩txt';
const LONG = 'an-uncommonly-long-word'.repeat(12);

const dashboard = dashboardFixture();
const { signIn, open, makeOrchestrator, makeTasks, begin } = dashboard;

const card = (page: Page, name: string) =>
  page.getByRole('article').filter({ has: page.getByRole('heading', { name, level: 2 }) });

type RunConfig = NonNullable<Parameters<NeolithClient['createRun']>[0]['body']['config']>;

/** A house of four tasks in three waves. */
async function makeRun(orchestratorId: string, name: string, config: RunConfig = {}) {
  const run = await dashboard.client.createRun({
    body: {
      name,
      orchestratorId,
      config,
      tasks: [
        { key: 'ground', title: 'Lay the ground' },
        { key: 'walls', title: 'Raise walls', dependsOn: ['ground'] },
        { key: 'pipes', title: 'Draw pipes', dependsOn: ['ground'] },
        { title: 'Close the roof', dependsOn: ['walls', 'pipes'] },
      ],
    },
  });
  const { tasks } = await dashboard.client.listTasks({ query: { runId: run.id } });
  return { id: run.id, tasks: new Map(tasks.map((task) => [task.title, task.id])) };
}

test('a visitor without a session is sent away, one with a link sees the orchestrators', async () => {
  const { name } = await makeOrchestrator('Visible');
  const stranger = await dashboard.stranger();
  await open(stranger, '/');
  expect(new URL(stranger.url()).pathname).toBe('/signed-out');

  const page = await signIn();
  expect(new URL(page.url()).pathname).toBe('/');
  await card(page, name).waitFor();
  expect(await card(page, name).getByText('VP Engineering').isVisible()).toBe(true);
  expect(await card(page, name).getByText('No daemon').isVisible()).toBe(true);
});

test('progress, completion and the next task appear by themselves', async () => {
  const { id, name } = await makeOrchestrator('Lively');
  const [first, second] = await makeTasks(
    id,
    { title: 'First of all', priority: 'HIGH' },
    { title: 'Then this' },
  );
  if (first === undefined || second === undefined) throw new Error('Two tasks were asked for');
  const page = await signIn();
  await isLive(page);
  const own = card(page, name);
  await own.getByText('Next First of all').waitFor();
  // A mark that a reload would wipe away.
  await page.evaluate(() => Object.assign(window, { sameDocument: true }));

  const attemptId = await begin(id, first.id);
  const bar = own.getByRole('progressbar', { name: 'First of all' });
  await bar.waitFor();
  await own.getByText('Next Then this').waitFor();

  await dashboard.client.updateTaskProgress({
    params: { id: first.id },
    body: { progress: 42, message: 'Half way', attemptId },
  });
  await own.getByText('42 %').waitFor();
  expect(await bar.getAttribute('aria-valuenow')).toBe('42');

  await dashboard.client.completeTask({ params: { id: first.id }, body: { status: 'completed', attemptId } });
  await bar.waitFor({ state: 'detached' });
  await own.getByText('1 completed', { exact: true }).waitFor();
  await own.getByText('100 %').waitFor();
  expect(await page.evaluate(() => 'sameDocument' in window)).toBe(true);
});

test('what happened while the connection was gone is shown once it is back', async () => {
  const { id, name } = await makeOrchestrator('Resumed');
  const [task] = await makeTasks(id, { title: 'Done in the dark' });
  if (task === undefined) throw new Error('A task was asked for');
  const page = await signIn({
    expects: /ERR_INTERNET_DISCONNECTED|ERR_NETWORK_CHANGED|ERR_NETWORK_IO_SUSPENDED/,
  });
  await isLive(page);
  await page.context().setOffline(true);
  await page.locator('[data-live="reconnecting"]').waitFor();
  const attemptId = await begin(id, task.id);
  await dashboard.client.completeTask({ params: { id: task.id }, body: { status: 'completed', attemptId } });
  expect(await card(page, name).getByText('0 completed', { exact: true }).count()).toBe(1);
  await page.context().setOffline(false);
  await isLive(page);
  await card(page, name).getByText('1 completed', { exact: true }).waitFor();
});

test('a hidden page lets go of its stream, and catches up when one looks again', async () => {
  const { id, name } = await makeOrchestrator('Hidden');
  const page = await signIn();
  await isLive(page);
  await setHidden(page, true);
  await page.locator('[data-live="paused"]').waitFor();
  await makeTasks(id, { title: 'Made unseen' });
  expect(await card(page, name).getByText('Made unseen').count()).toBe(0);
  await setHidden(page, false);
  await card(page, name).getByText('Next Made unseen').waitFor();
});

test('search, filter and order are kept in the address and survive a reload', async () => {
  const kept = await makeOrchestrator('Needle');
  const other = await makeOrchestrator('Haystack');
  const page = await signIn();
  await page.getByRole('searchbox').fill('needle');
  await card(page, other.name).waitFor({ state: 'detached' });
  await page.getByRole('combobox', { name: 'Order' }).selectOption('name');
  expect(new URL(page.url()).search).toBe('?q=needle&sort=name');
  await page.reload();
  await card(page, kept.name).waitFor();
  expect(await card(page, other.name).count()).toBe(0);
  expect(await page.getByRole('searchbox').inputValue()).toBe('needle');
});

test('an orchestrator’s page shows charter, ranked queue, reasons, statistics of the chosen range and attempts', async () => {
  const { id, name } = await makeOrchestrator('Ranked');
  const overdue = new Date(Date.now() - 3_600_000).toISOString();
  const [done, , critical] = await makeTasks(
    id,
    { title: 'Already done', priority: 'LOW' },
    { title: 'Overdue and high', priority: 'HIGH', dueAt: overdue },
    { title: 'Merely critical', priority: 'CRITICAL' },
  );
  if (done === undefined || critical === undefined) throw new Error('Three tasks were asked for');
  const attemptId = await begin(id, done.id);
  await dashboard.client.completeTask({ params: { id: done.id }, body: { status: 'completed', attemptId } });
  await dashboard.client.blockTask({
    params: { id: critical.id },
    body: { reason: 'No access', question: 'Who grants it?' },
  });

  const page = await signIn();
  await card(page, name).getByRole('link', { name }).click();
  await page.getByRole('heading', { name, level: 1 }).waitFor();
  await isLive(page);
  expect(await page.title()).toBe(`${name} · Neolith`);
  await page.getByText('Charter').click();
  await page.getByText('Mission').waitFor();

  const queue = page.getByRole('region', { name: 'Queue' });
  const head = queue.locator('[data-rank="1"]');
  await head.getByText('Overdue and high').waitFor();
  await head.getByText('1,000').waitFor();
  await head.getByText('100 × 10').waitFor();
  await head.getByText(/^overdue/).waitFor();

  const stuck = page.getByRole('region', { name: 'Stuck' });
  await stuck.getByText('Who grants it?').waitFor();
  await stuck.getByText('Why not now?').click();
  await stuck.getByText('First is').waitFor();

  await page.getByRole('link', { name: '90 d' }).click();
  await page.waitForURL((url) => url.search === '?range=90d');
  await page
    .locator('table', { hasText: 'Finished tasks a day' })
    .locator('tbody tr')
    .nth(89)
    .waitFor({ state: 'attached' });
  await page.locator('[data-stat="completed"]').getByText('1', { exact: true }).waitFor();
  await page.getByRole('button', { name: 'Custom' }).click();
  await page.getByLabel('From').fill('2026-01-01');
  await page.getByLabel('to', { exact: true }).fill('2026-01-03');
  await page.getByRole('button', { name: 'Show' }).click();
  await page.waitForURL((url) => url.search === '?range=custom&from=2026-01-01&to=2026-01-03');
  await page.getByText('Nothing was finished in this range').first().waitFor();
  await page.locator('[data-stat="completed"]').getByText('0', { exact: true }).waitFor();

  const attempts = page.getByRole('region', { name: 'Attempts' });
  await attempts.getByRole('row', { name: /Already done.*Succeeded.*shell/ }).waitFor();
  await dashboard.client.unblockTask({ params: { id: critical.id }, body: {} });
  await queue.locator('[data-rank="1"]', { hasText: 'Overdue and high' }).waitFor();
  await queue.locator('[data-rank="2"]', { hasText: 'Merely critical' }).waitFor();
});

test('markup, terminal sequences and reversed text in a task are shown as harmless text', async () => {
  const { id, name } = await makeOrchestrator('Careful');
  const [task] = await makeTasks(id, {
    title: HOSTILE,
    description: `<script>window.hacked=1</script> ${LONG}`,
    tags: ['<i>tag</i>'],
  });
  if (task === undefined) throw new Error('A task was asked for');
  const attemptId = await begin(id, task.id);
  const page = await signIn();
  await card(page, name).getByText(HOSTILE_AS_TEXT).waitFor();
  await open(page, `/tasks/${task.id}`);
  await page.getByRole('heading', { name: HOSTILE_AS_TEXT, level: 1 }).waitFor();
  await page.getByText('<script>window.hacked=1</script>').waitFor();
  await isLive(page);

  await dashboard.client.completeTask({
    params: { id: task.id },
    body: {
      status: 'completed',
      attemptId,
      output: '<b>out</b>\u001b[2J\u0007',
      artifacts: [{ type: 'log', content: LONG }],
    },
  });
  await page.getByText('<b>out</b>␇').waitFor();
  await page.locator('[data-event="task.completed"]').waitFor();
  expect(await page.locator('main img, main b, main i, main script').count()).toBe(0);
  expect(await page.evaluate(() => 'hacked' in window)).toBe(false);
});

test('a task’s page says what it waits for, and follows it', async () => {
  const { id } = await makeOrchestrator('Patient');
  const [before, after] = await makeTasks(
    id,
    { key: 'before', title: 'Lay the ground' },
    { title: 'Build on it', dependsOn: ['before'] },
  );
  if (before === undefined || after === undefined) throw new Error('Two tasks were asked for');
  const page = await signIn();
  await open(page, `/tasks/${after.id}`);
  await page.getByText('Waits for 1 task to be done').waitFor();
  await isLive(page);
  const attemptId = await begin(id, before.id);
  await page.getByRole('region', { name: 'Depends on' }).getByText('In progress').waitFor();
  await dashboard.client.completeTask({
    params: { id: before.id },
    body: { status: 'completed', attemptId },
  });
  await page.getByText('Ready, in the queue').waitFor();
  await page.getByRole('link', { name: 'Lay the ground' }).click();
  await page.getByRole('heading', { name: 'Lay the ground', level: 1 }).waitFor();
});

test('the list of runs follows them, and leads to each and back', async () => {
  const { id } = await makeOrchestrator('Runner');
  const page = await signIn();
  await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Runs' }).click();
  await page.getByRole('heading', { name: 'Runs', level: 1 }).waitFor();
  await isLive(page);
  const run = await makeRun(id, 'Appears by itself');
  const row = card(page, 'Appears by itself');
  await row.getByText('Pending').waitFor();
  expect(await row.locator('[data-percent]').textContent()).toBe('0 %');
  await dashboard.client.startRun({ params: { id: run.id }, body: {} });
  await row.getByText('Running').waitFor();
  const first = run.tasks.get('Lay the ground') ?? '';
  const attemptId = await begin(id, first);
  await dashboard.client.completeTask({ params: { id: first }, body: { status: 'completed', attemptId } });
  await row.locator('[data-count="done"]').getByText('1', { exact: true }).waitFor();
  await row.locator('[data-percent]', { hasText: '25 %' }).waitFor();

  await page.getByRole('navigation', { name: 'Show runs' }).getByRole('link', { name: 'Paused' }).click();
  await page.waitForURL((url) => url.search === '?status=PAUSED');
  await row.waitFor({ state: 'detached' });
  await dashboard.client.pauseRun({ params: { id: run.id }, body: {} });
  await row.waitFor();
  await row.getByRole('link', { name: 'Appears by itself' }).click();
  await page.getByRole('heading', { name: 'Appears by itself', level: 1 }).waitFor();
  expect(await page.title()).toBe('Appears by itself · Neolith');
  await page.getByRole('navigation', { name: 'Breadcrumb' }).getByRole('link', { name: 'Runs' }).click();
  await page.getByRole('heading', { name: 'Runs', level: 1 }).waitFor();
});

test('a run’s page follows its waves, attempts and merges, and says what it waits for', async () => {
  const { id } = await makeOrchestrator('Conductor');
  const run = await makeRun(id, 'House', { mergeStage: true });
  const [ground, walls] = [run.tasks.get('Lay the ground') ?? '', run.tasks.get('Raise walls') ?? ''];
  const page = await signIn();
  await open(page, `/runs/${run.id}`);
  await isLive(page);
  await page.evaluate(() => Object.assign(window, { sameDocument: true }));
  const progress = page.getByRole('region', { name: 'Progress' });
  const tile = (task: string, status: string) =>
    page.locator(`[data-task="${task}"][data-status="${status}"]`);
  await progress.getByText('It has not been started').waitFor();
  await page.getByRole('listitem', { name: 'Wave 2' }).getByText('Close the roof').waitFor();

  await dashboard.client.startRun({ params: { id: run.id }, body: {} });
  await progress.getByText('wait for what they depend on').waitFor();
  const attemptId = await begin(id, ground);
  await tile(ground, 'IN_PROGRESS').waitFor();
  const running = page.getByRole('region', { name: 'Running now' });
  await running.getByText('1 of 3 slots').waitFor();
  await dashboard.client.updateTaskProgress({ params: { id: ground }, body: { progress: 60, attemptId } });
  await tile(ground, 'IN_PROGRESS').getByText('60 %').waitFor();
  await running.getByText('60 %').waitFor();
  await progress.locator('[data-percent="15"]').waitFor();

  await dashboard.client.completeTask({ params: { id: ground }, body: { status: 'completed', attemptId } });
  await tile(ground, 'MERGING').waitFor();
  const merges = page.getByRole('region', { name: 'Merge queue' });
  await merges.getByRole('listitem').filter({ hasText: 'Lay the ground' }).getByText('Waiting').waitFor();
  await dashboard.client.requestMerge({ params: { id: attemptId }, body: {} });
  await merges.getByText('1 of 1 slot').waitFor();
  await dashboard.client.completeMerge({ params: { id: attemptId }, body: {} });
  await merges.getByText('Nothing waits to be merged').waitFor();
  await tile(ground, 'DONE').waitFor();
  await tile(walls, 'TODO').waitFor();
  await progress.locator('[data-percent="25"]').waitFor();

  await dashboard.client.stopRun({ params: { id: run.id }, body: { reason: 'Another house' } });
  await page.getByText('Another house').waitFor();
  await tile(walls, 'CANCELLED').waitFor();
  expect(await page.evaluate(() => 'sameDocument' in window)).toBe(true);
  await page.getByRole('link', { name: 'Raise walls' }).click();
  await page.getByRole('region', { name: 'Details' }).getByText('wave 1').waitFor();
});

test('what does not exist has a page that leads back', async () => {
  const page = await signIn({ expects: /^404 / });
  for (const path of [
    '/nowhere',
    '/tasks/task_01990000-0000-7000-8000-000000000000',
    '/orchestrators/x',
    '/runs/run_01990000-0000-7000-8000-000000000000',
  ]) {
    const answer = await open(page, path);
    expect(answer?.status()).toBe(404);
    await page.getByRole('heading', { name: 'There is no such page' }).waitFor();
  }
  await page.getByRole('link', { name: 'All orchestrators', exact: true }).click();
  await page.getByRole('heading', { name: 'Orchestrators', level: 1 }).waitFor();
});

test('the chosen theme holds from the first byte of the next page', async () => {
  const page = await signIn({ colorScheme: 'light' });
  const ground = () => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
  const light = await ground();
  await page.getByRole('button', { name: /Switch to light/ }).click();
  await page.getByRole('button', { name: /Switch to dark/ }).click();
  const dark = await ground();
  expect(dark).not.toBe(light);
  const answer = await page.reload();
  expect(await answer?.text()).toContain('data-theme="dark"');
  expect(await ground()).toBe(dark);
});

describe('every page', () => {
  const paths: Record<string, string> = {};
  beforeAll(async () => {
    const { id } = await makeOrchestrator('Measured');
    const [running, failed] = await makeTasks(
      id,
      { title: `Running ${LONG}`, priority: 'CRITICAL' },
      { title: 'Failed', maxAttempts: 1, description: LONG },
      { title: 'Ready' },
    );
    await makeTasks(null, { title: 'Nobody’s' });
    if (running === undefined || failed === undefined) throw new Error('Tasks were asked for');
    const attemptId = await begin(id, failed.id);
    await dashboard.client.completeTask({
      params: { id: failed.id },
      body: { status: 'failed', error: LONG, attemptId },
    });
    await begin(id, running.id);
    const [plain, wide] = [
      await makeRun(id, `Measured ${LONG}`, { mergeStage: true }),
      await dashboard.client.createRun({
        body: {
          name: 'Wide and deep',
          description: LONG,
          source: `plans/${LONG}`.slice(0, 300),
          dueAt: '2030-01-01T00:00:00Z',
          config: { waves: 'strict', failurePolicy: 'continue' },
          tasks: Array.from({ length: 120 }, (_, index) => ({
            key: `${index}`,
            title: index % 7 === 0 ? LONG : `Task ${index}`,
            dependsOn: index < 60 ? [] : [`${index - (index < 90 ? 60 : 1)}`],
          })),
        },
      }),
    ];
    for (const runId of [plain.id, wide.id])
      await dashboard.client.startRun({ params: { id: runId }, body: {} });
    const [coded, painted] = [plain.tasks.get('Lay the ground') ?? '', plain.tasks.get('Raise walls') ?? ''];
    const coding = await begin(id, coded);
    await dashboard.client.completeTask({
      params: { id: coded },
      body: { status: 'completed', attemptId: coding },
    });
    await dashboard.client.requestMerge({ params: { id: coding }, body: {} });
    await dashboard.client.completeMerge({ params: { id: coding }, body: {} });
    await dashboard.client.blockTask({
      params: { id: plain.tasks.get('Draw pipes') ?? '' },
      body: { reason: LONG },
    });
    await begin(id, painted);
    Object.assign(paths, {
      runs: '/runs',
      run: `/runs/${plain.id}`,
      wideRun: `/runs/${wide.id}`,
      overview: '/',
      orchestrator: `/orchestrators/${id}`,
      running: `/tasks/${running.id}`,
      failed: `/tasks/${failed.id}`,
    });
  });

  test.each([
    ['light', 380],
    ['dark', 380],
    ['light', 1280],
    ['dark', 1280],
    ['light', 1900],
  ] as const)('fits and is accessible: %s, %i px', async (colorScheme, width) => {
    const page = await signIn({ colorScheme, width });
    for (const [name, path] of Object.entries(paths)) {
      await open(page, path);
      await isLive(page);
      const { beyond, violations } = await checkPage(page);
      expect([name, beyond]).toEqual([name, 0]);
      expect([name, violations]).toEqual([name, []]);
    }
  });
});

test('the keyboard reaches the content at once and shows where it is', async () => {
  const page = await signIn();
  await page.keyboard.press('Tab');
  expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('Skip to the content');
  await page.keyboard.press('Enter');
  expect(await page.evaluate(() => document.activeElement?.id)).toBe('main');
  await page.keyboard.press('Tab');
  const outline = await page.evaluate(() => {
    const focused = document.activeElement;
    return focused === null ? 'none' : getComputedStyle(focused).outlineStyle;
  });
  expect(outline).toBe('solid');
});
