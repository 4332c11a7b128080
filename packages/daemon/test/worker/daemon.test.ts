import { readdirSync } from 'node:fs';
import { expect, it } from 'vitest';
import { isAlive } from '../process/processes.js';
import { TOKEN } from './support/testServer.js';
import { openWorkplace, readPidFile, until } from './support/workplace.js';

const work = openWorkplace();

it('does a task: context in, progress on the way, output, artifacts and metrics out', async () => {
  const orchestrator = await work.orchestrator();
  const first = await work.task(orchestrator, { title: 'First' });
  const task = await work.task(orchestrator, {
    title: 'Second',
    dependsOn: [first.id],
    metadata: { progress: [10, 55, 90], artifact: { lines: 3 }, metadata: { model: 'none' } },
  });
  const daemon = work.daemon({ orchestrators: [orchestrator.id], version: '1.2.3', host: 'here' });
  await daemon.start();
  const done = await work.untilStatus(task.id, 'DONE');
  expect(done.result).toEqual({
    output: { done: 'Second', dependencies: 1 },
    artifacts: [{ type: 'note', content: '{"lines":3}' }],
    error: null,
  });
  expect(done).toMatchObject({ progressMessage: 'at 90', metadata: { model: 'none' } });
  const [attempt] = done.attempts;
  expect(attempt).toMatchObject({ number: 1, status: 'SUCCEEDED', agent: 'shell', daemonId: daemon.id() });
  expect(attempt?.metrics).toMatchObject({ agent: 'shell', exitCode: 0, duration: expect.any(Number) });
  const [registered] = await work.engine.listDaemons();
  expect(registered).toMatchObject({
    host: 'here',
    version: '1.2.3',
    slots: 4,
    agents: ['shell'],
    state: 'ACTIVE',
  });

  const report = await daemon.drain();
  expect(report.results).toMatchObject({ completed: 2, failed: 0, dropped: 0 });
  expect((await work.engine.listDaemons())[0]?.state).toBe('STOPPED');
  expect(
    readdirSync(work.path('attempts')).flatMap((name) => readdirSync(work.path(`attempts/${name}`))),
  ).toEqual([]);
  expect(work.log()).not.toContain(TOKEN);
});

it('never runs more at once than its slots, over all orchestrators, and serves each of them', async () => {
  const gate = work.path('gate');
  const pids = work.path('pids');
  const crowded = await work.orchestrator();
  const quiet = await work.orchestrator();
  for (let index = 0; index < 8; index += 1) await work.task(crowded, { metadata: { gate, pids } });
  await work.task(quiet, { metadata: { gate, pids } });
  const daemon = work.daemon({ orchestrators: [crowded.id, quiet.id], slots: 3 });
  await daemon.start();
  await until(() => readPidFile(pids).length === 3, 'three agents');
  const running = (await work.engine.listTasks({ status: 'IN_PROGRESS', limit: 100 })).tasks;
  expect(running).toHaveLength(3);
  expect(running.filter((task) => task.orchestratorId === quiet.id)).toHaveLength(1);
  // While all slots are taken nothing is asked for.
  const asked = work.server.calls.filter(({ name }) => name === 'claimTasks').length;
  await work.open(gate);
  await until(() => readPidFile(pids).length === 9, 'all nine');
  await until(() => daemon.attempts().length === 0, 'the end of all');
  const granted = work.server.calls.filter(({ name }) => name === 'claimTasks');
  expect(granted.length).toBeGreaterThan(asked);
  for (const call of granted) expect(call.body.max).toBeLessThanOrEqual(3);
  expect(
    (await work.engine.listTasks({ status: 'DONE', limit: 100, orchestratorId: crowded.id })).tasks,
  ).toHaveLength(8);
});

it('waits for work with one long call instead of hammering, and takes a task the moment it comes', async () => {
  const orchestrator = await work.orchestrator();
  const daemon = work.daemon({ orchestrators: [orchestrator.id] });
  await daemon.start();
  const claims = () => work.server.calls.filter(({ name }) => name === 'claimTasks');
  await until(() => claims().some(({ body }) => body.waitSeconds === 20), 'a long poll');
  expect(claims().length).toBeLessThanOrEqual(2);
  const createdMs = performance.now();
  const task = await work.task(orchestrator);
  await work.untilStatus(task.id, 'DONE');
  expect(performance.now() - createdMs).toBeLessThan(5_000);
});

