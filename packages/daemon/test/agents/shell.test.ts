import { mkdtemp, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { AgentSignal } from '../../src/agents/agentAdapter.js';
import { prepareAttemptDirectory, removeAttemptDirectory } from '../../src/agents/attemptDirectory.js';
import { AGENT_NAMES, createAgent } from '../../src/agents/registry.js';
import { type AgentRunOptions, type AgentRunReport, runAgent } from '../../src/agents/runAgent.js';
import type { ShellAgentConfiguration } from '../../src/agents/shell.js';
import { isAlive, waitFor } from '../process/processes.js';
import { FIXTURES } from '../process/supervise.js';

let root: string;
let attempts = 0;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'neolith-shell-'));
});

afterEach(async () => {
  await rm(root, { recursive: true, force: true });
});

const HOST = {
  PATH: process.env.PATH,
  HOME: '/home/somebody',
  LANG: 'C.UTF-8',
  NEOLITH_TOKEN: 'neo_the_daemons_own_token',
  DATABASE_URL: 'postgresql://u:p@h/d',
  EXTRA: 'passed',
  PLANTED: 'correct-horse-battery',
};

interface Run {
  readonly signals: AgentSignal[];
  readonly log: string[];
  readonly warnings: string[];
  readonly report: AgentRunReport;
}

function adapterFor(configuration: ShellAgentConfiguration) {
  return createAgent('shell', { hostEnvironment: HOST, baseDirectory: FIXTURES }, { shell: configuration });
}

async function start(configuration: ShellAgentConfiguration, options: Partial<AgentRunOptions> = {}) {
  attempts += 1;
  const attemptId = `attempt_${process.pid}_${attempts}`;
  const seen = { signals: [] as AgentSignal[], log: [] as string[], warnings: [] as string[] };
  const run = await runAgent(
    adapterFor(configuration),
    {
      taskId: 'task_1',
      attemptId,
      workingDirectory: root,
      attemptDirectory: await prepareAttemptDirectory(join(root, 'attempts'), attemptId),
      context: { task: { id: 'task_1', title: 'x;$(touch pwned) `touch pwned` "; touch pwned' } },
      prompt: 'The task in words.',
    },
    { timeoutMs: 20_000, graceMs: 300, ...options },
    {
      onSignal: (signal) => seen.signals.push(signal),
      onLog: (line) => seen.log.push(`${line.stream}: ${line.text}`),
      onWarning: (warning) => seen.warnings.push(warning),
    },
  );
  return { run, seen };
}

async function runScenario(
  scenario: string,
  configuration: ShellAgentConfiguration = {},
  options: Partial<AgentRunOptions> = {},
): Promise<Run> {
  const command = [process.execPath, `${FIXTURES}agent.mjs`, ...scenario.split(' ')];
  const { run, seen } = await start({ command, ...configuration }, options);
  return { ...seen, report: await run.finished };
}

it('runs a task to the end: context in, signals, log and the last output out', async () => {
  const { signals, log, warnings, report } = await runScenario('work', { environmentNames: ['EXTRA'] });
  expect(warnings).toEqual([]);
  expect(signals.slice(0, 5)).toEqual([
    { kind: 'progress', percent: 40, message: 'halfway' },
    { kind: 'artifact', artifact: { type: 'file', content: 'text' } },
    { kind: 'metadata', metadata: { model: 'none' } },
    { kind: 'result', output: 'not yet' },
    { kind: 'progress', percent: 90, message: 'nearly' },
  ]);
  expect(log.sort()).toEqual(['stderr: a line on stderr', 'stdout: a line of log']);
  expect(report.artifacts).toEqual([{ type: 'file', content: 'text' }]);
  expect(report.verdict).toEqual({
    status: 'completed',
    output: {
      same: true,
      task: 'x;$(touch pwned) `touch pwned` "; touch pwned',
      mode: '600',
      names: [
        'EXTRA',
        'HOME',
        'LANG',
        'NEOLITH_ATTEMPT',
        'NEOLITH_ATTEMPT_ID',
        'NEOLITH_CONTEXT_FILE',
        'NEOLITH_PROMPT_FILE',
        'NEOLITH_RESULT_FILE',
        'NEOLITH_TASK_ID',
        'PATH',
      ],
    },
  });
});

