import { expect, it } from 'vitest';
import { isAlive } from '../process/processes.js';
import { openWorkplace, readPidFile, until } from './support/workplace.js';

const work = openWorkplace();

it('drains: claims nothing more, finishes what runs, says DRAINING and STOPPED', async () => {
  const orchestrator = await work.orchestrator();
  const gate = work.path('gate');
  const pids = work.path('pids');
  const first = await work.task(orchestrator, { metadata: { gate, pids } });
  const daemon = work.daemon({ orchestrators: [orchestrator.id], slots: 1 });
  await daemon.start();
  const second = await work.task(orchestrator);
  await until(() => readPidFile(pids).length === 1, 'the agent');
  const drained = daemon.drain();
  await until(
    async () => (await work.engine.listDaemons()).some(({ state }) => state === 'DRAINING'),
    'DRAINING',
  );
  await work.open(gate);
  expect((await drained).results).toMatchObject({ completed: 1, released: 0 });
  expect((await work.engine.getTask(first.id)).status).toBe('DONE');
  expect((await work.engine.getTask(second.id)).status).toBe('TODO');
  expect((await work.engine.listDaemons()).find(({ id }) => id === daemon.id())?.state).toBe('STOPPED');
});

it('gives back at nobody’s expense what does not finish within the limit of a drain', async () => {
  const orchestrator = await work.orchestrator();
  const pids = work.path('pids');
  const task = await work.task(orchestrator, { metadata: { gate: work.path('never'), pids, fork: true } });
  const daemon = work.daemon({ orchestrators: [orchestrator.id], drainMs: 200 });
  await daemon.start();
  await until(() => readPidFile(pids).length === 2, 'the agent and its child');
  expect((await daemon.drain()).results).toMatchObject({ released: 1 });
  expect(readPidFile(pids).filter(isAlive)).toEqual([]);
  expect(await work.engine.getTask(task.id)).toMatchObject({ status: 'TODO', failureCount: 0, lostCount: 0 });
});

it('gives back a task that was claimed in the very moment of the drain', async () => {
  const orchestrator = await work.orchestrator();
  const daemon = work.daemon({ orchestrators: [orchestrator.id] });
  await daemon.start();
  const isLong = (call: { name: string; body: { waitSeconds?: number } }) =>
    call.name === 'claimTasks' && call.body.waitSeconds === 20;
  await until(() => work.server.calls.some(isLong), 'a long poll');
  // As if the server had granted the call that the drain breaks off: held by this daemon, unknown to it.
  const [task] = await work.engine.createTasks([
    {
      title: 'In the last moment',
      orchestratorId: orchestrator.id,
      availableAt: new Date(Date.now() + 3_600_000),
    },
  ]);
  await work.engine.executeTask(orchestrator.id, task?.id ?? '', {
    daemonId: daemon.id() ?? '',
    leaseSeconds: 30,
  });
  expect((await work.engine.getTask(task?.id ?? '')).status).toBe('IN_PROGRESS');
  await daemon.drain();
  expect((await work.engine.getTask(task?.id ?? '')).attempts[0]?.endedAt).not.toBeNull();
  expect(work.log()).toContain('claimed in the last moment');
});

it('on SIGTERM a process drains and exits with 0; on a second one it gives back what runs', async () => {
  const orchestrator = await work.orchestrator();
  const pids = work.path('pids');
  const task = await work.task(orchestrator, { metadata: { gate: work.path('never'), pids, deaf: true } });
  const { child, ended, log } = await work.daemonProcess({
    orchestrators: [orchestrator.id],
    graceMs: 60_000,
  });
  await until(() => readPidFile(pids).length === 1, 'the agent');
  child.kill('SIGTERM');
  await until(() => log().includes('Draining'), 'the drain');
  expect((await work.engine.getTask(task.id)).status).toBe('IN_PROGRESS');
  child.kill('SIGTERM');
  expect(await ended).toBe(0);
  expect(readPidFile(pids).filter(isAlive)).toEqual([]);
  expect(await work.engine.getTask(task.id)).toMatchObject({ status: 'TODO', lostCount: 0, failureCount: 0 });
});