it('reports a failure with its class and last words, and a blocked task with its question', async () => {
  const orchestrator = await work.orchestrator();
  const bad = await work.task(orchestrator, { metadata: { fail: 'the reason why' }, maxAttempts: 1 });
  const stuck = await work.task(orchestrator, { metadata: { blocked: 'no access' } });
  await work.daemon({ orchestrators: [orchestrator.id] }).start();
  const failed = await work.untilStatus(bad.id, 'FAILED');
  expect(failed.attempts[0]).toMatchObject({ status: 'FAILED', failureClass: 'task' });
  expect(failed.attempts[0]?.error).toContain('the reason why');
  expect(failed.attempts[0]?.metrics).toMatchObject({ exitCode: 3, code: 'EXIT_CODE' });
  const blocked = await work.untilStatus(stuck.id, 'BLOCKED');
  expect(blocked).toMatchObject({ blockedReason: 'no access', blockedQuestion: 'And now?' });
});

it('ends an agent at its time limit, with all it started', async () => {
  const orchestrator = await work.orchestrator();
  const pids = work.path('pids');
  const task = await work.task(orchestrator, {
    timeoutSeconds: 1,
    maxAttempts: 1,
    metadata: { gate: work.path('never'), fork: true, pids },
  });
  await work.daemon({ orchestrators: [orchestrator.id] }).start();
  const failed = await work.untilStatus(task.id, 'FAILED');
  expect(failed.attempts[0]).toMatchObject({ status: 'TIMED_OUT', failureClass: 'agent' });
  const started = readPidFile(pids);
  expect(started).toHaveLength(2);
  expect(started.filter(isAlive)).toEqual([]);
});

it('blames the ground, not the task, when the agent can not be started', async () => {
  const orchestrator = await work.orchestrator();
  const task = await work.task(orchestrator, { maxAttempts: 1 });
  const agent = work.agent([work.path('no-such-program')]);
  await work.daemon({ orchestrators: [orchestrator.id], agent }).start();
  await until(
    async () => ((await work.engine.getTask(task.id)).attempts[0]?.endedAt ?? null) !== null,
    'an attempt',
  );
  const { attempts, failureCount } = await work.engine.getTask(task.id);
  expect(attempts.at(-1)).toMatchObject({ status: 'FAILED', failureClass: 'infrastructure' });
  expect(failureCount).toBe(0);
});

it('learns of a cancel at once, and confirms it when no descendant is alive', async () => {
  const orchestrator = await work.orchestrator();
  const pids = work.path('pids');
  const task = await work.task(orchestrator, {
    metadata: { gate: work.path('never'), fork: true, deaf: true, pids },
  });
  // The heartbeat would tell as well, but only after ten seconds.
  await work.daemon({ orchestrators: [orchestrator.id] }).start();
  await until(() => readPidFile(pids).length === 2, 'the agent and its child');
  const requestedMs = performance.now();
  await work.engine.cancelTask(task.id);
  await until(() => work.log().includes('Cancelled: ending the agent'), 'the daemon to learn of it');
  expect(performance.now() - requestedMs).toBeLessThan(1_000);
  const cancelled = await work.untilStatus(task.id, 'CANCELLED');
  expect(cancelled.attempts[0]?.status).toBe('CANCELLED');
  expect(performance.now() - requestedMs).toBeLessThan(300 + 2_000);
  expect(readPidFile(pids).filter(isAlive)).toEqual([]);
});

it('learns of a cancel by its heartbeat when the control stream is not to be had', async () => {
  work.server.fault = ({ name }) => (name === 'followControl' ? { kind: 'answer', status: 502 } : null);
  const orchestrator = await work.orchestrator();
  const pids = work.path('pids');
  const task = await work.task(orchestrator, { metadata: { gate: work.path('never'), pids } });
  await work.daemon({ orchestrators: [orchestrator.id], leaseSeconds: 2 }).start();
  await until(() => readPidFile(pids).length === 1, 'the agent');
  await work.engine.cancelTask(task.id);
  await work.untilStatus(task.id, 'CANCELLED');
  expect(readPidFile(pids).filter(isAlive)).toEqual([]);
  expect(work.server.calls.filter(({ name }) => name === 'followControl').length).toBeGreaterThan(1);
});

it('sends progress at most about twice a second, the last of it before the result', async () => {
  const orchestrator = await work.orchestrator();
  const gate = work.path('gate');
  const task = await work.task(orchestrator, {
    metadata: { progress: Array.from({ length: 400 }, (_, index) => index / 4), gate, late: 99.9 },
  });
  await work.daemon({ orchestrators: [orchestrator.id] }).start();
  const sent = () => work.server.calls.filter(({ name }) => name === 'updateTaskProgress');
  await until(() => sent().some(({ body }) => body.message === 'waiting at the gate'), 'the last message');
  await work.open(gate);
  await work.untilStatus(task.id, 'DONE');
  const calls = sent();
  expect(calls.length).toBeLessThanOrEqual(5);
  expect(calls.at(-1)?.body).toMatchObject({ progress: 99.9, message: 'the last word' });
  const result = work.server.calls.find(({ name }) => name === 'completeTask');
  expect(calls.at(-1)?.atMs).toBeLessThan(result?.atMs ?? 0);
});
