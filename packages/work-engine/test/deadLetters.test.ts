import { expect, test } from 'vitest';
import { createFixture } from './support/engineFixture.js';
import { claimAll, codeOf, diamond, expectNoDrift, independent, startedRun } from './support/runs.js';

const fixture = createFixture();

/** Fails a task of an orchestrator until it is parked; returns how many attempts that took. */
async function park(
  orchestrator: { id: string },
  failure: { failureClass?: 'task' | 'provider' | 'infrastructure' },
) {
  const task = await fixture.task(orchestrator);
  for (let attempts = 1; ; attempts += 1) {
    const execution = await fixture.engine.executeTask(orchestrator.id, task.id);
    if (execution.status !== 'in_progress') throw new Error(execution.error);
    const settled = await fixture.engine.completeTask(task.id, {
      status: 'failed',
      error: `Red ${attempts}`,
      ...failure,
      metrics: { agent: 'claude' },
    });
    if (settled.status === 'FAILED') return { task, attempts };
    if (attempts > 10) throw new Error('It is never parked');
    // Each failure waits by chance: at most as long as the budget's steps say.
    const waits = ((settled.availableAt as Date).getTime() - settled.settledAt.getTime()) / 1_000;
    expect(waits).toBeGreaterThanOrEqual(0);
    expect(waits).toBeLessThanOrEqual(10 * 2 ** (attempts - 1));
    fixture.clock.now = new Date((settled.availableAt as Date).getTime() + 1);
  }
}

async function loseThrice(orchestrator: { id: string }) {
  const task = await fixture.task(orchestrator);
  fixture.clock.now = new Date();
  for (let lost = 1; lost <= 3; lost += 1) {
    await fixture.engine.executeTask(orchestrator.id, task.id, { leaseSeconds: 30 });
    fixture.clock.advanceSeconds(31);
    await fixture.engine.sweepExpiredLeases();
  }
  return task;
}

test('each kind of failure has a budget of its own, and what spent it is told with the reason', async () => {
  const orchestrator = await fixture.orchestrator();
  fixture.clock.now = new Date();
  const own = await park(orchestrator, {});
  const provider = await park(orchestrator, { failureClass: 'provider' });
  const ground = await park(orchestrator, { failureClass: 'infrastructure' });
  const lost = await loseThrice(orchestrator);
  expect([own.attempts, provider.attempts, ground.attempts]).toEqual([3, 3, 3]);
  const { deadLetters, nextCursor } = await fixture.engine.listDeadLetters({
    orchestratorId: orchestrator.id,
  });
  expect(nextCursor).toBeNull();
  expect(deadLetters.map(({ task, spent, failureClass }) => [task.id, spent, failureClass])).toEqual([
    [lost.id, 'lost', null],
    [ground.task.id, 'infrastructure', 'infrastructure'],
    [provider.task.id, 'provider', 'provider'],
    [own.task.id, 'attempts', 'task'],
  ]);
  expect(deadLetters[0]?.reason).toContain('lease ran out');
  expect(deadLetters[3]).toMatchObject({ reason: 'Red 3', agent: 'claude', parkedAt: expect.any(Date) });
  // The full history stays with it.
  expect((await fixture.engine.getTask(own.task.id)).attempts.map(({ error }) => error)).toEqual([
    'Red 3',
    'Red 2',
    'Red 1',
  ]);
  // Mixed failures spend no budget of another kind.
  expect((await fixture.engine.getTask(provider.task.id)).failureCount).toBe(0);
  fixture.clock.now = null;
});