it('after kill -9 another daemon does the task when the lease has run out', async () => {
  const orchestrator = await work.orchestrator();
  const gate = work.path('gate');
  const pids = work.path('pids');
  const task = await work.task(orchestrator, { metadata: { gate, pids } });
  const { child, ended } = await work.daemonProcess({ orchestrators: [orchestrator.id], leaseSeconds: 2 });
  await until(() => readPidFile(pids).length === 1, 'the agent');
  child.kill('SIGKILL');
  await ended;
  await work.open(gate);
  const rescuer = work.daemon({ orchestrators: [orchestrator.id] });
  await rescuer.start();
  const done = await work.untilStatus(task.id, 'DONE');
  expect(done.attempts.map(({ status }) => status).sort()).toEqual(['LOST', 'SUCCEEDED']);
  expect(done.lostCount).toBe(1);
});

it('started again after kill -9 it ends the strays of its earlier life before its first claim', async () => {
  const orchestrator = await work.orchestrator();
  const pids = work.path('pids');
  const name = work.uniqueName();
  await work.task(orchestrator, { metadata: { gate: work.path('never'), pids, fork: true } });
  const { child, ended } = await work.daemonProcess({ orchestrators: [orchestrator.id], name });
  await until(() => readPidFile(pids).length === 2, 'the agent and its child');
  child.kill('SIGKILL');
  await ended;
  const strays = readPidFile(pids);
  expect(strays.filter(isAlive)).toHaveLength(2);
  const next = work.daemon({ orchestrators: [orchestrator.id], name });
  let aliveAtFirstClaim: number | null = null;
  work.server.fault = (call) => {
    if (call.name === 'claimTasks') aliveAtFirstClaim ??= strays.filter(isAlive).length;
    return null;
  };
  await next.start();
  await until(() => aliveAtFirstClaim !== null, 'the first claim');
  expect(aliveAtFirstClaim).toBe(0);
});

it('stopped for longer than its lease it is told LEASE_LOST, changes nothing and goes on working', async () => {
  const orchestrator = await work.orchestrator();
  const gate = work.path('gate');
  const pids = work.path('pids');
  const task = await work.task(orchestrator, { metadata: { gate, pids } });
  const stale = await work.daemonProcess({ orchestrators: [orchestrator.id], leaseSeconds: 1, slots: 1 });
  await until(() => readPidFile(pids).length === 1, 'the agent');
  stale.child.kill('SIGSTOP');
  await until(async () => {
    await work.engine.sweepExpiredLeases();
    return (await work.engine.getTask(task.id)).lostCount === 1;
  }, 'the lease to run out');
  // Its own agent goes on and ends while the daemon is stopped; the rightful one takes over meanwhile.
  const rescuer = work.daemon({ orchestrators: [orchestrator.id], slots: 1 });
  await rescuer.start();
  await until(() => readPidFile(pids).length === 2, 'the second agent');
  await work.open(gate);
  const done = await work.untilStatus(task.id, 'DONE');
  const outcome = done.attempts.map(({ id, status }) => [id, status]);
  stale.child.kill('SIGCONT');
  await until(
    () => stale.log().includes('LEASE_LOST') || stale.log().includes('no longer ours'),
    'the stale daemon to see it',
  );
  await until(() => stale.log().includes('Ended, dropped'), 'the stale attempt to end');
  const after = await work.engine.getTask(task.id);
  expect(after.attempts.map(({ id, status }) => [id, status])).toEqual(outcome);
  expect(after.result).toEqual(done.result);
  expect((await work.events(task.id)).filter(({ type }) => type === 'task.completed')).toHaveLength(1);
  await rescuer.stop();
  const next = await work.task(orchestrator);
  const givenMs = performance.now();
  await work.untilStatus(next.id, 'DONE');
  // Neither after the pause that follows a refusal, nor only with the next call that waits.
  expect(performance.now() - givenMs).toBeLessThan(15_000);
});
