import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, expect, it } from 'vitest';
import type { AgentAdapter, AgentRequest } from '../../src/agents/agentAdapter.js';
import type { CommandAgentConfiguration } from '../../src/agents/commandAgent.js';
import { createAgent } from '../../src/agents/registry.js';
import { FIXTURES } from '../process/supervise.js';
import { makeFolder, runAttempt } from './support/runInWorktree.js';

const BY_STDIN = ['claude', 'codex', 'copilot', 'gemini', 'opencode'] as const;
const BY_FILE = ['aider', 'cline', 'cursor'] as const;
const ALL = [...BY_STDIN, ...BY_FILE];

let root: string;

beforeEach(() => {
  root = makeFolder();
});

function fake(
  name: string,
  configuration: CommandAgentConfiguration = {},
  host: Record<string, string> = {},
): AgentAdapter {
  return createAgent(
    name,
    { hostEnvironment: { PATH: process.env.PATH, HOME: root, ...host }, baseDirectory: FIXTURES },
    { [name]: { command: [process.execPath, `${FIXTURES}fakeAgent.mjs`], ...configuration } },
  );
}

interface Given {
  readonly stdinBytes: number;
  readonly stdinSum: string;
  readonly fileSum: string;
  readonly argv: string[];
  readonly names: string[];
}

async function give(adapter: AgentAdapter, request: Partial<AgentRequest> = {}): Promise<Given> {
  const { report } = await runAttempt(adapter, { root, directory: root }, request);
  expect(report.verdict).toMatchObject({ status: 'completed' });
  return (report.verdict as unknown as { output: Given }).output;
}

const sum = (text: string) => createHash('sha256').update(text).digest('hex');
const MARK = 'x;$(touch pwned) --dangerously "the-title"';

it.each(ALL.flatMap((name) => [[name, 200 * 1024] as const, [name, 5 * 1024 * 1024] as const]))(
  '%s is given a prompt of %i bytes, and nothing of it in argv',
  async (name, bytes) => {
    const prompt = `${MARK}\n${'ä'.repeat(bytes / 2)}\nend`;
    const given = await give(fake(name), { prompt, context: { task: { title: MARK } } });
    const byStdin = (BY_STDIN as readonly string[]).includes(name);
    expect(given.fileSum).toBe(sum(prompt));
    expect(given.stdinSum).toBe(sum(byStdin ? prompt : ''));
    expect(given.argv.join(' ').length).toBeLessThan(2_000);
    expect(given.argv.join(' ')).not.toContain('the-title');
    // By the file it is reached, where not by stdin.
    if (!byStdin) expect(given.argv.join(' ')).toContain('prompt.md');
  },
);

it('removes what aider makes for itself in the place of the work, but nothing that was there before', async () => {
  const directory = join(root, 'place');
  mkdirSync(join(directory, '.aider.tags.cache.v3'), { recursive: true });
  const script = join(root, 'aider.sh');
  writeFileSync(
    script,
    'mkdir .aider.tags.cache.v4; touch .aider.tags.cache.v4/x .aider.chat.history.md .aider.conf.yml work.txt',
  );
  const adapter = fake('aider', { command: ['/bin/sh', script] });
  await runAttempt(adapter, { root, directory });
  expect(readdirSync(directory).sort()).toEqual(['.aider.conf.yml', '.aider.tags.cache.v3', 'work.txt']);
});

it.each(ALL)(
  '%s takes its model from the task before the configuration, and never as an option',
  async (name) => {
    const configured = fake(name, { model: 'configured/model-1' });
    expect((await give(configured)).argv).toContain('configured/model-1');
    const chosen = (await give(configured, { model: 'chosen-2' })).argv;
    expect(chosen).toContain('chosen-2');
    expect(chosen).not.toContain('configured/model-1');
    for (const model of ['--help', '-x', 'a b', '', 'a\0b', '$(x)', 'x'.repeat(300)]) {
      await expect(give(fake(name), { model })).rejects.toMatchObject({
        code: 'AGENT_CONFIGURATION_INVALID',
      });
      expect(() => fake(name, { model })).toThrow(/model/);
    }
  },
);

it.each(ALL)(
  '%s gets the arguments and variables that the operator adds, and no others of the daemon',
  async (name) => {
    const host = {
      NEOLITH_TOKEN: 'neo_token',
      DATABASE_URL: 'postgresql://u:p@h/d',
      EXTRA: 'e',
      OTHER: 'o',
      AWS_SECRET_ACCESS_KEY: 'k',
    };
    const given = await give(
      fake(name, { extraArguments: ['--added', 'one'], environmentNames: ['EXTRA'] }, host),
    );
    expect(given.argv.slice(-2)).toEqual(['--added', 'one']);
    expect(given.names).toEqual(
      expect.arrayContaining(['EXTRA', 'HOME', 'NEOLITH_TASK_ID', 'NEOLITH_PROMPT_FILE', 'PATH']),
    );
    for (const name of ['NEOLITH_TOKEN', 'DATABASE_URL', 'OTHER', 'AWS_SECRET_ACCESS_KEY'])
      expect(given.names).not.toContain(name);
    await expect(give(fake(name, { environmentNames: ['NEOLITH_TOKEN'] }, host))).rejects.toMatchObject({
      code: 'AGENT_CONFIGURATION_INVALID',
    });
  },
);

