import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { CLAUDE_CHECKED, type ClaudeAgentConfiguration } from '../../src/agents/claude.js';
import { createAgent } from '../../src/agents/registry.js';
import { isAlive, waitFor } from '../process/processes.js';
import { FETCH_TIMEOUT_MS, fetchAgent, requireAgent } from './support/fetchAgent.js';
import { type MessagesServer, type ScriptedRefusal, startMessagesServer } from './support/messagesServer.js';
import { makeWorktree, runAttempt, startAttempt, type Worktree } from './support/runInWorktree.js';

const KEY = 'sk-ant-api03-planted-key-of-the-test';
let server: MessagesServer;
let worktree: Worktree;

beforeAll(() => fetchAgent(CLAUDE_CHECKED), FETCH_TIMEOUT_MS);

beforeEach(async () => {
  server = await startMessagesServer();
  worktree = makeWorktree();
});

afterEach(() => server.close());

function claude(command: string, configuration: ClaudeAgentConfiguration = {}) {
  return createAgent(
    'claude',
    {
      hostEnvironment: {
        PATH: process.env.PATH,
        HOME: worktree.home,
        LANG: 'C.UTF-8',
        ANTHROPIC_API_KEY: KEY,
        ANTHROPIC_BASE_URL: server.url,
        CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
        // By itself it asks ten times, for minutes.
        CLAUDE_CODE_MAX_RETRIES: '1',
        NEOLITH_TOKEN: 'neo_the_daemons_own_token',
        DATABASE_URL: 'postgresql://user:secret@host/db',
      },
      baseDirectory: worktree.root,
    },
    { claude: { command, ...configuration } },
  );
}

it('edits, writes and runs commands in a worktree, and tells what it used up', async (test) => {
  const path = await requireAgent(CLAUDE_CHECKED, test);
  server.rounds = [
    {
      text: 'I will look first.',
      tools: [{ name: 'Read', input: { file_path: join(worktree.directory, 'greeting.txt') } }],
      usage: { input: 100, output: 20, cacheWrite: 1_000 },
    },
    {
      tools: [
        {
          name: 'Edit',
          input: {
            file_path: join(worktree.directory, 'greeting.txt'),
            old_string: 'Hello',
            new_string: 'Good morning',
          },
        },
        {
          name: 'Write',
          input: { file_path: join(worktree.directory, 'src', 'new.txt'), content: 'made\n' },
        },
      ],
      usage: { input: 10, output: 30, cacheRead: 1_000 },
    },
    {
      text: '::neolith {"progress": 60, "message": "files are there"}\nNow the command.',
      tools: [
        {
          name: 'Bash',
          input: { command: 'printf made-by-command > command.txt', description: 'Write a file' },
        },
      ],
      usage: { input: 10, output: 40, cacheRead: 1_000 },
    },
    { text: 'All three files are done.', usage: { input: 10, output: 50, cacheRead: 1_000 } },
  ];
  const prompt = `Greet in a friendlier way.\n${'x'.repeat(200 * 1024)}\nThe end of the prompt.`;
  const { report, signals, log } = await runAttempt(claude(path), worktree, { prompt });

  expect(report.verdict).toEqual({ status: 'completed', output: 'All three files are done.' });
  expect(readFileSync(join(worktree.directory, 'greeting.txt'), 'utf8')).toBe('Good morning\n');
  expect(worktree.changes().sort()).toEqual([' M greeting.txt', '?? command.txt', '?? src/']);
  expect(readFileSync(join(worktree.directory, 'command.txt'), 'utf8')).toBe('made-by-command');
  expect(report.usage).toMatchObject({
    inputTokens: 130,
    outputTokens: 140,
    cacheReadTokens: 3_000,
    cacheWriteTokens: 1_000,
    turns: expect.any(Number),
    model: expect.stringMatching(/^claude-/),
  });
  expect(report.usage?.costUsd).toBeGreaterThan(0);
  expect(signals).toContainEqual({ kind: 'progress', percent: 60, message: 'files are there' });
  expect(log.join('\n')).toMatch(/→ Edit: .*greeting\.txt/);
  // All of the prompt arrived, by stdin: argv can't hold it.
  expect(server.calls[0]?.text).toContain('The end of the prompt.');
  expect(report.warnings).toEqual([]);
});

