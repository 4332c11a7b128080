import type { NewLogChunk } from '@neolith/contracts';
import type { Page } from 'playwright-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { checkPage, dashboardFixture, isLive, setHidden } from './support/dashboardFixture';

const LONG = 'an-uncommonly-long-word'.repeat(40);
const USAGE = { inputTokens: 40_000, outputTokens: 1_234, costUsd: 0.37, model: 'large <b>model</b>' };

/** Also on a machine that has much to do. */
const WITHIN = { timeout: 12_000 };

const dashboard = dashboardFixture();
const { signIn, open, makeOrchestrator, makeTasks, begin } = dashboard;

async function begunTask(title: string) {
  const { id } = await makeOrchestrator(title);
  const [task] = await makeTasks(id, { title });
  if (task === undefined) throw new Error('A task was asked for');
  return { orchestratorId: id, taskId: task.id, attemptId: await begin(id, task.id) };
}

const append = (attemptId: string, chunk: NewLogChunk) =>
  dashboard.client.appendAttemptLog({ params: { id: attemptId }, body: chunk });
const print = (attemptId: string, sequence: number, text: string, stream: 'stdout' | 'stderr' = 'stdout') =>
  append(attemptId, { sequence, entries: [{ stream, text }] });
const countTo = (last: number, first = 1) =>
  Array.from({ length: last - first + 1 }, (_, index) => `line ${first + index}`).join('\n');

const logOf = (page: Page, number: number) => page.getByRole('log', { name: `Output of attempt ${number}` });
/** How far the box is scrolled, and how far its end is away. */
const placeIn = (page: Page) =>
  page
    .getByRole('log')
    .evaluate((box) => ({ top: box.scrollTop, rest: box.scrollHeight - box.clientHeight - box.scrollTop }));

test('what attempts use up is shown with the attempt, the run and the orchestrator, and unknown is no 0', async () => {
  const { id } = await makeOrchestrator('Thrifty');
  const run = await dashboard.client.createRun({
    body: { name: 'Counted', orchestratorId: id, tasks: [{ title: 'Dear' }, { title: 'Silent' }] },
  });
  await dashboard.client.startRun({ params: { id: run.id }, body: {} });
  const { tasks } = await dashboard.client.listTasks({ query: { runId: run.id } });
  const idOf = (title: string) => tasks.find((task) => task.title === title)?.id ?? '';

  const page = await signIn();
  await open(page, `/runs/${run.id}`);
  await isLive(page);
  const totals = page.getByRole('region', { name: 'Progress' }).locator('[data-usage] dd');
  expect(await totals.allTextContents()).toEqual(['–', '–no attempt told it']);

  const silent = await begin(id, idOf('Silent'));
  await dashboard.client.completeTask({
    params: { id: idOf('Silent') },
    body: { status: 'completed', attemptId: silent },
  });
  const failed = await begin(id, idOf('Dear'));
  await dashboard.client.completeTask({
    params: { id: idOf('Dear') },
    body: {
      status: 'failed',
      error: 'Not yet',
      attemptId: failed,
      metrics: { usage: { inputTokens: 1_000, outputTokens: 0, cacheReadTokens: 2_500_000 } },
    },
  });
  await totals.filter({ hasText: '1.0k' }).waitFor();
  expect(await totals.allTextContents()).toEqual(['1.0k1.0k in, 2.5M from cache', '–told by 1 attempt']);

  const again = await begin(id, idOf('Dear'));
  await dashboard.client.completeTask({
    params: { id: idOf('Dear') },
    body: { status: 'completed', attemptId: again, metrics: { usage: USAGE } },
  });
  await totals.filter({ hasText: '$0.37' }).waitFor();
  expect(await totals.allTextContents()).toEqual([
    '42.2k41.0k in, 1.2k out, 2.5M from cache',
    '$0.37told by 2 attempts',
  ]);

  await open(page, `/orchestrators/${id}`);
  const tile = (name: string) => page.locator(`[data-stat="${name}"]`).textContent();
  expect([await tile('tokens'), await tile('cost')]).toEqual([
    '42.2k41.0k in, 1.2k out, 2.5M from cache',
    '$0.37told by 2 attempts',
  ]);
  await open(page, `/orchestrators/${id}?range=custom&from=2026-01-01&to=2026-01-02`);
  expect([await tile('tokens'), await tile('cost')]).toEqual(['–', '–no attempt told it']);

  await open(page, `/tasks/${idOf('Dear')}`);
  const attempts = page.getByRole('region', { name: 'Attempts' });
  expect(await attempts.locator('[data-usage]').allTextContents()).toEqual([
    '41.2k tokens · $0.37 · large <b>model</b>',
    '1.0k tokens',
  ]);
  expect(await attempts.locator('[data-usage]').first().getAttribute('title')).toBe('40,000 in, 1,234 out');
  await open(page, `/tasks/${idOf('Silent')}`);
  expect(await attempts.getByRole('listitem').count()).toBe(1);
  expect(await attempts.locator('[data-usage]').count()).toBe(0);
});

