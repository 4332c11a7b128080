import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { OPENCODE_CHECKED } from '../../src/agents/opencode.js';
import { createAgent } from '../../src/agents/registry.js';
import { isAlive, waitFor } from '../process/processes.js';
import { FETCH_TIMEOUT_MS, fetchAgent, requireAgent } from './support/fetchAgent.js';
import { type MessagesServer, startMessagesServer } from './support/messagesServer.js';
import { makeWorktree, runAttempt, startAttempt, type Worktree } from './support/runInWorktree.js';

const KEY = 'sk-ant-api03-planted-key-of-the-test';
let server: MessagesServer;
let worktree: Worktree;

beforeAll(() => fetchAgent(OPENCODE_CHECKED), FETCH_TIMEOUT_MS);

beforeEach(async () => {
  server = await startMessagesServer();
  worktree = makeWorktree();
});

afterEach(() => server.close());

function opencode(command: string) {
  const settings = { provider: { anthropic: { options: { baseURL: `${server.url}/v1` } } } };
  return createAgent(
    'opencode',
    {
      hostEnvironment: {
        PATH: process.env.PATH,
        HOME: worktree.home,
        ANTHROPIC_API_KEY: KEY,
        OPENCODE_CONFIG_CONTENT: JSON.stringify(settings),
        OPENCODE_DISABLE_MODELS_FETCH: '1',
      },
      baseDirectory: worktree.root,
    },
    { opencode: { command, model: 'anthropic/claude-sonnet-4-5' } },
  );
}

it('writes and runs commands in a worktree, and tells what it used up', async (test) => {
  const path = await requireAgent(OPENCODE_CHECKED, test);
  server.rounds = [
    {
      text: 'Writing.',
      tools: [{ name: 'write', input: { filePath: join(worktree.directory, 'new.txt'), content: 'made\n' } }],
      usage: { input: 100, output: 20, cacheWrite: 1_000 },
    },
    {
      tools: [
        { name: 'bash', input: { command: 'printf made-by-command > command.txt', description: 'Write' } },
      ],
      usage: { input: 10, output: 40, cacheRead: 1_000 },
    },
    { text: 'Both are done.', usage: { input: 10, output: 50, cacheRead: 1_000 } },
  ];
  const prompt = `Make two files.\n${'x'.repeat(200 * 1024)}\nThe end of the prompt.`;
  const { report, log } = await runAttempt(opencode(path), worktree, { prompt });
  expect(report.verdict).toEqual({ status: 'completed', output: 'Both are done.' });
  expect(worktree.changes().sort()).toEqual(['?? command.txt', '?? new.txt']);
  expect(readFileSync(join(worktree.directory, 'command.txt'), 'utf8')).toBe('made-by-command');
  expect(report.usage).toMatchObject({
    inputTokens: 120,
    outputTokens: 110,
    cacheReadTokens: 2_000,
    cacheWriteTokens: 1_000,
    turns: 3,
  });
  expect(report.usage?.costUsd).toBeGreaterThan(0);
  expect(server.calls[0]?.text).toContain('The end of the prompt.');
  expect(log.join('\n')).toMatch(/→ bash: printf/);
  expect(JSON.stringify([report, log])).not.toContain(KEY);
});

it('blames the provider for a key that is refused', async (test) => {
  const path = await requireAgent(OPENCODE_CHECKED, test);
  server.refuse = () => ({ status: 401, type: 'authentication_error', message: 'invalid x-api-key' });
  const { report } = await runAttempt(opencode(path), worktree);
  expect(report.verdict).toMatchObject({
    status: 'failed',
    failureClass: 'provider',
    code: 'NOT_LOGGED_IN',
    error: expect.stringMatching(/opencode auth login/),
  });
});

it('is ended with what it started while it works', async (test) => {
  const path = await requireAgent(OPENCODE_CHECKED, test);
  const marker = join(worktree.directory, 'pid.txt');
  server.rounds = [
    {
      tools: [
        { name: 'bash', input: { command: `echo $$ > ${marker}; exec sleep 600`, description: 'Wait' } },
      ],
    },
  ];
  const { run } = await startAttempt(opencode(path), worktree);
  await waitFor(() => existsSync(marker) && readFileSync(marker, 'utf8').trim() !== '', 'its command to run');
  const child = Number(readFileSync(marker, 'utf8'));
  const report = await run.terminate('cancelled', { graceMs: 2_000 });
  expect(report.verdict).toMatchObject({ status: 'terminated', reason: 'cancelled' });
  expect(isAlive(run.pid ?? 0)).toBe(false);
  expect(isAlive(child)).toBe(false);
});
