import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { GEMINI_CHECKED } from '../../src/agents/gemini.js';
import { createAgent } from '../../src/agents/registry.js';
import { FETCH_TIMEOUT_MS, fetchAgent, requireAgent } from './support/fetchAgent.js';
import { type GenerateContentServer, startGenerateContentServer } from './support/generateContentServer.js';
import { makeWorktree, runAttempt, type Worktree } from './support/runInWorktree.js';

const KEY = 'planted-key-of-the-test-1234';
let server: GenerateContentServer;
let worktree: Worktree;

beforeAll(() => fetchAgent(GEMINI_CHECKED), FETCH_TIMEOUT_MS);

beforeEach(async () => {
  server = await startGenerateContentServer();
  worktree = makeWorktree();
  // With another address it takes a key only where its settings say so.
  mkdirSync(join(worktree.home, '.gemini'));
  const settings = { security: { auth: { selectedType: 'gemini-api-key' } } };
  writeFileSync(join(worktree.home, '.gemini', 'settings.json'), JSON.stringify(settings));
});

afterEach(() => server.close());

function gemini(command: string) {
  return createAgent(
    'gemini',
    {
      hostEnvironment: {
        PATH: process.env.PATH,
        HOME: worktree.home,
        // It leaves reports of its failures there.
        TMPDIR: worktree.home,
        GEMINI_API_KEY: KEY,
        GOOGLE_GEMINI_BASE_URL: server.url,
      },
      baseDirectory: worktree.root,
    },
    { gemini: { command, model: 'gemini-2.5-pro' } },
  );
}

it('writes and runs commands in a worktree, and tells what it used up', async (test) => {
  const path = await requireAgent(GEMINI_CHECKED, test);
  const file = join(worktree.directory, 'new.txt');
  server.contents = [
    { text: 'Writing.', call: { name: 'write_file', args: { file_path: file, content: 'made\n' } } },
    {
      call: { name: 'run_shell_command', args: { command: 'printf a > command.txt', description: 'Write' } },
    },
    { text: 'Both are done.' },
  ];
  const prompt = `Make two files.\n${'x'.repeat(200 * 1024)}\nThe end of the prompt.`;
  const { report, log } = await runAttempt(gemini(path), worktree, { prompt });
  expect(report.verdict).toEqual({ status: 'completed', output: 'Both are done.' });
  expect(worktree.changes().sort()).toEqual(['?? command.txt', '?? new.txt']);
  expect(readFileSync(file, 'utf8')).toBe('made\n');
  expect(report.usage).toEqual({
    inputTokens: 180,
    cacheReadTokens: 120,
    outputTokens: 30,
    model: 'gemini-2.5-pro',
  });
  expect(server.calls[0]).toContain('The end of the prompt.');
  expect(log.join('\n')).toMatch(/→ run_shell_command: printf/);
  expect(JSON.stringify([report, log])).not.toContain(KEY);
});

it('blames the provider for a key that is refused', async (test) => {
  const path = await requireAgent(GEMINI_CHECKED, test);
  server.refusal = {
    code: 400,
    status: 'INVALID_ARGUMENT',
    message: 'API key not valid. Please pass a valid API key.',
  };
  const { report } = await runAttempt(gemini(path), worktree);
  expect(report.verdict).toMatchObject({ status: 'failed', failureClass: 'provider', code: 'NOT_LOGGED_IN' });
});

it('blames the provider where it never logged in', async (test) => {
  const path = await requireAgent(GEMINI_CHECKED, test);
  writeFileSync(join(worktree.home, '.gemini', 'settings.json'), '{}');
  const adapter = createAgent(
    'gemini',
    { hostEnvironment: { PATH: process.env.PATH, HOME: worktree.home }, baseDirectory: worktree.root },
    { gemini: { command: path } },
  );
  // It says so on stderr, in words.
  const { report } = await runAttempt(adapter, worktree);
  expect(report.verdict).toMatchObject({
    status: 'failed',
    failureClass: 'provider',
    code: 'NOT_LOGGED_IN',
    exitCode: 41,
  });
});