test('they are listed page by page, of a run or all of them, and never those of another workspace', async () => {
  const { run, orchestratorId } = await startedRun(fixture, independent(7), {
    failurePolicy: 'continue',
  });
  const owned = await claimAll(fixture, orchestratorId, run.id);
  for (const { taskId, attemptId } of owned) {
    await fixture.engine.updateTask(taskId, { maxAttempts: 1 });
    await fixture.engine.completeTask(taskId, { status: 'failed', error: 'Red', attemptId });
  }
  for (const filter of [{ runId: run.id }, { orchestratorId }]) {
    const seen: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await fixture.engine.listDeadLetters({ ...filter, limit: 3, cursor });
      expect(page.deadLetters.length).toBeLessThanOrEqual(3);
      seen.push(...page.deadLetters.map(({ task }) => task.id));
      cursor = page.nextCursor ?? undefined;
    } while (cursor !== undefined);
    expect(seen).toHaveLength(7);
    expect(new Set(seen)).toEqual(new Set(owned.map(({ taskId }) => taskId)));
  }
  expect(await codeOf(fixture.engine.listDeadLetters({ cursor: 'yesterday' }))).toBe('INVALID_CURSOR');
  const { engine } = await fixture.foreign();
  expect((await engine.listDeadLetters()).deadLetters).toEqual([]);
  expect(await engine.redriveDeadLetters({ runId: run.id })).toEqual({
    redriven: [],
    refused: [],
    more: false,
  });
});

test('they are redriven one by one or in bulk, with budgets afresh; one that is refused holds up none', async () => {
  const { run, orchestratorId } = await startedRun(fixture, independent(4), { failurePolicy: 'continue' });
  const owned = await claimAll(fixture, orchestratorId, run.id);
  for (const { taskId, attemptId } of owned.slice(0, 3)) {
    await fixture.engine.updateTask(taskId, { maxAttempts: 1 });
    await fixture.engine.completeTask(taskId, { status: 'failed', error: 'Red', attemptId });
  }
  const [first, second, third, running] = owned.map(({ taskId }) => taskId) as [
    string,
    string,
    string,
    string,
  ];
  const some = await fixture.engine.redriveDeadLetters({ taskIds: [first, running, first] });
  expect(some).toMatchObject({ redriven: [first], more: false });
  expect(some.refused).toMatchObject([{ taskId: running, code: 'INVALID_TRANSITION' }]);
  expect(await fixture.engine.getTask(first)).toMatchObject({ status: 'TODO', failureCount: 0 });
  const rest = await fixture.engine.redriveDeadLetters({ runId: run.id });
  expect(new Set(rest.redriven)).toEqual(new Set([second, third]));
  expect((await fixture.engine.listDeadLetters({ runId: run.id })).deadLetters).toEqual([]);
  for (const request of [{}, { all: true as const, runId: run.id }, { taskIds: [first], runId: run.id }])
    expect(await codeOf(fixture.engine.redriveDeadLetters(request))).toBe('INVALID_INPUT');
  await expectNoDrift(fixture);
});

test('a part of a run is done again: a task and whatever depends on it, also what was done', async () => {
  const { run, byTitle, orchestratorId } = await startedRun(fixture, [...diamond, { title: 'E' }]);
  const idOf = (title: string) => byTitle.get(title)?.id ?? '';
  const complete = async () => {
    for (const { taskId, attemptId } of await claimAll(fixture, orchestratorId, run.id))
      await fixture.engine.completeTask(taskId, { status: 'completed', attemptId });
  };
  const statuses = async () =>
    Object.fromEntries(
      (await fixture.engine.listTasks({ runId: run.id, limit: 500 })).tasks.map(({ title, status }) => [
        title,
        status,
      ]),
    );
  await complete();
  await complete();
  const [last] = await claimAll(fixture, orchestratorId, run.id);
  // D, which depends on it, is being worked on.
  expect(await codeOf(fixture.engine.retryRun(run.id, { taskId: idOf('B') }))).toBe('TASK_HAS_ATTEMPT');
  await fixture.engine.updateTask(last?.taskId ?? '', { maxAttempts: 1 });
  await fixture.engine.completeTask(last?.taskId ?? '', {
    status: 'failed',
    error: 'Red',
    attemptId: last?.attemptId,
  });
  expect((await fixture.engine.getRun(run.id)).status).toBe('FAILED');
  const retried = await fixture.engine.retryRun(run.id, { taskId: idOf('B'), reason: 'B was wrong' });
  expect(retried).toMatchObject({ status: 'RUNNING', counts: { done: 3, todo: 1, blocked: 1, failed: 0 } });
  expect(await statuses()).toEqual({ A: 'DONE', B: 'TODO', C: 'DONE', D: 'BLOCKED', E: 'DONE' });
  await expectNoDrift(fixture);
  const { events } = await fixture.engine.getRunHistory(run.id, { limit: 500 });
  expect(events.filter(({ type }) => type === 'run.retried')[0]?.data).toMatchObject({
    reason: 'B was wrong',
  });
  await complete();
  await complete();
  expect((await fixture.engine.getRun(run.id)).status).toBe('SUCCEEDED');
  expect(await codeOf(fixture.engine.retryRun(run.id, { taskId: idOf('B') }))).toBe('RUN_ENDED');
});

