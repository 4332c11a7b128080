import { createRequire } from 'node:module';
import { createClient, type NeolithClient } from '@neolith/contracts';
import type { Browser, BrowserContext, Page, Response } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect } from 'vitest';
import { launchBrowser } from './launchBrowser';
import { serverFixture } from './serverFixture';

const axe = createRequire(import.meta.url).resolve('axe-core/axe.min.js');

interface Visitor {
  colorScheme?: 'light' | 'dark';
  width?: number;
  /** What this visit is about, and so is no fault: `404 /tasks/…`, `net::ERR_INTERNET_DISCONNECTED`. */
  expects?: RegExp;
}

type TaskInput = NonNullable<Parameters<NeolithClient['createTasks']>[0]>['body']['tasks'][number];

interface DashboardFixture {
  readonly client: NeolithClient;
  /** A browser of somebody who signed in by a one-time link. */
  signIn(visitor?: Visitor): Promise<Page>;
  /** A browser without a session. */
  stranger(): Promise<Page>;
  open(page: Page, path: string): Promise<Response | null>;
  makeOrchestrator(name: string): Promise<{ id: string; name: string }>;
  makeTasks(
    orchestratorId: string | null,
    ...tasks: TaskInput[]
  ): ReturnType<NeolithClient['createTasks']> extends Promise<{ tasks: infer Tasks }>
    ? Promise<Tasks>
    : never;
  /** The id of the attempt that it begins. */
  begin(orchestratorId: string, taskId: string): Promise<string>;
}

export const isLive = (page: Page) => page.locator('[data-live="live"]').waitFor();

/** As a hidden tab sees it. */
export const setHidden = (page: Page, hidden: boolean) =>
  page.evaluate((value) => {
    Object.defineProperty(document, 'hidden', { configurable: true, value });
    document.dispatchEvent(new Event('visibilitychange'));
  }, hidden);

/** What axe finds, and by how many pixels the page is wider than its window. */
export async function checkPage(page: Page) {
  const beyond = await page.evaluate(
    () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
  );
  await page.addScriptTag({ path: axe });
  const violations = await page.evaluate(async () => {
    const { violations: found } = await (
      window as unknown as {
        axe: {
          run(): Promise<{
            violations: { id: string; nodes: { html: string; failureSummary: string }[] }[];
          }>;
        };
      }
    ).axe.run();
    return found.map(({ id, nodes }) => ({
      id,
      nodes: nodes.map((node) => `${node.html}\n${node.failureSummary}`),
    }));
  });
  return { beyond, violations };
}

/**
 * A server and a browser of the test file's own. After each test: no page has told of an error or a warning, had a
 * request fail or refused, or asked another host.
 */
export function dashboardFixture(): DashboardFixture {
  const fixture = serverFixture();
  let client: NeolithClient;
  let browser: Browser;
  let faults: string[] = [];
  let made = 0;
  const contexts: BrowserContext[] = [];

  beforeAll(async () => {
    client = createClient({ baseUrl: fixture.server.url, token: await fixture.server.token() });
    browser = await launchBrowser();
  });
  afterAll(() => browser?.close());
  beforeEach(() => {
    faults = [];
  });
  afterEach(async () => {
    for (const context of contexts.splice(0)) await context.close();
    expect(faults).toEqual([]);
  });

  return {
    get client() {
      return client;
    },
    async signIn({ colorScheme = 'light', width = 1280, expects } = {}) {
      const context = await browser.newContext({ colorScheme, viewport: { width, height: 900 } });
      contexts.push(context);
      // Less than the half minute after which a page reads everything again: what is live must come by the stream.
      context.setDefaultTimeout(12_000);
      context.setDefaultNavigationTimeout(30_000);
      const page = await context.newPage();
      page.on('pageerror', (error) => faults.push(`error: ${error.message}`));
      page.on('console', (message) => {
        const expected = expects !== undefined && message.text().startsWith('Failed to load resource');
        if (['error', 'warning'].includes(message.type()) && !expected) {
          faults.push(`${message.type()}: ${message.text()}`);
        }
      });
      page.on('response', (response) => {
        const line = `${response.status()} ${new URL(response.url()).pathname}`;
        if (response.status() >= 400 && expects?.test(line) !== true) faults.push(line);
        if (!response.url().startsWith(fixture.server.url)) faults.push(`foreign host: ${response.url()}`);
      });
      page.on('requestfailed', (request) => {
        // A stream or a reading that the page gives up when one leaves it.
        const failure = request.failure()?.errorText ?? '';
        if (failure === 'net::ERR_ABORTED' || expects?.test(failure) === true) return;
        faults.push(`failed: ${request.url()} ${failure}`);
      });
      const { url } = await client.createSignInLink({ body: {} });
      await page.goto(url);
      return page;
    },
    async stranger() {
      const context = await browser.newContext();
      contexts.push(context);
      return context.newPage();
    },
    open: (page, path) => page.goto(`${fixture.server.url}${path}`),
    makeOrchestrator(name) {
      made += 1;
      return client.createOrchestrator({
        body: {
          name: `${name} ${made}`,
          role: 'VP Engineering',
          discipline: 'Engineering',
          timeZone: 'Europe/Berlin',
          charter: { mission: 'Ship small changes.' },
        },
      });
    },
    async makeTasks(orchestratorId, ...tasks) {
      const answer = await client.createTasks({
        body: { tasks: tasks.map((task) => ({ orchestratorId, ...task })) },
      });
      return answer.tasks;
    },
    async begin(orchestratorId, taskId) {
      const execution = await client.executeTask({
        params: { id: taskId },
        body: { orchestratorId, agent: 'shell', leaseSeconds: 600 },
      });
      if (execution.status !== 'in_progress') throw new Error(execution.error);
      return execution.attemptId;
    },
  };
}
