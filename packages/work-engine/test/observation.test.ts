import { expect, test } from 'vitest';
import { createWorkEngine, type Observation } from '../src/index.js';
import { createFixture } from './support/engineFixture.js';

const fixture = createFixture();

test('claims, endings and losses are told as numbers and closed words, each once', async () => {
  const seen: Observation[] = [];
  const orchestrator = await fixture.orchestrator({ maxConcurrentTasks: 5 });
  const engine = createWorkEngine({ ...fixture.test.database, observe: (one) => seen.push(one) });
  const clock = { now: null as Date | null };
  const later = createWorkEngine({
    ...fixture.test.database,
    clock: () => clock.now as Date,
    observe: (one) => seen.push(one),
  });
  try {
    for (let n = 0; n < 3; n += 1) await fixture.task(orchestrator, { maxAttempts: 1 });
    const requestId = 'claim-1';
    const { claims } = await engine.claimNextTask(orchestrator.id, { max: 3, requestId });
    // The same claim again hands nothing out.
    await engine.claimNextTask(orchestrator.id, { max: 3, requestId });
    await engine.claimNextTask(orchestrator.id);
    const [done, failed, lost] = claims;
    if (done === undefined || failed === undefined || lost === undefined)
      throw new Error('Three were claimed');
    const completion = { status: 'completed', attemptId: done.attempt.id } as const;
    await engine.completeTask(done.task.id, completion);
    await engine.completeTask(done.task.id, completion);
    await engine.completeTask(failed.task.id, {
      status: 'failed',
      attemptId: failed.attempt.id,
      error: 'quota',
      failureClass: 'provider',
    });
    clock.now = new Date(Date.now() + 3_600_000);
    const report = await later.sweepExpiredLeases();
    expect(report.lost.map(({ taskId }) => taskId)).toEqual([lost.task.id]);

    const claimed = seen.filter((one) => one.kind === 'claim');
    expect(claimed.map(({ tasks, reason }) => [tasks, reason])).toEqual([
      [3, null],
      [0, null],
      [0, 'NOTHING_ELIGIBLE'],
    ]);
    for (const { seconds } of claimed) expect(seconds).toBeGreaterThan(0);
    const ended = seen.filter((one) => one.kind === 'attempt_ended');
    const seconds = expect.any(Number);
    expect(ended).toEqual([
      { kind: 'attempt_ended', status: 'SUCCEEDED', failureClass: null, seconds },
      { kind: 'attempt_ended', status: 'FAILED', failureClass: 'provider', seconds },
      { kind: 'attempt_ended', status: 'LOST', failureClass: null, seconds },
    ]);
    const [short = -1, , long = -1] = ended.map((one) => one.seconds);
    expect(short).toBeLessThan(60);
    expect(Math.abs(long - 3_600)).toBeLessThan(60);
    const [attempt] = (await engine.getTask(done.task.id)).attempts;
    expect(short).toBeCloseTo(
      ((attempt?.endedAt?.getTime() ?? 0) - (attempt?.claimedAt.getTime() ?? 0)) / 1_000,
      1,
    );
    // It had one try, and a fault of its provider is no try: nobody has to look at any of them.
    expect(seen.filter((one) => one.kind === 'task_parked')).toEqual([]);
    const poison = await fixture.task(orchestrator, { maxAttempts: 1 });
    const [last] = (
      await engine.claimNextTask(orchestrator.id, {
        criteria: { excludeTaskIds: [failed.task.id, lost.task.id] },
      })
    ).claims;
    expect(last?.task.id).toBe(poison.id);
    await engine.completeTask(poison.id, { status: 'failed', error: 'no', attemptId: last?.attempt.id });
    expect(seen.filter((one) => one.kind === 'task_parked')).toHaveLength(1);
  } finally {
    await engine.close();
    await later.close();
  }
});

