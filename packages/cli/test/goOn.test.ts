import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { openWorkplace, until } from '../../daemon/test/worker/support/workplace.js';
import { describeGoOn } from '../src/execute/describeGoOn.js';
import { environmentOf } from './support/environmentOf.js';
import { BIN, bareEnvironment, runNeolith } from './support/runNeolith.js';

const work = openWorkplace();

const environment = () => environmentOf(work);
const run = (...args: string[]) => runNeolith(args, environment(), work.directory);

async function writePlan(name: string, tasks: readonly object[]): Promise<string> {
  const file = work.path(`${name}.json`);
  await writeFile(file, JSON.stringify({ version: 1, name, tasks }));
  return file;
}

const find = async (name: string) => {
  const found = (await work.engine.listRuns({ source: name })).runs[0];
  if (found === undefined) throw new Error(`No run ${name}`);
  return found;
};
const linesOf = (file: string): string[] =>
  existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : [];

/** Fails the task with this title until the gate is there, and writes down what it did. */
const failing = (title: string, gate: string, log: string) =>
  [
    `title=$(grep -m1 '^Title: ' "$NEOLITH_PROMPT_FILE" | cut -c8-)`,
    `if [ "$title" = "${title}" ] && [ ! -e ${gate} ]; then echo 'no such module' >&2; exit 1; fi`,
    `echo "$title" >> ${log}`,
  ].join('; ');

it('the command that the report names does what failed, and what waits for it, and nothing twice', async () => {
  await work.orchestrator({ name: 'Ada retries' });
  const gate = work.path('gate');
  const log = work.path('done');
  const plan = await writePlan('Retried', [
    { id: 'a', title: 'First' },
    { id: 'b', title: 'Fails', maxAttempts: 1 },
    { id: 'c', title: 'After it', dependsOn: ['b'] },
  ]);
  const command = failing('Fails', gate, log);
  const first = await run(
    'execute',
    plan,
    '--orchestrator',
    'Ada retries',
    '--shell-command',
    command,
    '-c',
    '2',
  );
  expect(first.code).toBe(5);
  expect(first.stdout).toContain('waits for Fails');
  await work.open(gate);
  const { id } = await find('Retried');
  const named = first.stdout.split('\n').find((line) => line.includes('neolith execute --run'));
  expect(named).toContain(`neolith execute --run ${id} --resume`);
  expect(named).toContain(' -c 2');
  // As it would be pasted.
  const pasted = spawn(
    '/bin/sh',
    ['-c', `neolith() { "${process.execPath}" "${BIN}" "$@"; }; ${named?.trim()}`],
    { env: bareEnvironment(environment()), cwd: work.directory, stdio: 'ignore' },
  );
  expect((await once(pasted, 'exit'))[0]).toBe(0);
  expect(linesOf(log).sort()).toEqual(['After it', 'Fails', 'First']);
  expect(await work.engine.getRun(id)).toMatchObject({ status: 'SUCCEEDED', counts: { done: 3 } });
});

it('a run that is paused gives what failed in it another chance when it is resumed, and lets go on what waits for a person', async () => {
  const ada = await work.orchestrator({ name: 'Ada paused' });
  const made = await work.engine.createRun({
    name: 'Half',
    orchestratorId: ada.id,
    tasks: [
      { key: 'a', title: 'Fails', maxAttempts: 1 },
      { key: 'b', title: 'Asks' },
      { key: 'c', title: 'Fine' },
    ],
  });
  await work.engine.startRun(made.id);
  const { claims } = await work.engine.claimNextTask(ada.id, { max: 3 });
  for (const { task, attempt } of claims) {
    const ending =
      task.title === 'Fails'
        ? ({ status: 'failed', error: 'no' } as const)
        : task.title === 'Asks'
          ? ({ status: 'blocked', error: 'Which one?' } as const)
          : ({ status: 'completed' } as const);
    await work.engine.completeTask(task.id, { ...ending, attemptId: attempt.id });
  }
  await work.engine.pauseRun(made.id).catch(() => undefined);
  const log = work.path('done');
  const again = await run('execute', '--run', 'Half', '--resume', '--shell-command', failing('', log, log));
  expect(again.code).toBe(0);
  expect(again.stderr).toContain('2 tasks that failed or waited for a person get another chance');
  expect(linesOf(log).sort()).toEqual(['Asks', 'Fails']);
});