test('a part that is retried in a run in quarantine is ready, and the run waits for a person still', async () => {
  const { engine } = fixture;
  const { run, orchestratorId } = await startedRun(fixture, independent(4), {
    failureThreshold: { consecutive: 2 },
  });
  const claims = await claimAll(fixture, orchestratorId, run.id);
  for (const { taskId, attemptId } of claims.slice(0, 2)) {
    await engine.updateTask(taskId, { maxAttempts: 1 });
    await engine.completeTask(taskId, { status: 'failed', error: 'Red', attemptId });
  }
  expect((await engine.getRun(run.id)).status).toBe('QUARANTINED');
  const [first] = claims;
  const retried = await engine.retryRun(run.id, { taskId: first?.taskId as string });
  expect(retried).toMatchObject({ status: 'QUARANTINED', counts: { failed: 1 } });
  expect((await engine.getTask(first?.taskId as string)).status).toBe('TODO');
  expect(await claimAll(fixture, orchestratorId, run.id)).toEqual([]);
  expect((await engine.releaseRun(run.id)).status).toBe('RUNNING');
  expect((await claimAll(fixture, orchestratorId, run.id)).map(({ taskId }) => taskId)).toContain(
    first?.taskId,
  );
  await expectNoDrift(fixture);
});

test('what waits in another run for a task that is done again waits again, and is not run over', async () => {
  const { run, byTitle, orchestratorId } = await startedRun(fixture, [
    { key: 'a', title: 'A' },
    { title: 'Z' },
  ]);
  const a = byTitle.get('A')?.id ?? '';
  const elsewhere = await startedRun(fixture, [{ title: 'X' }]);
  const x = elsewhere.byTitle.get('X')?.id ?? '';
  await fixture.engine.addDependency(x, a);
  const owned = await claimAll(fixture, orchestratorId, run.id);
  const attemptOfA = owned.find(({ title }) => title === 'A')?.attemptId;
  await fixture.engine.completeTask(a, { status: 'completed', attemptId: attemptOfA });
  expect((await fixture.engine.getTask(x)).status).toBe('TODO');
  await fixture.engine.retryRun(run.id, { taskId: a });
  expect(await fixture.engine.getTask(x)).toMatchObject({ status: 'BLOCKED', waitsFor: [{ id: a }] });
  await expectNoDrift(fixture);
  const [again] = await claimAll(fixture, orchestratorId, run.id);
  await fixture.engine.completeTask(a, { status: 'completed', attemptId: again?.attemptId });
  await claimAll(fixture, elsewhere.orchestratorId, elsewhere.run.id);
  expect(await codeOf(fixture.engine.retryRun(run.id, { taskId: a }))).toBe('DEPENDENT_STARTED');
  expect((await fixture.engine.getTask(a)).status).toBe('DONE');
  expect(await codeOf(fixture.engine.retryRun(run.id, { taskId: x }))).toBe('TASK_NOT_FOUND');
  await expectNoDrift(fixture);
});

test('a place in the list that it never gave is refused, whatever date JavaScript reads in it', async () => {
  const orchestrator = await fixture.orchestrator();
  fixture.clock.now = new Date();
  const { task } = await park(orchestrator, {});
  for (const time of ['-200000-01-01T00:00:00.000Z', '+275000-01-01T00:00:00.000Z', '2026', 'x', '']) {
    const filter = { orchestratorId: orchestrator.id, cursor: `${time}~${task.id}` };
    expect([time, await codeOf(fixture.engine.listDeadLetters(filter))]).toEqual([time, 'INVALID_CURSOR']);
  }
  const after = new Date(fixture.clock.now.getTime() + 1_000).toISOString();
  const { deadLetters } = await fixture.engine.listDeadLetters({
    orchestratorId: orchestrator.id,
    cursor: `${after}~${task.id}`,
  });
  expect(deadLetters.map(({ task: { id } }) => id)).toEqual([task.id]);
});