test('an observer that throws breaks nothing, and its fault is told', async () => {
  const faults: unknown[] = [];
  const orchestrator = await fixture.orchestrator();
  await fixture.task(orchestrator);
  const engine = createWorkEngine({
    ...fixture.test.database,
    onError: (error) => faults.push(error),
    observe: () => {
      throw new Error('broken observer');
    },
  });
  try {
    expect((await engine.claimNextTask(orchestrator.id)).claims).toHaveLength(1);
    expect(faults).toEqual([new Error('broken observer')]);
  } finally {
    await engine.close();
  }
});

test('queue figures say how much waits with whom and for how long; who is not named is in one sum', async () => {
  const { engine: other } = await fixture.foreign();
  const clock = fixture.clock;
  const first = await fixture.orchestrator();
  const second = await fixture.orchestrator();
  const begun = await fixture.task(first);
  await fixture.task(first, { dependsOn: [begun.id] });
  await fixture.task(first, { availableAt: new Date(Date.now() + 7_200_000) });
  await fixture.task(second);
  await fixture.engine.claimNextTask(second.id);
  clock.now = new Date(Date.now() + 600_000);
  try {
    const { queues } = await fixture.engine.readQueueFigures();
    const of = (id: string) => queues.find(({ orchestratorId }) => orchestratorId === id);
    expect(of(first.id)).toMatchObject({ name: first.name, ready: 1, delayed: 1, blocked: 1, running: 0 });
    expect(of(first.id)?.oldestReadySeconds).toBeGreaterThan(590);
    expect(of(first.id)?.oldestReadySeconds).toBeLessThan(620);
    expect(of(second.id)).toMatchObject({ ready: 0, running: 1, oldestReadySeconds: 0 });

    const summed = await fixture.engine.readQueueFigures({ named: 0 });
    expect(summed.queues).toHaveLength(1);
    expect(summed.queues[0]).toMatchObject({ orchestratorId: null, name: null, blocked: 1, delayed: 1 });
    // Another workspace's are its own.
    const foreign = await other.readQueueFigures();
    expect(foreign.queues.map(({ ready }) => ready)).toEqual([1]);
    expect(queues.some(({ orchestratorId }) => orchestratorId === foreign.queues[0]?.orchestratorId)).toBe(
      false,
    );
  } finally {
    clock.now = null;
  }
});

test('of a run that is paused nothing counts as waiting too long', async () => {
  const orchestrator = await fixture.orchestrator();
  const run = await fixture.engine.createRun({
    name: 'Held',
    orchestratorId: orchestrator.id,
    tasks: [{ title: 'One' }],
  });
  await fixture.engine.startRun(run.id);
  const age = async () => {
    const { queues, runs } = await fixture.engine.readQueueFigures();
    const own = queues.find(({ orchestratorId }) => orchestratorId === orchestrator.id);
    return { ready: own?.ready, seconds: own?.oldestReadySeconds, runs };
  };
  fixture.clock.now = new Date(Date.now() + 60_000);
  try {
    expect((await age()).seconds).toBeGreaterThan(50);
    await fixture.engine.pauseRun(run.id);
    expect(await age()).toEqual({ ready: 1, seconds: 0, runs: { PAUSED: 1 } });
  } finally {
    fixture.clock.now = null;
  }
});

test('what waits is seen behind however many older tasks of runs that hand nothing out', async () => {
  const orchestrator = await fixture.orchestrator();
  const { engine } = fixture;
  const held = await engine.createRun({
    name: 'Held',
    orchestratorId: orchestrator.id,
    tasks: Array.from({ length: 1_050 }, (_, n) => ({ title: `H${n}` })),
  });
  await engine.startRun(held.id);
  await engine.pauseRun(held.id);
  const age = async () => {
    const { queues } = await engine.readQueueFigures();
    return queues.find(({ orchestratorId }) => orchestratorId === orchestrator.id)?.oldestReadySeconds;
  };
  const start = Date.now();
  try {
    fixture.clock.now = new Date(start + 100_000);
    expect(await age()).toBe(0);
    const open = await engine.createRun({
      name: 'Open',
      orchestratorId: orchestrator.id,
      tasks: [{ title: 'Due', dueAt: new Date(start + 500_000_000) }],
    });
    await engine.startRun(open.id);
    fixture.clock.now = new Date(start + 150_000);
    expect(await age()).toBeCloseTo(50, 0);
    await engine.pauseRun(open.id);
    expect(await age()).toBe(0);
    // In no run, of the lowest priority.
    await fixture.task(orchestrator, { priority: 'LOW' });
    fixture.clock.now = new Date(start + 170_000);
    expect(await age()).toBeCloseTo(20, 0);
    await engine.resumeRun(open.id);
    expect(await age()).toBeCloseTo(70, 0);
  } finally {
    fixture.clock.now = null;
  }
});

