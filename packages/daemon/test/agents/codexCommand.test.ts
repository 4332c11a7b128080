import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { CODEX_CHECKED } from '../../src/agents/codex.js';
import { createAgent } from '../../src/agents/registry.js';
import { FETCH_TIMEOUT_MS, fetchAgent, requireAgent } from './support/fetchAgent.js';
import { type ResponsesServer, startResponsesServer } from './support/responsesServer.js';
import { makeWorktree, runAttempt, type Worktree } from './support/runInWorktree.js';

const KEY = 'sk-planted-key-of-the-test-1234';
let server: ResponsesServer;
let worktree: Worktree;

beforeAll(() => fetchAgent(CODEX_CHECKED), FETCH_TIMEOUT_MS);

beforeEach(async () => {
  server = await startResponsesServer();
  worktree = makeWorktree();
});

afterEach(() => server.close());

/** Not every machine that runs tests can make its sandbox. */
function codex(command: string) {
  const provider = `{name="t",base_url="${server.url}/v1",wire_api="responses",env_key="CODEX_API_KEY",request_max_retries=0,stream_max_retries=0}`;
  return createAgent(
    'codex',
    {
      hostEnvironment: { PATH: process.env.PATH, HOME: worktree.home, CODEX_API_KEY: KEY },
      baseDirectory: worktree.root,
    },
    {
      codex: {
        command,
        sandbox: 'danger-full-access',
        model: 'gpt-5',
        extraArguments: ['--config', `model_providers.t=${provider}`, '--config', 'model_provider="t"'],
      },
    },
  );
}

it('runs commands in a worktree, and tells what it used up', async (test) => {
  const path = await requireAgent(CODEX_CHECKED, test);
  server.responses = [
    {
      text: 'Working.',
      calls: [{ name: 'exec_command', arguments: { cmd: 'printf made-by-command > command.txt' } }],
      usage: { input: 100, cached: 40, output: 10 },
    },
    { text: 'It is done.', usage: { input: 200, cached: 100, output: 20 } },
  ];
  const prompt = `Make a file.\n${'x'.repeat(200 * 1024)}\nThe end of the prompt.`;
  const { report, log } = await runAttempt(codex(path), worktree, { prompt });
  expect(report.verdict).toEqual({ status: 'completed', output: 'It is done.' });
  expect(worktree.changes()).toEqual(['?? command.txt']);
  expect(readFileSync(join(worktree.directory, 'command.txt'), 'utf8')).toBe('made-by-command');
  expect(report.usage).toEqual({
    inputTokens: 160,
    cacheReadTokens: 140,
    cacheWriteTokens: 0,
    outputTokens: 30,
    turns: 1,
  });
  expect(server.calls[0]).toContain('The end of the prompt.');
  expect(log.join('\n')).toMatch(/→ \$ .*printf/);
  expect(JSON.stringify([report, log])).not.toContain(KEY);
});

it.for([
  [401, { error: { message: 'Incorrect API key provided', code: 'invalid_api_key' } }, 'NOT_LOGGED_IN'],
  [
    429,
    { error: { type: 'usage_limit_reached', message: 'The usage limit has been reached' } },
    'QUOTA_EXCEEDED',
  ],
  [503, { error: { message: 'Service Unavailable' } }, 'PROVIDER_UNAVAILABLE'],
] as const)('blames the provider for a refusal with %i', async ([status, body, code], test) => {
  const path = await requireAgent(CODEX_CHECKED, test);
  server.refusal = { status, body };
  const { report } = await runAttempt(codex(path), worktree);
  expect(report.verdict).toMatchObject({ status: 'failed', failureClass: 'provider', code });
});