test('a log is followed while its attempt works, and to its last words', async () => {
  const { taskId, attemptId } = await begunTask('Talkative');
  const page = await signIn();
  await open(page, `/tasks/${taskId}`);
  const log = logOf(page, 1);
  await log.getByText('Nothing printed yet.').waitFor();
  await page.evaluate(() => Object.assign(window, { sameDocument: true }));

  await print(attemptId, 1, 'reading the code\nchanging it');
  await log.getByText('changing it').waitFor();
  await page.locator('[data-log="following"]', { hasText: 'follows' }).waitFor();
  await print(attemptId, 2, 'a test is red', 'stderr');
  await log.getByText('a test is red').waitFor();
  // The stream is told by a word, not by colour alone.
  expect(await log.locator('[data-line="stderr"] span').allTextContents()).toEqual(['err', 'a test is red']);
  expect(await log.locator('[data-line="stdout"]').first().textContent()).toBe('reading the code');

  await append(attemptId, {
    sequence: 3,
    droppedBytes: 12_345,
    entries: [{ stream: 'stdout', text: 'later' }],
  });
  await log.getByText('later', { exact: true }).waitFor();
  expect(await log.locator('[data-line]').allTextContents()).toEqual([
    'reading the code',
    'changing it',
    'erra test is red',
    '… 12,345 bytes dropped …',
    'later',
  ]);
  await page.getByRole('region', { name: 'Log', exact: true }).getByText('12,345 bytes in all').waitFor();

  await dashboard.client.completeTask({ params: { id: taskId }, body: { status: 'completed', attemptId } });
  await append(attemptId, { sequence: 4, entries: [{ stream: 'stdout', text: 'farewell' }], last: true });
  await log.getByText('farewell').waitFor();
  await page.locator('[data-log="complete"]').waitFor();
  expect(await page.locator('[data-log]').textContent()).toBe('attempt 1');
  expect(await log.getByText('farewell').count()).toBe(1);
  expect(await page.evaluate(() => 'sameDocument' in window)).toBe(true);
});

test('what an agent prints stays text, whatever it is', async () => {
  const { taskId, attemptId } = await begunTask('Careful');
  const page = await signIn();
  const hostile = [
    '<script>window.hacked=1</script><img src=x onerror="window.hacked=1"><b>bold</b>',
    '\u001b[31mred\u001b[0m \u001b]8;;javascript:window.hacked=1\u0007link\u001b]8;;\u0007',
    'abc\u202etxt.exe',
    '&lt;i&gt; {{7*7}} #{7*7} </div></body>',
    '    indented\tby a tab',
    '',
    LONG,
  ].join('\n');
  await print(attemptId, 1, hostile);
  await print(attemptId, 2, '<style>body{display:none}</style>', 'stderr');
  await open(page, `/tasks/${taskId}`);
  const log = logOf(page, 1);
  await log.getByText('<style>').waitFor();
  const lines = await log.locator('[data-line]').evaluateAll((all) => all.map((line) => line.textContent));
  expect(lines).toEqual([
    '<script>window.hacked=1</script><img src=x onerror="window.hacked=1"><b>bold</b>',
    'red link',
    'abc⟨U+202E⟩txt.exe',
    '&lt;i&gt; {{7*7}} #{7*7} </div></body>',
    '    indented\tby a tab',
    '\u00a0',
    LONG,
    'err<style>body{display:none}</style>',
  ]);
  expect(await log.locator('script, img, b, style, a, i').count()).toBe(0);
  expect(await page.evaluate(() => 'hacked' in window)).toBe(false);
  // What is too long for a line is wrapped.
  expect(await log.evaluate((box) => box.scrollWidth - box.clientWidth)).toBe(0);
});

