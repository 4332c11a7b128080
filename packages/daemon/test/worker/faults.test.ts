import { expect, it } from 'vitest';
import { isAlive } from '../process/processes.js';
import { TOKEN } from './support/testServer.js';
import { openWorkplace, readPidFile, until } from './support/workplace.js';

const work = openWorkplace();

const count = (events: readonly { type: string }[], type: string) =>
  events.filter((event) => event.type === type).length;

it('delivers a result although the server went away in the middle of the task, and only once', async () => {
  const orchestrator = await work.orchestrator();
  const gate = work.path('gate');
  const pids = work.path('pids');
  const task = await work.task(orchestrator, { metadata: { gate, pids } });
  const daemon = work.daemon({ orchestrators: [orchestrator.id] });
  await daemon.start();
  await until(() => readPidFile(pids).length === 1, 'the agent');
  await work.server.goAway();
  await work.open(gate);
  await until(() => work.log().includes('A result did not reach the server'), 'a failed delivery');
  expect((await work.engine.getTask(task.id)).status).toBe('IN_PROGRESS');
  await work.server.comeBack();
  const done = await work.untilStatus(task.id, 'DONE');
  expect(done.attempts).toHaveLength(1);
  expect(count(await work.events(task.id), 'task.completed')).toBe(1);
  // It serves on: the same daemon takes the next task.
  const next = await work.task(orchestrator);
  await work.untilStatus(next.id, 'DONE');
});

it('delivers a result whose first answer got lost, and it counts once', async () => {
  const orchestrator = await work.orchestrator();
  const task = await work.task(orchestrator);
  let lost = 0;
  work.server.fault = ({ name }) => {
    if (name !== 'completeTask' || lost > 0) return null;
    lost += 1;
    return { kind: 'lose_answer' };
  };
  const daemon = work.daemon({ orchestrators: [orchestrator.id] });
  await daemon.start();
  await work.untilStatus(task.id, 'DONE');
  await until(() => daemon.attempts().length === 0, 'an answer');
  const calls = work.server.calls.filter(({ name }) => name === 'completeTask');
  expect(calls.map(({ status }) => status)).toEqual([200, 200]);
  expect(count(await work.events(task.id), 'task.completed')).toBe(1);
  expect((await daemon.drain()).results).toMatchObject({ completed: 1, dropped: 0 });
});

it('repeats a claim whose answer got lost with the same request id: nothing is lost or claimed twice', async () => {
  const orchestrator = await work.orchestrator();
  const gate = work.path('gate');
  const tasks = [];
  for (let index = 0; index < 6; index += 1)
    tasks.push(await work.task(orchestrator, { metadata: { gate } }));
  let lost = 0;
  work.server.fault = ({ name }) => {
    if (name !== 'claimTasks' || lost > 1) return null;
    lost += 1;
    return { kind: 'lose_answer' };
  };
  const daemon = work.daemon({ orchestrators: [orchestrator.id], slots: 2 });
  await daemon.start();
  await until(() => daemon.attempts().length === 2, 'two attempts');
  const [first, second, third] = work.server.calls.filter(({ name }) => name === 'claimTasks');
  expect(second?.body.requestId).toBe(first?.body.requestId);
  expect(third?.body.requestId).toBe(first?.body.requestId);
  expect(
    (await work.engine.listTasks({ status: 'IN_PROGRESS', orchestratorId: orchestrator.id })).tasks,
  ).toHaveLength(2);
  await work.open(gate);
  for (const task of tasks) expect((await work.untilStatus(task.id, 'DONE')).attempts).toHaveLength(1);
  const ids = work.server.calls.filter(({ name }) => name === 'claimTasks').map(({ body }) => body.requestId);
  expect(new Set(ids.slice(2)).size).toBe(ids.length - 2);
});

it('waits as long as the server asks before it calls again', async () => {
  const orchestrator = await work.orchestrator();
  const task = await work.task(orchestrator);
  let refused = 0;
  work.server.fault = ({ name }) => {
    if (name !== 'claimTasks' || refused > 0) return null;
    refused += 1;
    return { kind: 'answer', status: 503, headers: { 'retry-after': '1' } };
  };
  await work.daemon({ orchestrators: [orchestrator.id] }).start();
  await work.untilStatus(task.id, 'DONE');
  const [first, second] = work.server.calls.filter(({ name }) => name === 'claimTasks');
  expect((second?.atMs ?? 0) - (first?.atMs ?? 0)).toBeGreaterThanOrEqual(1_000);
});