it.each([
  ['claude', 'ANTHROPIC_API_KEY'],
  ['codex', 'CODEX_API_KEY'],
  ['gemini', 'GEMINI_API_KEY'],
  ['opencode', 'OPENAI_API_KEY'],
  ['copilot', 'COPILOT_GITHUB_TOKEN'],
  ['cline', 'ANTHROPIC_API_KEY'],
  ['cursor', 'CURSOR_API_KEY'],
  ['aider', 'OPENAI_API_KEY'],
])('%s is given its %s by the environment, and none of it comes out', async (name, variable) => {
  const value = 'correct-horse-battery-staple';
  const adapter = fake(name, { environmentNames: ['LEAK'] }, { [variable]: value, LEAK: variable });
  const { report, signals, log } = await runAttempt(adapter, { root, directory: root });
  expect((report.verdict as unknown as { output: Given }).output.names).toContain(variable);
  expect((report.verdict as unknown as { output: Given }).output.argv.join(' ')).not.toContain('horse');
  const everything = JSON.stringify([report, signals, log]);
  expect(everything).toContain('[redacted]');
  expect(everything).not.toContain('horse');
});

it.each(ALL)('%s is detected by asking for its version', async (name) => {
  expect(await fake(name).detect()).toMatchObject({ found: true, version: '1.2.3', path: process.execPath });
  expect(await fake(name, { command: 'no-such-program' }).detect()).toMatchObject({
    found: false,
    remedy: expect.stringMatching(/not found.*no-such-program.*(?:Install|install)/s),
  });
  const broken = join(root, 'broken');
  writeFileSync(broken, '#!/bin/sh\necho needs something newer >&2\nexit 1\n', { mode: 0o755 });
  expect(await fake(name, { command: broken }).detect()).toMatchObject({
    found: false,
    path: broken,
    remedy: expect.stringMatching(/needs something newer/),
  });
});

it('tells whether anything is there to log in with, never what', async () => {
  const nothing = await fake('claude').detect();
  expect(nothing.login).toEqual({ state: 'unknown', remedy: expect.stringMatching(/ANTHROPIC_API_KEY/) });
  mkdirSync(join(root, '.claude'));
  writeFileSync(join(root, '.claude', '.credentials.json'), '{"secret": "s"}');
  expect((await fake('claude').detect()).login).toEqual({
    state: 'found',
    by: join(root, '.claude', '.credentials.json'),
  });
  expect((await fake('claude', {}, { ANTHROPIC_API_KEY: 'sk' }).detect()).login).toEqual({
    state: 'found',
    by: 'ANTHROPIC_API_KEY',
  });
});

it('starts no program that lies where the task works', async () => {
  writeFileSync(join(root, 'claude'), '#!/bin/sh\ntouch pwned\n', { mode: 0o755 });
  chmodSync(join(root, 'claude'), 0o755);
  for (const PATH of ['.', '', ':.', `relative:${FIXTURES}`]) {
    const adapter = createAgent(
      'claude',
      { hostEnvironment: { PATH, HOME: root }, baseDirectory: FIXTURES },
      {},
    );
    await expect(runAttempt(adapter, { root, directory: root })).rejects.toMatchObject({
      code: 'AGENT_NOT_FOUND',
      message: expect.stringMatching(/npm install -g/),
    });
  }
  // A relative command begins where the configuration lies.
  const besides = createAgent(
    'claude',
    { hostEnvironment: { PATH: '/usr/bin:/bin', HOME: root }, baseDirectory: root },
    { claude: { command: './claude' } },
  );
  expect((await besides.detect()).path).toBe(join(root, 'claude'));
});

it('writes the prompt to a file that only we can read, through no link', async () => {
  const adapter = fake('claude');
  const attemptDirectory = join(root, 'attempt');
  mkdirSync(attemptDirectory);
  symlinkSync(join(root, 'elsewhere'), join(attemptDirectory, 'prompt.md'));
  const request = {
    taskId: 't',
    attemptId: 'a',
    attemptDirectory,
    workingDirectory: root,
    context: {},
    prompt: 'p',
  };
  await expect(adapter.start(request)).rejects.toMatchObject({ code: 'EEXIST' });
});

it.each([
  [{ command: '' }],
  [{ command: [] }],
  [{ command: ['  '] }],
  [{ command: 'a\0b' }],
  [{ extraArguments: ['a\0'] }],
])('refuses the configuration %j', (configuration) => {
  expect(() => fake('codex', configuration)).toThrow(
    expect.objectContaining({ code: 'AGENT_CONFIGURATION_INVALID' }),
  );
});