it('runs a line by /bin/sh, into which nothing of the task gets', async () => {
  const { run } = await start({
    command: 'cat "$NEOLITH_CONTEXT_FILE" >/dev/null && echo "$NEOLITH_TASK_ID"',
  });
  expect((await run.finished).verdict).toEqual({ status: 'completed', output: 'task_1' });
  expect(await readdir(root)).toEqual(['attempts']);
});

it.each([
  ['result-file', { status: 'completed', output: { from: 'file' } }],
  ['tail', { status: 'completed', output: 'line one\nline two' }],
  ['silent', { status: 'completed', output: null }],
  ['blocked', { status: 'blocked', reason: 'no access', question: 'Which token?' }],
])('judges an agent that exits with 0: %s', async (scenario, verdict) => {
  const { report } = await runScenario(scenario);
  expect(report.verdict).toEqual(verdict);
  expect(report.warnings).toEqual([]);
});

it.each([
  ['broken-result-file', 'the tail', /result file is not usable/],
  ['linked-result-file', 'the tail', /symbolic link/],
  ['malformed', 'still fine', /not JSON/],
])('completes with a warning: %s', async (scenario, output, warning) => {
  const { report, warnings } = await runScenario(scenario);
  expect(report.verdict).toEqual({ status: 'completed', output });
  expect(report.warnings).toEqual([expect.stringMatching(warning)]);
  expect(warnings).toEqual(report.warnings);
});

it('keeps a malformed line in the log', async () => {
  expect((await runScenario('malformed')).log).toEqual(['stdout: ::neolith {"progress": ']);
});

it('fails with the code and the tail of stderr, whatever was printed before', async () => {
  const { report } = await runScenario('fail');
  expect(report.verdict).toEqual({
    status: 'failed',
    failureClass: 'task',
    code: 'EXIT_CODE',
    exitCode: 3,
    error: 'The agent exited with code 3.\nthe reason why',
  });
});

it('names memory as the likely reason of exit code 137 and of SIGKILL', async () => {
  expect((await runScenario('fail-137')).report.verdict).toMatchObject({
    status: 'failed',
    code: 'OUT_OF_MEMORY',
    exitCode: 137,
    error: expect.stringMatching(/137.*memory/),
  });
  const { run } = await start({ command: 'kill -KILL $$' });
  expect((await run.finished).verdict).toMatchObject({
    status: 'failed',
    error: expect.stringMatching(/SIGKILL.*memory/),
  });
});

it('takes the result of an agent that lingers, after the linger limit', async () => {
  const { report } = await runScenario('lingers', { lingerAfterResultMs: 300 });
  expect(report.verdict).toEqual({ status: 'completed', output: 'there it is' });
  expect(report.outcome).toMatchObject({ kind: 'terminated', reason: 'lingered' });
  expect(report.outcome.durationMs).toBeGreaterThanOrEqual(300);
});

it('tells a time-out from a termination', async () => {
  const timedOut = await runScenario('hangs', {}, { timeoutMs: 400 });
  expect(timedOut.report.verdict).toMatchObject({
    status: 'timed_out',
    error: expect.stringMatching(/time limit of 400 ms/),
  });

  const { run, seen } = await start({ command: [process.execPath, `${FIXTURES}agent.mjs`, 'hangs'] });
  await waitFor(() => seen.log.length > 0, 'the agent to hang');
  const report = await run.terminate('cancelled');
  expect(report.verdict).toMatchObject({ status: 'terminated', reason: 'cancelled' });
  expect(isAlive(run.pid ?? 0)).toBe(false);
});

it('blames the machine, not the task, when the program is missing', async () => {
  const { run } = await start({ command: ['no-such-agent-anywhere'] });
  expect(run.pid).toBeNull();
  expect((await run.finished).verdict).toMatchObject({
    status: 'failed',
    failureClass: 'infrastructure',
    code: 'SPAWN_FAILED',
    error: expect.stringMatching(/no-such-agent-anywhere.*Install it/),
  });
});

it.each(['leaks', 'leaks fail'])('hands out no planted secret: %s', async (scenario) => {
  const run = await runScenario(scenario, { environmentNames: ['PLANTED'] }, { secrets: [HOST.PLANTED] });
  const everything = JSON.stringify(run);
  expect(run.signals.map((signal) => signal.kind)).toEqual(['progress', 'result', 'artifact']);
  expect(everything.match(/\[redacted\]/g)?.length).toBeGreaterThan(6);
  expect(everything).not.toContain(HOST.PLANTED);
  expect(everything).not.toContain('horse');
  // What was read from JSON, where the secret, a NUL and a lone surrogate were written as escapes.
  const read = JSON.stringify([run.signals, run.report.verdict, run.report.artifacts]);
  expect(read).not.toMatch(/\\u/);
});