it('ends its agent at once when the task went to somebody else, and tells no result', async () => {
  const orchestrator = await work.orchestrator();
  const pids = work.path('pids');
  const gate = work.path('gate');
  const task = await work.task(orchestrator, { metadata: { pids, gate, fork: true } });
  let renewing = false;
  work.server.fault = ({ name }) =>
    name === 'daemonHeartbeat' && !renewing ? { kind: 'answer', status: 503 } : null;
  const daemon = work.daemon({ orchestrators: [orchestrator.id], leaseSeconds: 1, slots: 1 });
  await daemon.start();
  await until(() => readPidFile(pids).length === 2, 'the agent and its child');
  await until(async () => {
    await work.engine.sweepExpiredLeases();
    return (await work.engine.getTask(task.id)).status === 'TODO';
  }, 'the lease to run out');
  // Somebody else is at it now.
  const other = await work.engine.claimNextTask(orchestrator.id);
  await until(async () => {
    renewing = true;
    return daemon.attempts().length === 0;
  }, 'the daemon to let go');
  expect(readPidFile(pids).slice(0, 2).filter(isAlive)).toEqual([]);
  expect(work.server.calls.filter(({ name }) => name === 'completeTask')).toEqual([]);
  expect((await daemon.stop()).results).toMatchObject({ dropped: 1 });
  const now = await work.engine.getTask(task.id);
  expect(now.attempts.map(({ status }) => status).sort()).toEqual(
    other.claims.length === 1 ? ['LOST', 'RUNNING'] : ['LOST'],
  );
});

it('does not begin what a late answer brings when its lease was over already', async () => {
  const orchestrator = await work.orchestrator();
  const pids = work.path('pids');
  const task = await work.task(orchestrator, { metadata: { pids } });
  let claims = 0;
  let away = true;
  work.server.fault = ({ name }) => {
    if (name !== 'claimTasks') return null;
    claims += 1;
    if (claims === 1) return { kind: 'lose_answer' };
    return away ? { kind: 'answer', status: 503 } : null;
  };
  await work.daemon({ orchestrators: [orchestrator.id], leaseSeconds: 1, slots: 1 }).start();
  await until(async () => {
    await work.engine.sweepExpiredLeases();
    return (await work.engine.getTask(task.id)).status === 'TODO' && claims > 1;
  }, 'the lease to run out');
  away = false;
  const done = await work.untilStatus(task.id, 'DONE');
  expect(done.attempts.map(({ status }) => status).sort()).toEqual(['LOST', 'SUCCEEDED']);
  expect(work.log()).toContain('A claim came too late');
  expect(readPidFile(pids)).toHaveLength(1);
});

it('gives up a silent connection soon after the wait that it asked for', async () => {
  const orchestrator = await work.orchestrator();
  let silent = 0;
  work.server.fault = ({ name, body }) => {
    if (name !== 'claimTasks' || body.waitSeconds === 0 || silent > 0) return null;
    silent += 1;
    return { kind: 'never_answer' };
  };
  await work.daemon({ orchestrators: [orchestrator.id], waitSeconds: 1 }).start();
  const long = () =>
    work.server.calls.filter(({ name, body }) => name === 'claimTasks' && body.waitSeconds > 0);
  await until(() => long().length > 1, 'another claim');
  const [first, second] = long();
  expect(second?.body.requestId).toBe(first?.body.requestId);
  expect((second?.atMs ?? 0) - (first?.atMs ?? 0)).toBeLessThan(10_500);
});

it('reports an attempt as failed when the server refuses its result', async () => {
  const orchestrator = await work.orchestrator();
  const task = await work.task(orchestrator, { maxAttempts: 1 });
  let refused = 0;
  work.server.fault = ({ name }) => {
    if (name !== 'completeTask' || refused > 0) return null;
    refused += 1;
    return { kind: 'answer', status: 413 };
  };
  await work.daemon({ orchestrators: [orchestrator.id] }).start();
  const failed = await work.untilStatus(task.id, 'FAILED');
  expect(failed.attempts[0]).toMatchObject({ failureClass: 'agent' });
  expect(failed.attempts[0]?.error).toContain("The server did not take the agent's result");
});

