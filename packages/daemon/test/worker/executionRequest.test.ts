import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createAgent } from '../../src/agents/registry.js';
import {
  ATTEMPT_DIRECTORY,
  buildExecutionRequest,
  describeExecution,
  previewExecution,
  runExecution,
} from '../../src/worker/index.js';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'neolith-execution-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const facts = () => ({
  taskId: 'task_1',
  attemptId: 'attempt_1',
  workingDirectory: directory,
  context: { task: { title: 'T' } },
  prompt: 'Do it: ä',
  resources: ['exclusive port:3000'],
  timeoutSeconds: 100,
  defaults: { taskTimeoutMs: 3_600_000, stalledAfterMs: 900_000, graceMs: 10_000 },
});

it('is made out of the task’s own limits and what the daemon gives', () => {
  const input = { ...facts(), agent: 'opencode', model: 'anthropic/opus', attemptDirectory: '/a' };
  const request = buildExecutionRequest(input);
  expect(request).toEqual({
    ...{ taskId: 'task_1', attemptId: 'attempt_1', agent: 'opencode', model: 'anthropic/opus' },
    ...{ provider: 'anthropic', route: null, workingDirectory: directory, attemptDirectory: '/a' },
    ...{ context: input.context, prompt: input.prompt, resources: ['exclusive port:3000'] },
    limits: { timeoutMs: 100_000, softTimeoutMs: 80_000, stalledAfterMs: 900_000, graceMs: 10_000 },
  });
  expect(buildExecutionRequest(input)).toEqual(request);
  expect(buildExecutionRequest({ ...input, timeoutSeconds: null, mayBeSilent: true }).limits).toEqual({
    ...{ timeoutMs: 3_600_000, softTimeoutMs: 2_880_000, stalledAfterMs: null, graceMs: 10_000 },
  });
});

it('is shown before it runs just as it is run, without the values of variables, and leaves nothing behind', async () => {
  const shell = createAgent(
    'shell',
    { hostEnvironment: { ...process.env, MY_SECRET: 'hunter2' }, baseDirectory: directory },
    { shell: { command: 'env', environmentNames: ['MY_SECRET'] } },
  );
  const preview = await previewExecution(shell, facts());
  expect(preview).toMatchObject({
    ...{ agent: 'shell', provider: 'local', problem: null, promptBytes: 9 },
    argv: ['/bin/sh', '-c', 'env'],
    stdin: { kind: 'text' },
  });
  expect(preview.environmentNames).toEqual(expect.arrayContaining(['MY_SECRET', 'NEOLITH_TASK_ID', 'PATH']));
  expect(JSON.stringify(preview)).not.toContain('hunter2');

  const request = buildExecutionRequest({
    ...{ ...facts(), agent: 'shell', attemptDirectory: directory, mayBeSilent: shell.mayBeSilent },
  });
  const lines: string[] = [];
  const run = await runExecution(shell, request, {
    ...{ daemonMarker: 'test', secrets: [], onLog: ({ text }: { text: string }) => void lines.push(text) },
  });
  await run.finished;
  const command = await shell.start({
    ...request,
    attemptId: 'attempt_2',
    attemptDirectory: await mkdtemp(join(directory, 'x')),
  });
  const described = describeExecution(request, 'command' in command ? command : null);
  expect({ ...described, limits: null }).toEqual({ ...preview, limits: null, problem: undefined });
  // What the process really found.
  const found = lines.flatMap((line) => /^([A-Z_]+)=/.exec(line)?.[1] ?? []);
  for (const name of preview.environmentNames) expect(found).toContain(name);
});

it('names the directory that an attempt will have by a word, and starts nothing for a person', async () => {
  const dependencies = { hostEnvironment: process.env, baseDirectory: directory };
  const aider = createAgent('aider', dependencies, { aider: { command: process.execPath } });
  const { argv, stdin } = await previewExecution(aider, facts());
  expect(argv?.join(' ')).toContain(`${ATTEMPT_DIRECTORY}/prompt.md`);
  expect(argv?.join(' ')).not.toContain('neolith-preview-');
  expect(stdin).toEqual({ kind: 'empty', bytes: 0 });

  const windsurf = createAgent('windsurf', dependencies, {
    windsurf: { promptsDirectory: join(directory, 'prompts') },
  });
  expect(await previewExecution(windsurf, facts())).toMatchObject({ argv: null, problem: null });
  expect(existsSync(join(directory, 'prompts'))).toBe(false);
});

it('says what is in the way where an agent could not be started', async () => {
  const shell = createAgent('shell', { hostEnvironment: process.env, baseDirectory: directory }, {});
  expect(await previewExecution(shell, facts())).toMatchObject({
    argv: null,
    problem: expect.stringContaining('off until a command is configured'),
  });
});

it('is run by no other agent than its own', () => {
  const shell = createAgent(
    'shell',
    { hostEnvironment: process.env, baseDirectory: directory },
    { shell: { command: 'true' } },
  );
  const request = buildExecutionRequest({ ...facts(), agent: 'claude', attemptDirectory: directory });
  expect(() => runExecution(shell, request, { daemonMarker: 'test', secrets: [] })).toThrow('for claude');
});
