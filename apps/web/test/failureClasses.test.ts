import { expect, test } from 'vitest';
import { serverFixture } from './support/serverFixture';

const fixture = serverFixture();

// The library's half, with lost leases too: packages/work-engine/test/failureClasses.test.ts.
test.each([
  [['task', 'task'], 'FAILED', 'attempts'],
  [['agent', 'agent'], 'FAILED', 'attempts'],
  [['provider', 'provider'], 'TODO', null],
  [['provider', 'provider', 'provider'], 'FAILED', 'provider'],
  [['infrastructure', 'infrastructure', 'infrastructure'], 'FAILED', 'infrastructure'],
  [['provider', 'infrastructure', 'task', 'provider', 'infrastructure'], 'TODO', null],
] as const)(
  'over HTTP: %j leave a task that may fail twice %s, spent: %s',
  async (classes, status, spent) => {
    const tenant = await fixture.tenant();
    const client = await tenant.client('write', 'work');
    const { id } = await client.createOrchestrator({
      body: { name: 'Runner', role: 'Engineer', discipline: 'Engineering' },
    });
    const { tasks } = await client.createTasks({
      body: { tasks: [{ title: 'Fails', orchestratorId: id, maxAttempts: 2, backoff: { baseSeconds: 0 } }] },
    });
    const taskId = tasks[0]?.id ?? '';
    for (const [n, failureClass] of classes.entries()) {
      const { claims } = await client.claimTasks({ params: { id }, body: { requestId: `claim-${n}` } });
      await client.completeTask({
        params: { id: taskId },
        body: { status: 'failed', error: 'Red', failureClass, attemptId: claims[0]?.attempt.id ?? '' },
      });
    }
    const task = await client.getTask({ params: { id: taskId } });
    expect(task).toMatchObject({
      status,
      attemptCount: classes.length,
      backoff: { baseSeconds: 0 },
      retryBackoff: { baseSeconds: 0, factor: 2, capSeconds: 600 },
    });
    expect(task.attempts.map((attempt) => attempt.failureClass).toReversed()).toEqual([...classes]);
    const { deadLetters } = await client.listDeadLetters({ query: { orchestratorId: id } });
    expect(deadLetters.map((letter) => letter.spent)).toEqual(spent === null ? [] : [spent]);
  },
);

test('over HTTP waits are set with tasks and runs, changed, and refused by name', async () => {
  const tenant = await fixture.tenant();
  const client = await tenant.client('write', 'work');
  const run = await client.createRun({
    body: {
      name: 'Waits',
      config: { backoff: { baseSeconds: 30, factor: 3 } },
      tasks: [{ title: 'Own', backoff: { capSeconds: 90 } }],
    },
  });
  expect(run.config.backoff).toEqual({ baseSeconds: 30, factor: 3, capSeconds: 600 });
  const { tasks } = await client.listTasks({ query: { runId: run.id } });
  const params = { id: tasks[0]?.id ?? '' };
  expect((await client.getTask({ params })).retryBackoff).toEqual({
    baseSeconds: 30,
    factor: 3,
    capSeconds: 90,
  });
  await client.updateTask({ params, body: { backoff: null } });
  await client.updateRun({ params: { id: run.id }, body: { config: { backoff: { factor: 1 } } } });
  expect((await client.getTask({ params })).retryBackoff).toEqual({
    baseSeconds: 30,
    factor: 1,
    capSeconds: 600,
  });
  await expect(client.updateTask({ params, body: { backoff: { factor: 0 } } })).rejects.toMatchObject({
    code: 'INVALID_INPUT',
    message: expect.stringContaining('backoff.factor'),
  });
});