test('new lines are scrolled to only for who reads at the end', async () => {
  const { taskId, attemptId } = await begunTask('Scrolled');
  await print(attemptId, 1, countTo(200));
  const page = await signIn();
  await open(page, `/tasks/${taskId}`);
  const log = logOf(page, 1);
  await log.getByText('line 200', { exact: true }).waitFor();
  await expect.poll(async () => (await placeIn(page)).rest, WITHIN).toBeLessThanOrEqual(1);
  await print(attemptId, 2, countTo(220, 201));
  await log.getByText('line 220', { exact: true }).waitFor();
  await expect.poll(async () => (await placeIn(page)).rest, WITHIN).toBeLessThanOrEqual(1);
  const toEnd = page.getByRole('button', { name: 'To the end' });
  expect(await toEnd.count()).toBe(0);

  // The keyboard reaches the box, and moves in it.
  await log.focus();
  expect(await log.evaluate((box) => getComputedStyle(box).outlineStyle)).toBe('solid');
  await page.keyboard.press('Home');
  await expect.poll(async () => (await placeIn(page)).top, WITHIN).toBe(0);
  await toEnd.waitFor();
  await print(attemptId, 3, countTo(240, 221));
  await log.getByText('line 240', { exact: true }).waitFor({ state: 'attached' });
  expect((await placeIn(page)).top).toBe(0);

  await toEnd.click();
  await toEnd.waitFor({ state: 'detached' });
  expect((await placeIn(page)).rest).toBeLessThanOrEqual(1);
  expect(await log.evaluate((box) => document.activeElement === box)).toBe(true);
  await print(attemptId, 4, countTo(260, 241));
  await log.getByText('line 260', { exact: true }).waitFor();
  await expect.poll(async () => (await placeIn(page)).rest, WITHIN).toBeLessThanOrEqual(1);
});

test('of a long log the last 2,000 lines are held, and the way to all of it is told', async () => {
  const { taskId, attemptId } = await begunTask('Endless');
  await print(attemptId, 1, countTo(1_990));
  const page = await signIn();
  await open(page, `/tasks/${taskId}`);
  const log = logOf(page, 1);
  await log.getByText('line 1990', { exact: true }).waitFor();
  const command = page.getByText(`npx neolith logs ${taskId} --attempt 1`);
  expect(await log.locator('[data-line]').count()).toBe(1_990);
  expect(await command.count()).toBe(0);
  await print(attemptId, 2, countTo(2_500, 1_991));
  await log.getByText('line 2500', { exact: true }).waitFor();
  expect(await log.locator('[data-line]').count()).toBe(2_000);
  expect(await log.locator('[data-line]').first().textContent()).toBe('line 501');
  await command.waitFor();
  // Whoever comes later sees the same.
  await page.reload();
  await log.getByText('line 2500', { exact: true }).waitFor();
  expect(await log.locator('[data-line]').first().textContent()).toBe('line 501');
  await command.waitFor();
});

