import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, it } from 'vitest';
import { openWorkplace, until } from '../../daemon/test/worker/support/workplace.js';
import { environmentOf } from './support/environmentOf.js';
import { BIN, bareEnvironment, runNeolith } from './support/runNeolith.js';

const work = openWorkplace();

const environment = () => environmentOf(work);
const run = (...args: string[]) => runNeolith(['logs', ...args], environment());

let made = 0;

/** A task that is being done, under a title of its own. */
async function begun(title = `Logged ${++made}`) {
  const ada = await work.orchestrator();
  const task = await work.task(ada, { title, maxAttempts: 5 });
  return { ada, task, attemptId: await attempt(ada.id, task.id) };
}

async function attempt(orchestratorId: string, taskId: string): Promise<string> {
  const execution = await work.engine.executeTask(orchestratorId, taskId, { leaseSeconds: 600 });
  if (execution.status !== 'in_progress') throw new Error(execution.error);
  return execution.attemptId;
}

const print = (attemptId: string, sequence: number, text: string, stream: 'stdout' | 'stderr' = 'stdout') =>
  work.engine.appendAttemptLog(attemptId, { sequence, entries: [{ stream, text }] });

it('shows what the agent of a task printed, by the id or the title of the task and by the id of the attempt', async () => {
  const { task, attemptId } = await begun('Write the  parser');
  await print(attemptId, 1, 'one\ntwo');
  await print(attemptId, 2, 'oops', 'stderr');
  await work.engine.appendAttemptLog(attemptId, {
    sequence: 3,
    droppedBytes: 1_234,
    entries: [{ stream: 'stdout', text: 'three <b>' }],
  });
  const all = 'one\ntwo\noops\n[… 1234 bytes dropped …]\nthree <b>\n';
  expect(await run(task.id)).toEqual({ code: 0, stdout: all, stderr: '' });
  expect((await run('write the  PARSER')).stdout).toBe(all);
  expect((await run(attemptId)).stdout).toBe(all);
  expect((await run(task.id, '--tail', '3')).stdout).toBe('two\noops\n[… 1234 bytes dropped …]\nthree <b>\n');
  expect((await run(task.id, '--tail', '0')).stdout).toBe('');
  const json = (await run(task.id, '--json')).stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  const facts = { attemptId, at: expect.stringMatching(/^2\d{3}-/) };
  expect(json).toEqual([
    { ...facts, sequence: 1, stream: 'stdout', text: 'one' },
    { ...facts, sequence: 1, stream: 'stdout', text: 'two' },
    { ...facts, sequence: 2, stream: 'stderr', text: 'oops' },
    { ...facts, sequence: 3, droppedBytes: 1_234 },
    { ...facts, sequence: 3, stream: 'stdout', text: 'three <b>' },
  ]);
});

it('shows more than a page holds, and lets nothing through that a terminal would obey', async () => {
  const { task, attemptId } = await begun();
  for (let sequence = 1; sequence <= 6; sequence += 1)
    await print(attemptId, sequence, `${sequence} ${'x'.repeat(400_000)}`);
  // As a server would that cleans nothing.
  await work.database.database.pool.query(
    `UPDATE attempt_log_chunks SET entries = jsonb_build_array(jsonb_build_array('stdout', $2::text)) WHERE attempt_id = $1 AND seq = 6`,
    [attemptId.slice(4), 'a\u001b[2Jb\u001b]0;title\u0007c\rd'],
  );
  const { stdout } = await run(task.id);
  expect(stdout.split('\n').map((line) => line.slice(0, 10))).toEqual([
    ...[1, 2, 3, 4, 5].map((sequence) => `${sequence} xxxxxxxx`),
    'abcd',
    '',
  ]);
});

it('shows the attempt that is asked for, by default the last one', async () => {
  const { ada, task, attemptId } = await begun();
  await print(attemptId, 1, 'the first');
  await work.engine.completeTask(task.id, { status: 'failed', failureClass: 'task', error: 'no', attemptId });
  await work.engine.cancelTask(task.id);
  await work.engine.retryTask(task.id);
  await print(await attempt(ada.id, task.id), 1, 'the second');
  expect((await run(task.id)).stdout).toBe('the second\n');
  expect((await run(task.id, '--attempt', '1')).stdout).toBe('the first\n');
  const none = await run(task.id, '--attempt', '3');
  expect(none.code).toBe(3);
  expect(none.stderr).toContain('has no attempt 3; it has 2');
});

it('says what there is none of', async () => {
  const ada = await work.orchestrator();
  const task = await work.task(ada, { title: 'Not begun' });
  const notBegun = await run(task.id);
  expect(notBegun.code).toBe(3);
  expect(notBegun.stderr).toContain('has not been attempted');
  expect((await run('No such title')).stderr).toContain('There is no task "No such title"');
  expect((await run('No such title')).code).toBe(3);
  expect((await run('att_00000000-0000-7000-8000-000000000000')).code).toBe(3);
  await work.task(ada, { title: 'Twice' });
  await work.task(ada, { title: 'Twice' });
  const twice = await run('Twice');
  expect(twice.code).toBe(4);
  expect(twice.stderr).toContain('2 tasks are called "Twice"');
});

function follow(...args: string[]) {
  const child = spawn(process.execPath, [BIN, 'logs', ...args, '--follow'], {
    env: bareEnvironment(environment()),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const seen = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk: Buffer) => {
    seen.stdout += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    seen.stderr += chunk.toString();
  });
  return { child, seen, closed: once(child, 'close') as Promise<[number | null]> };
}

it('follows from before the first attempt to the last word, through an absence of the server', async () => {
  const ada = await work.orchestrator();
  const task = await work.task(ada, { title: 'Followed' });
  const { seen, closed } = follow(task.id);
  await until(() => seen.stderr.includes('waiting for its first attempt'), 'it to wait');
  const attemptId = await attempt(ada.id, task.id);
  await print(attemptId, 1, 'one');
  await until(() => seen.stdout === 'one\n', 'the first line');
  await work.server.goAway();
  await until(() => seen.stderr.includes('does not answer; trying again'), 'it to notice');
  await print(attemptId, 2, 'two');
  await work.server.comeBack();
  await until(() => seen.stdout === 'one\ntwo\n', 'the second line');
  await work.engine.completeTask(task.id, {
    status: 'failed',
    failureClass: 'task',
    error: 'Red\ntests',
    attemptId,
  });
  await work.engine.appendAttemptLog(attemptId, {
    sequence: 3,
    entries: [{ stream: 'stdout', text: 'bye' }],
    last: true,
  });
  expect(await closed).toEqual([0, null]);
  expect(seen.stdout).toBe('one\ntwo\nbye\n');
  expect(seen.stderr).toContain('Attempt 1 failed: Red tests');
});

it('stops following when it is told to, with 130', async () => {
  const { task, attemptId } = await begun();
  await print(attemptId, 1, 'one');
  const { child, seen, closed } = follow(task.id, '--tail', '5');
  await until(() => seen.stdout === 'one\n', 'the first line');
  child.kill('SIGINT');
  expect(await closed).toEqual([130, null]);
});