it('hands out no secret that stands in the result file', async () => {
  const { report } = await runScenario(
    'leaks-file',
    { environmentNames: ['PLANTED'] },
    { secrets: [HOST.PLANTED] },
  );
  expect(report.verdict).toEqual({ status: 'completed', output: { '[redacted]': ['[redacted]'] } });
});

it('keeps a bounded number of artifacts and says that there were more', async () => {
  const { report, signals } = await runScenario('many-artifacts');
  expect(report.artifacts).toHaveLength(100);
  expect(signals).toHaveLength(100);
  expect(report.warnings).toHaveLength(50);
  expect(report.warnings[0]).toMatch(/left out/);
});

it('is off until a command is configured', async () => {
  const adapter = adapterFor({});
  expect(await adapter.detect()).toEqual({
    found: false,
    remedy: expect.stringMatching(/off until a command/),
  });
  await expect(start({})).rejects.toMatchObject({ code: 'AGENT_NOT_CONFIGURED' });
});

it('detects its program by name, by path and beside the configuration', async () => {
  const program = join(root, 'agent.sh');
  await writeFile(program, '#!/bin/sh\necho ran\n', { mode: 0o755 });
  const at = (command: string | string[], baseDirectory = root) =>
    createAgent('shell', { hostEnvironment: HOST, baseDirectory }, { shell: { command } }).detect();
  expect(await at(['./agent.sh'])).toEqual({ found: true, path: program });
  expect(await at([program])).toEqual({ found: true, path: program });
  expect(await at('anything at all')).toEqual({ found: true, path: '/bin/sh' });
  expect(await at(['sh'])).toMatchObject({ found: true, path: expect.stringMatching(/^\/.*\/sh$/) });
  expect(await at(['./agent.sh'], '/')).toMatchObject({
    found: false,
    remedy: expect.stringMatching(/agent\.sh/),
  });
  expect(await at([root])).toMatchObject({ found: false });
});

it.each([[{ command: '' }], [{ command: [] }], [{ command: ['  '] }], [{ command: ['sh', 'a\0b'] }]])(
  'refuses the configuration %j',
  (configuration) => {
    expect(() => adapterFor(configuration)).toThrow(
      expect.objectContaining({ code: 'AGENT_CONFIGURATION_INVALID' }),
    );
  },
);

it("refuses to pass on the daemon's own variables", async () => {
  await expect(start({ command: 'true', environmentNames: ['NEOLITH_TOKEN'] })).rejects.toMatchObject({
    code: 'AGENT_CONFIGURATION_INVALID',
    message: expect.stringMatching(/NEOLITH_TOKEN/),
  });
});

it('finds the task in words in a file', async () => {
  const { run } = await start({ command: 'cat "$NEOLITH_PROMPT_FILE"' });
  expect((await run.finished).verdict).toEqual({ status: 'completed', output: 'The task in words.' });
});

it('names the known agents when asked for another', () => {
  expect(AGENT_NAMES).toContain('shell');
  for (const name of ['nobody', 'toString', '__proto__']) {
    expect(() => createAgent(name, { hostEnvironment: {}, baseDirectory: '/' }, {})).toThrow(
      /Known agents: aider, .*shell/,
    );
  }
});

it('makes a private, empty directory for an attempt, and none outside its root', async () => {
  const parent = join(root, 'attempts');
  const directory = await prepareAttemptDirectory(parent, 'attempt_1');
  expect((await stat(directory)).mode & 0o777).toBe(0o700);
  await writeFile(join(directory, 'left'), 'over');
  await symlink('/etc', join(parent, 'attempt_2'));
  expect(await readdir(await prepareAttemptDirectory(parent, 'attempt_1'))).toEqual([]);
  expect(await readdir(await prepareAttemptDirectory(parent, 'attempt_2'))).toEqual([]);
  for (const id of ['../up', '', '.', 'a/b', '-rf', 'x'.repeat(200)]) {
    await expect(prepareAttemptDirectory(parent, id)).rejects.toMatchObject({
      code: 'ATTEMPT_DIRECTORY_UNUSABLE',
    });
  }
  await removeAttemptDirectory(directory);
  await removeAttemptDirectory(directory);
  expect(await readdir(parent)).toEqual(['attempt_2']);
});