test('the log of an earlier attempt can be chosen, and the choice is kept in the address', async () => {
  const { orchestratorId, taskId, attemptId } = await begunTask('Tried twice');
  await append(attemptId, { sequence: 1, entries: [{ stream: 'stdout', text: 'first words' }], last: true });
  await dashboard.client.completeTask({
    params: { id: taskId },
    body: { status: 'failed', error: 'Not yet', attemptId },
  });
  const page = await signIn();
  await open(page, `/tasks/${taskId}`);
  await logOf(page, 1).getByText('first words').waitFor();
  await isLive(page);
  // The latest is shown until one chooses.
  const second = await begin(orchestratorId, taskId);
  await logOf(page, 2).getByText('Nothing printed yet.').waitFor();
  const choose = (number: number) => page.getByRole('button', { name: `Log of attempt ${number}` });
  expect(await choose(2).getAttribute('aria-pressed')).toBe('true');

  await choose(1).focus();
  await page.keyboard.press('Enter');
  await logOf(page, 1).getByText('first words').waitFor();
  expect(new URL(page.url()).search).toBe('?attempt=1');
  expect(await choose(1).getAttribute('aria-pressed')).toBe('true');
  expect(await choose(2).getAttribute('aria-pressed')).toBe('false');
  expect(await logOf(page, 1).evaluate((box) => document.activeElement === box)).toBe(true);
  await page.reload();
  await logOf(page, 1).getByText('first words').waitFor();
  await print(second, 1, 'second words');
  await choose(2).click();
  await logOf(page, 2).getByText('second words').waitFor();
  expect(await page.getByText('first words').count()).toBe(0);
  await open(page, `/tasks/${taskId}?attempt=99`);
  await logOf(page, 2).getByText('second words').waitFor();
});

test('an attempt without a log says so, and a task without an attempt has none', async () => {
  const { orchestratorId, taskId, attemptId } = await begunTask('Mute');
  await dashboard.client.completeTask({ params: { id: taskId }, body: { status: 'completed', attemptId } });
  const [untried] = await makeTasks(orchestratorId, { title: 'Untried' });
  const page = await signIn();
  await open(page, `/tasks/${taskId}`);
  await logOf(page, 1).getByText('No log: it printed nothing that is kept.').waitFor();
  await open(page, `/tasks/${untried?.id}`);
  await page.getByText('Not tried yet.').waitFor();
  expect(await page.getByRole('log').count()).toBe(0);
});

test('a hidden page asks for no log, and goes on where it was', async () => {
  const { taskId, attemptId } = await begunTask('Unseen');
  await print(attemptId, 1, 'before');
  const page = await signIn();
  const asked: string[] = [];
  const given: string[] = [];
  const isOfLog = (url: string) => url.includes('/logs?');
  page.on('request', (request) => void (isOfLog(request.url()) && asked.push(request.url())));
  page.on('requestfailed', (request) => void (isOfLog(request.url()) && given.push(request.url())));
  await open(page, `/tasks/${taskId}`);
  const log = logOf(page, 1);
  await log.getByText('before').waitFor();
  await expect.poll(() => asked.at(-1), WITHIN).toContain('after=1&waitSeconds=10');

  await setHidden(page, true);
  await page.locator('[data-live="paused"]').waitFor();
  await expect.poll(() => given.length, WITHIN).toBe(1);
  const askedBefore = asked.length;
  await print(attemptId, 2, 'meanwhile');
  // A page that still asked would have been answered by now.
  const other = await dashboard.client.readAttemptLog({
    params: { id: attemptId },
    query: { waitSeconds: 1, after: 2 },
  });
  expect(other.chunks).toEqual([]);
  expect(asked.length).toBe(askedBefore);
  expect(await log.getByText('meanwhile').count()).toBe(0);

  await setHidden(page, false);
  await log.getByText('meanwhile').waitFor();
  expect(asked[askedBefore]).toContain('after=1&');
  expect(await log.locator('[data-line]').allTextContents()).toEqual(['before', 'meanwhile']);

  // Leaving the page gives up the reading that waits.
  await expect.poll(() => asked.at(-1), WITHIN).toContain('after=2&');
  await page
    .getByRole('navigation', { name: 'Breadcrumb' })
    .getByRole('link', { name: /^Unseen/ })
    .click();
  await page.getByRole('heading', { name: /^Unseen/, level: 1 }).waitFor();
  await expect.poll(() => given.length, WITHIN).toBe(2);
});

