import type { ControlMessage } from '@neolith/contracts';
import { expect, onTestFinished, test } from 'vitest';
import { openStream } from './support/openStream';
import { serverFixture, type Tenant } from './support/serverFixture';
import { whenVisible } from './support/whenVisible';

const fixture = serverFixture();

async function running({ engine }: Tenant) {
  const { id: orchestratorId } = await engine.createOrchestrator({
    name: 'One',
    role: 'Engineer',
    discipline: 'Engineering',
    maxConcurrentTasks: 10,
  });
  await engine.createTasks(Array.from({ length: 4 }, (_, index) => ({ title: `${index}`, orchestratorId })));
  const daemons = [];
  for (const name of ['first', 'second']) {
    const daemon = await engine.registerDaemon({
      name,
      host: 'h',
      version: '1',
      slots: 2,
      orchestratorIds: [orchestratorId],
    });
    const { claims } = await engine.claimNextTask(orchestratorId, {
      daemonId: daemon.id,
      max: 2,
      leaseSeconds: 600,
    });
    daemons.push({ id: daemon.id, claims });
  }
  return daemons as [(typeof daemons)[0], (typeof daemons)[0]];
}

async function control(token: string, daemonId: string) {
  const stream = await openStream(`${fixture.server.url}/api/v1/daemons/${daemonId}/control`, { token });
  onTestFinished(() => stream.close());
  return {
    ...stream,
    said: () => stream.messages.map(({ data }) => JSON.parse(data) as ControlMessage),
  };
}

test('a cancel reaches the daemon of the attempt within a second, and no other daemon', async () => {
  const tenant = await fixture.tenant();
  const [first, second] = await running(tenant);
  const token = await tenant.token('work');
  const [ours, others] = [await control(token, first.id), await control(token, second.id)];
  const [task, attempt] = [first.claims[1]?.task.id ?? '', first.claims[1]?.attempt.id ?? ''];

  const client = await tenant.client('write');
  await client.cancelTask({ params: { id: task }, body: { reason: 'Not needed' } });
  const answered = await whenVisible(fixture.test);
  await ours.until((messages) => messages.length > 0);
  expect(performance.now() - answered).toBeLessThan(1_000);
  expect(ours.said()).toEqual([{ type: 'cancel', attemptId: attempt, taskId: task, reason: 'Not needed' }]);

  await client.cancelTask({ params: { id: second.claims[0]?.task.id ?? '' }, body: {} });
  await others.until((messages) => messages.length > 0);
  expect(others.said()).toHaveLength(1);
  expect(ours.said()).toHaveLength(1);
});

test('stopping a run reaches every daemon that works on it within a second, with the reason', async () => {
  const tenant = await fixture.tenant();
  const client = await tenant.client('write', 'work');
  const { id: orchestratorId } = await tenant.engine.createOrchestrator({
    name: 'Two',
    role: 'Engineer',
    discipline: 'Engineering',
    maxConcurrentTasks: 10,
  });
  const run = await client.createRun({
    body: {
      name: 'Stopped',
      orchestratorId,
      config: { maxConcurrentTasks: 10 },
      tasks: Array.from({ length: 5 }, (_, index) => ({ title: `${index}` })),
    },
  });
  const params = { id: run.id };
  await client.startRun({ params, body: {} });
  const token = await tenant.token('work');
  const hands = [];
  for (const name of ['first', 'second']) {
    const daemon = await tenant.engine.registerDaemon({
      name,
      host: 'h',
      version: '1',
      slots: 2,
      orchestratorIds: [orchestratorId],
    });
    const { claims } = await client.claimTasks({
      params: { id: orchestratorId },
      body: { daemonId: daemon.id, requestId: name, max: 2, leaseSeconds: 600 },
    });
    hands.push({ claims, stream: await control(token, daemon.id) });
  }
  await client.pauseRun({ params, body: {} });
  const stopped = await client.stopRun({ params, body: { reason: 'Wrong plan' } });
  const answered = await whenVisible(fixture.test);
  expect(stopped.status).toBe('CANCELLED');
  for (const { stream } of hands) await stream.until((messages) => messages.length >= 2);
  expect(performance.now() - answered).toBeLessThan(1_000);
  for (const { claims, stream } of hands) {
    const expected = claims.map(({ attempt, task }) => ({
      type: 'cancel',
      attemptId: attempt.id,
      taskId: task.id,
      reason: 'Wrong plan',
    }));
    const byAttempt = (a: { attemptId?: string }, b: { attemptId?: string }) =>
      (a.attemptId ?? '').localeCompare(b.attemptId ?? '');
    expect((stream.said() as { attemptId?: string }[]).sort(byAttempt)).toEqual(expected.sort(byAttempt));
    for (const { attempt } of claims) {
      const settled = await client.confirmCancelled({ params: { id: attempt.id } });
      expect(settled.status).toBe('CANCELLED');
    }
  }
  expect(await client.getRun({ params })).toMatchObject({
    counts: { total: 5, cancelled: 5, inProgress: 0 },
  });
});

test('a daemon that connects is told of the cancels that were requested before', async () => {
  const tenant = await fixture.tenant();
  const [first] = await running(tenant);
  for (const { task } of first.claims) await tenant.engine.cancelTask(task.id);
  const stream = await control(await tenant.token('work'), first.id);
  await stream.until((messages) => messages.length >= 2);
  expect(
    stream
      .said()
      .map((message) => message.type === 'cancel' && message.attemptId)
      .sort(),
  ).toEqual(first.claims.map(({ attempt }) => attempt.id).sort());
});

test('a server that ends closes its streams and exits with 0', async () => {
  const tenant = await fixture.tenant();
  const [first] = await running(tenant);
  const stream = await control(await tenant.token('work'), first.id);
  const begun = performance.now();
  expect(await fixture.server.stop()).toBe(0);
  expect(performance.now() - begun).toBeLessThan(5_000);
  expect(stream.ended()).toBe(true);
});