it('takes what Claude says it needs to know as a question to a person', async (test) => {
  const path = await requireAgent(CLAUDE_CHECKED, test);
  server.rounds = [
    { text: 'I can\'t go on.\n`::neolith {"blocked": "no schema", "question": "Which schema?"}`' },
  ];
  const { report } = await runAttempt(claude(path), worktree);
  expect(report.verdict).toEqual({ status: 'blocked', reason: 'no schema', question: 'Which schema?' });
});

const inAnHour = new Date(Date.now() + 3_600_000);
const resetsAt = Math.floor(inAnHour.getTime() / 1_000);

it.for<[string, ScriptedRefusal, object]>([
  [
    'a key that is refused',
    { status: 401, type: 'authentication_error', message: 'invalid x-api-key' },
    { failureClass: 'provider', code: 'NOT_LOGGED_IN', error: expect.stringMatching(/ANTHROPIC_API_KEY/) },
  ],
  [
    'a limit that is reached',
    {
      status: 429,
      type: 'rate_limit_error',
      message: 'This request would exceed your rate limit.',
      headers: {
        'retry-after': '3600',
        'x-should-retry': 'false',
        'anthropic-ratelimit-unified-status': 'rejected',
        'anthropic-ratelimit-unified-reset': String(resetsAt),
      },
    },
    { failureClass: 'provider', code: expect.stringMatching(/^(?:RATE_LIMITED|QUOTA_EXCEEDED)$/) },
  ],
  [
    'a provider that has too much to do',
    { status: 529, type: 'overloaded_error', message: 'Overloaded', headers: { 'x-should-retry': 'false' } },
    { failureClass: 'provider', code: 'PROVIDER_UNAVAILABLE' },
  ],
])('blames the provider for %s', async ([, refusal, expected], test) => {
  const path = await requireAgent(CLAUDE_CHECKED, test);
  server.refuse = () => refusal;
  const { report } = await runAttempt(claude(path), worktree);
  expect(report.verdict).toMatchObject({ status: 'failed', ...expected });
  expect(worktree.changes()).toEqual([]);
});

it('is ended with what it started while it works, and what it used up so far is kept', async (test) => {
  const path = await requireAgent(CLAUDE_CHECKED, test);
  const marker = join(worktree.directory, 'pid.txt');
  server.rounds = [
    {
      tools: [
        { name: 'Bash', input: { command: `echo $$ > ${marker}; exec sleep 600`, description: 'Wait' } },
      ],
      usage: { input: 100, output: 20 },
    },
  ];
  const { run, signals } = await startAttempt(claude(path), worktree);
  await waitFor(() => existsSync(marker) && readFileSync(marker, 'utf8').trim() !== '', 'its command to run');
  await waitFor(() => signals.some(({ kind }) => kind === 'usage'), 'its first usage');
  const child = Number(readFileSync(marker, 'utf8'));
  const report = await run.terminate('cancelled', { graceMs: 2_000 });
  expect(report.verdict).toMatchObject({ status: 'terminated', reason: 'cancelled' });
  expect(report.usage).toMatchObject({ inputTokens: 100 });
  expect(isAlive(run.pid ?? 0)).toBe(false);
  expect(isAlive(child)).toBe(false);
});

it('gets its own key and no variable of the daemon, and hands out none of them', async (test) => {
  const path = await requireAgent(CLAUDE_CHECKED, test);
  server.rounds = [
    { tools: [{ name: 'Bash', input: { command: 'env; ps -o args= -p $PPID', description: 'Show' } }] },
    { text: `The key is ${KEY}.` },
  ];
  const { report, signals, log, run } = await runAttempt(claude(path), worktree);
  const seen = server.calls.map(({ text }) => text).join('\n');
  // It told its model what its command had printed.
  expect(seen).toContain('NEOLITH_TASK_ID=task_1');
  expect(seen).not.toContain('neo_the_daemons_own_token');
  expect(seen).not.toContain('postgresql://');
  expect(server.headers.some((headers) => headers['x-api-key'] === KEY)).toBe(true);
  expect(report.verdict).toEqual({ status: 'completed', output: 'The key is [redacted].' });
  expect(JSON.stringify([report, signals, log, run.pid])).not.toContain(KEY);
});

it('is found with its version, and with how it logs in', async (test) => {
  const path = await requireAgent(CLAUDE_CHECKED, test);
  expect(await claude(path).detect()).toEqual({
    found: true,
    path,
    version: CLAUDE_CHECKED.version,
    login: { state: 'found', by: 'ANTHROPIC_API_KEY' },
  });
});