it('a person answers from the terminal, and the run that waited goes on to its end', async () => {
  await work.orchestrator({ name: 'Ada asks' });
  const plan = await writePlan('Asked', [{ id: 'a', title: 'Needs to know' }]);
  const command =
    'if grep -q "Blue, please" "$NEOLITH_CONTEXT_FILE"; then exit 0; fi; echo \'::neolith {"blocked": "no colour", "question": "Which colour?"}\'';
  const child = spawn(
    process.execPath,
    [BIN, 'execute', plan, '--orchestrator', 'Ada asks', '--shell-command', command],
    { env: bareEnvironment(environment()), cwd: work.directory, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let notes = '';
  child.stdout.resume();
  child.stderr.on('data', (chunk: Buffer) => {
    notes += chunk.toString();
  });
  const ended = once(child, 'exit');
  try {
    await until(
      () => notes.includes('neolith answer task_'),
      () => `the way to answer: ${notes}`,
    );
    expect(notes).toContain('Which colour?');
    const id = /neolith answer (task_\S+)/.exec(notes)?.[1] ?? '';
    const answered = await run('answer', id, 'Blue,', 'please');
    expect(answered).toMatchObject({ code: 0, stdout: expect.stringContaining('is TODO now') });
    expect((await ended)[0]).toBe(0);
    expect((await run('answer', id, 'Too late')).code).toBe(4);
    expect((await run('answer', 'No such task', 'x')).code).toBe(3);
  } finally {
    child.kill('SIGKILL');
  }
});

it('the status shows runs, what goes on with its last words, daemons and nothing that is over', async () => {
  const ada = await work.orchestrator({ name: 'Ada seen' });
  const gate = work.path('gate');
  const daemon = work.daemon({
    orchestrators: [ada.id],
    agent: work.agent(`echo 'reading 解析器'; while [ ! -e ${gate} ]; do sleep 0.05; done`),
  });
  const made = await work.engine.createRun({
    name: 'Seen',
    orchestratorId: ada.id,
    tasks: [{ key: 'a', title: 'Being done' }],
  });
  await work.engine.startRun(made.id);
  await daemon.start();
  const look = async () => JSON.parse((await run('status', '--json')).stdout);
  await until(
    async () => (await look()).attempts[0]?.lastOutput !== null && (await look()).attempts.length > 0,
    'its words',
  );
  expect(await look()).toMatchObject({
    attempts: [{ title: 'Being done', agent: 'shell', number: 1, lastOutput: { text: 'reading 解析器' } }],
    worktrees: [],
    repository: null,
  });
  const { code, stdout } = await run('status');
  expect(code).toBe(0);
  expect(stdout).toMatch(/run_\S+ +running +0 +1 .*Seen/);
  expect(stdout).toMatch(/0 % +\d+ s +shell +Being done/);
  expect(stdout).toContain('reading 解析器');
  await work.open(gate);
  await until(async () => (await look()).attempts.length === 0, 'the end');
});

it('names all that was set otherwise than usual, quoted as a shell needs it', () => {
  const flags = {
    agent: ['claude'],
    merge: 'rebase',
    maxConcurrent: 5,
    leaseSeconds: 30,
    drainMinutes: 10,
  } as const;
  expect(describeGoOn('run_1', flags)).toBe('neolith execute --run run_1 --resume --agent claude');
  expect(
    describeGoOn('run_1', {
      ...flags,
      agentsConfig: "it's mine.json",
      stalledAfter: null,
      cache: true,
      mergeStage: false,
    }),
  ).toBe(
    `neolith execute --run run_1 --resume --agent claude --agents-config 'it'\\''s mine.json' --stalled-after never --cache --no-merge-stage`,
  );
  expect(describeGoOn('run_1', { ...flags, stalledAfter: 90 })).toContain(' --stalled-after 90s');
});