test('runs that wait for a person, and open tasks of nobody, are counted', async () => {
  const { engine } = await fixture.foreign();
  const before = await engine.readQueueFigures();
  expect([before.runs.QUARANTINED ?? 0, before.unassigned]).toEqual([0, 0]);
  const orchestrator = await engine.createOrchestrator({ name: 'Q', role: 'r', discipline: 'd' });
  const run = await engine.createRun({
    name: 'Fails',
    orchestratorId: orchestrator.id,
    config: { failurePolicy: 'quarantine', failureThreshold: { consecutive: 1 } },
    tasks: [{ title: 'One', maxAttempts: 1 }, { title: 'Two' }],
  });
  await engine.startRun(run.id);
  const { claims } = await engine.claimNextTask(orchestrator.id, { criteria: { runId: run.id } });
  const [claim] = claims;
  await engine.completeTask(claim?.task.id as string, {
    status: 'failed',
    error: 'Red',
    attemptId: claim?.attempt.id,
  });
  expect((await engine.getRun(run.id)).status).toBe('QUARANTINED');
  const [first] = await engine.createTasks([
    { key: 'a', title: 'Ready' },
    { title: 'Blocked', dependsOn: ['a'] },
    { title: 'Delayed', availableAt: new Date(Date.now() + 3_600_000) },
  ]);
  expect(first?.orchestratorId).toBeNull();
  const after = await engine.readQueueFigures();
  expect([after.runs.QUARANTINED, after.unassigned]).toEqual([1, 3]);
  expect((await engine.readQueueFigures({ depthLimit: 0 })).unassigned).toBe(0);
});

test('figures tell of breakers, of what is held and of who waits for it, and a deadlock that is broken is counted', async () => {
  const { engine: other } = await fixture.foreign();
  const seen: Observation[] = [];
  const watched = createWorkEngine({ ...fixture.test.database, observe: (one) => seen.push(one) });
  const orchestrator = await fixture.orchestrator({ maxConcurrentTasks: 5 });
  await fixture.engine.forceBreaker({
    agent: 'claude',
    provider: 'anthropic',
    to: 'open',
    reason: 'by hand',
  });
  try {
    const attempts: string[] = [];
    for (const resource of ['port:1', 'port:2']) {
      await fixture.task(orchestrator, { resources: [resource] });
      const { claims } = await watched.claimNextTask(orchestrator.id);
      attempts.push(claims[0]?.attempt.id as string);
    }
    const [one = '', two = ''] = attempts;
    await watched.acquireResources(one, { resources: ['port:2'] });
    const figures = await fixture.engine.readQueueFigures();
    expect(figures.breakers).toEqual([{ agent: 'claude', provider: 'anthropic', status: 'open' }]);
    expect(figures.resources).toMatchObject({ held: 2, attemptsWaiting: 1, tasksWaiting: 0 });
    expect(figures.resources.oldestWaitSeconds).toBeGreaterThanOrEqual(0);
    expect(await other.readQueueFigures()).toMatchObject({
      breakers: [],
      resources: { held: 0, attemptsWaiting: 0, tasksWaiting: 0, oldestWaitSeconds: 0 },
    });
    expect(seen.filter(({ kind }) => kind === 'deadlock_broken')).toEqual([]);
    await watched.acquireResources(two, { resources: ['port:1'] }).catch((error: { code: string }) => {
      expect(error.code).toBe('RESOURCE_DEADLOCK');
    });
    expect(seen.filter(({ kind }) => kind === 'deadlock_broken')).toHaveLength(1);
  } finally {
    await watched.close();
  }
});