it('registers anew when the server has forgotten it', async () => {
  const orchestrator = await work.orchestrator();
  const daemon = work.daemon({ orchestrators: [orchestrator.id], leaseSeconds: 3 });
  await daemon.start();
  await work.database.database.pool.query(
    'DELETE FROM daemons WHERE name = (SELECT name FROM daemons ORDER BY started_at DESC LIMIT 1)',
  );
  const before = daemon.id();
  await until(() => daemon.id() !== before, 'another id');
  // The call that waits was made under the old id; what comes after it bears the new one, and is not put off for the 15
  // seconds for which the old one was refused.
  const givenMs = performance.now();
  await work.untilStatus((await work.task(orchestrator)).id, 'DONE');
  expect(performance.now() - givenMs).toBeLessThan(10_000);
  const pids = work.path('pids');
  const task = await work.task(orchestrator, { metadata: { gate: work.path('never'), pids } });
  await until(() => readPidFile(pids).length === 1, 'the agent');
  expect((await work.engine.getTask(task.id)).attempts[0]?.daemonId).toBe(daemon.id());
  await until(
    () => work.server.calls.some(({ name, params }) => name === 'followControl' && params.id === daemon.id()),
    'a control stream of the new id',
  );
});

it('waits at its start for a server that is away, and serves when it comes', async () => {
  const orchestrator = await work.orchestrator();
  const task = await work.task(orchestrator);
  await work.server.goAway();
  const daemon = work.daemon({ orchestrators: [orchestrator.id] });
  const started = daemon.start();
  await until(() => work.log().includes('Waiting for the server'), 'the daemon to wait');
  expect(daemon.status()).toBe('starting');
  await work.server.comeBack();
  await started;
  await work.untilStatus(task.id, 'DONE');
});

it('can be stopped while it waits at its start', async () => {
  const orchestrator = await work.orchestrator();
  await work.server.goAway();
  const daemon = work.daemon({ orchestrators: [orchestrator.id] });
  const started = daemon.start();
  const refused = expect(started).rejects.toMatchObject({ code: 'STOPPED_WHILE_STARTING' });
  await until(() => work.log().includes('Waiting for the server'), 'the daemon to wait');
  await daemon.stop();
  await refused;
  expect(daemon.status()).toBe('stopped');
});

it('does not start with a token that is not taken, or for an orchestrator that is not there', async () => {
  const { createClient } = await import('@neolith/contracts');
  const orchestrator = await work.orchestrator();
  const client = createClient({ baseUrl: work.server.url, token: `${TOKEN}x` });
  await expect(work.daemon({ orchestrators: [orchestrator.id], client }).start()).rejects.toMatchObject({
    code: 'UNAUTHENTICATED',
  });
  const nobody = 'orch_01990000-0000-7000-8000-000000000000';
  await expect(work.daemon({ orchestrators: [nobody] }).start()).rejects.toMatchObject({
    code: 'ORCHESTRATOR_NOT_FOUND',
  });
});

it('refuses a name that a living daemon of this machine has', async () => {
  const orchestrator = await work.orchestrator();
  const name = work.uniqueName();
  const first = work.daemon({ orchestrators: [orchestrator.id], name });
  await first.start();
  await expect(work.daemon({ orchestrators: [orchestrator.id], name }).start()).rejects.toMatchObject({
    code: 'NAME_IN_USE',
  });
  await first.stop();
  const next = work.daemon({ orchestrators: [orchestrator.id], name });
  await next.start();
  expect(next.status()).toBe('active');
});

it('serves every orchestrator, also one that comes later', async () => {
  const daemon = work.daemon({ orchestrators: 'all', refreshMs: 100 });
  await work.orchestrator();
  await daemon.start();
  const late = await work.orchestrator();
  const task = await work.task(late);
  await work.untilStatus(task.id, 'DONE');
});
