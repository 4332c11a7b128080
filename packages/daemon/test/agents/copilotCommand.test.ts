import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { COPILOT_CHECKED } from '../../src/agents/copilot.js';
import { createAgent } from '../../src/agents/registry.js';
import { FETCH_TIMEOUT_MS, fetchAgent, requireAgent } from './support/fetchAgent.js';
import { type MessagesServer, startMessagesServer } from './support/messagesServer.js';
import { makeWorktree, runAttempt, type Worktree } from './support/runInWorktree.js';

const KEY = 'sk-ant-api03-planted-key-of-the-test';
let server: MessagesServer;
let worktree: Worktree;

beforeAll(() => fetchAgent(COPILOT_CHECKED), FETCH_TIMEOUT_MS);

beforeEach(async () => {
  server = await startMessagesServer();
  worktree = makeWorktree();
});

afterEach(() => server.close());

/** Copilot lets another provider than GitHub work for it; offline it asks nobody else. */
function copilot(command: string) {
  return createAgent(
    'copilot',
    {
      hostEnvironment: {
        PATH: process.env.PATH,
        HOME: worktree.home,
        COPILOT_OFFLINE: 'true',
        COPILOT_PROVIDER_TYPE: 'anthropic',
        COPILOT_PROVIDER_BASE_URL: server.url,
        COPILOT_PROVIDER_API_KEY: KEY,
      },
      baseDirectory: worktree.root,
    },
    { copilot: { command, model: 'claude-sonnet-4.5' } },
  );
}

it('writes and runs commands in a worktree, and tells what it used up', async (test) => {
  const path = await requireAgent(COPILOT_CHECKED, test);
  server.rounds = [
    {
      text: 'Writing.',
      tools: [{ name: 'create', input: { path: join(worktree.directory, 'new.txt'), file_text: 'made\n' } }],
      usage: { input: 100, output: 20, cacheWrite: 1_000 },
    },
    {
      tools: [
        { name: 'bash', input: { command: 'printf a > command.txt', description: 'Write', async: false } },
      ],
      usage: { input: 10, output: 40, cacheRead: 1_000 },
    },
    { text: 'Both are done.', usage: { input: 10, output: 50, cacheRead: 1_000 } },
  ];
  const { report, log } = await runAttempt(copilot(path), worktree, {
    prompt: `Make two.\n${'x'.repeat(200 * 1024)}\nThe end.`,
  });
  expect(report.verdict).toEqual({ status: 'completed', output: 'Both are done.' });
  expect(worktree.changes().sort()).toEqual(['?? command.txt', '?? new.txt']);
  expect(report.usage).toEqual({
    inputTokens: 120,
    outputTokens: 110,
    cacheReadTokens: 2_000,
    cacheWriteTokens: 1_000,
    turns: 3,
    model: 'claude-sonnet-4.5',
  });
  expect(log.join('\n')).toMatch(/→ bash: printf/);
  expect(JSON.stringify([report, log])).not.toContain(KEY);
});

it('blames the provider for a key that is refused', async (test) => {
  const path = await requireAgent(COPILOT_CHECKED, test);
  server.refuse = () => ({ status: 401, type: 'authentication_error', message: 'invalid x-api-key' });
  const { report } = await runAttempt(copilot(path), worktree);
  expect(report.verdict).toMatchObject({ status: 'failed', failureClass: 'provider', code: 'NOT_LOGGED_IN' });
});