test('a log that can’t be read for a while says so, and is read on', async () => {
  const { taskId, attemptId } = await begunTask('Cut off');
  await print(attemptId, 1, 'before');
  const page = await signIn({
    expects: /ERR_INTERNET_DISCONNECTED|ERR_NETWORK_CHANGED|ERR_NETWORK_IO_SUSPENDED/,
  });
  await open(page, `/tasks/${taskId}`);
  const log = logOf(page, 1);
  await log.getByText('before').waitFor();
  await page.context().setOffline(true);
  // The reading that waits is answered, and the next one fails.
  await print(attemptId, 2, 'meanwhile');
  await page.getByText('The log could not be read on').waitFor();
  await page.context().setOffline(false);
  await log.getByText('meanwhile').waitFor();
  await page.getByText('The log could not be read on').waitFor({ state: 'detached' });
  expect(await log.locator('[data-line]').allTextContents()).toEqual(['before', 'meanwhile']);
});

test('a result that was taken over, or had been merged before, is shown as such', async () => {
  const source = await begunTask('Source');
  await dashboard.client.completeTask({
    params: { id: source.taskId },
    body: { status: 'completed', attemptId: source.attemptId },
  });
  const taker = await begunTask('Taker');
  await dashboard.client.completeTask({
    params: { id: taker.taskId },
    body: {
      status: 'completed',
      attemptId: taker.attemptId,
      metrics: { reusedFrom: { taskId: source.taskId, attemptId: source.attemptId, commit: null } },
    },
  });
  const page = await signIn();
  await open(page, `/tasks/${taker.taskId}`);
  const attempts = page.getByRole('region', { name: 'Attempts' });
  await attempts.getByText('Took over the result of another task; no agent ran.').waitFor();
  await attempts.getByRole('link', { name: 'another task' }).click();
  await page.getByRole('heading', { name: 'Source', level: 1 }).waitFor();
  expect(await attempts.locator('[data-origin]').count()).toBe(0);

  const merged = await begunTask('Merged');
  await dashboard.client.completeTask({
    params: { id: merged.taskId },
    body: { status: 'failed', error: 'Gone', attemptId: merged.attemptId },
  });
  const second = await begin(merged.orchestratorId, merged.taskId);
  const mergedBefore = { attemptId: merged.attemptId, branch: 'b', commit: 'c' };
  await dashboard.client.completeTask({
    params: { id: merged.taskId },
    body: { status: 'completed', attemptId: second, output: { mergedBefore }, metrics: { mergedBefore } },
  });
  await open(page, `/tasks/${merged.taskId}`);
  await attempts.getByText('Its work had been merged before, by attempt 1.').waitFor();
});

describe('pages with usage and a log', () => {
  const paths: Record<string, string> = {};
  beforeAll(async () => {
    const { orchestratorId, taskId, attemptId } = await begunTask('Measured');
    await append(attemptId, {
      sequence: 1,
      droppedBytes: 1_234_567,
      entries: [
        { stream: 'stdout', text: `${countTo(2_100)}\n${LONG}` },
        { stream: 'stderr', text: `a warning\n${LONG}` },
      ],
    });
    const [done] = await makeTasks(orchestratorId, { title: 'Paid' });
    const paid = await begin(orchestratorId, done?.id ?? '');
    await dashboard.client.completeTask({
      params: { id: done?.id ?? '' },
      body: {
        status: 'completed',
        attemptId: paid,
        metrics: {
          usage: {
            ...USAGE,
            inputTokens: 4e14,
            cacheReadTokens: 9e14,
            costUsd: 123_456_789,
            model: LONG.slice(0, 200),
          },
          reusedFrom: { taskId, attemptId },
        },
      },
    });
    Object.assign(paths, {
      following: `/tasks/${taskId}`,
      paid: `/tasks/${done?.id}`,
      orchestrator: `/orchestrators/${orchestratorId}`,
    });
  });

  test.each([
    ['light', 380],
    ['dark', 380],
    ['light', 1280],
    ['dark', 1280],
    ['light', 1900],
  ] as const)('fit and are accessible: %s, %i px', async (colorScheme, width) => {
    const page = await signIn({ colorScheme, width });
    for (const [name, path] of Object.entries(paths)) {
      await open(page, path);
      await isLive(page);
      if (name === 'following') await page.getByText('a warning').waitFor();
      if (name === 'paid') await page.getByText('No log: it printed nothing that is kept.').waitFor();
      expect([name, await checkPage(page)]).toEqual([name, { beyond: 0, violations: [] }]);
    }
  });
});
