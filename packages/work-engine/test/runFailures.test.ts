import { afterEach, describe, expect, test } from 'vitest';
import type { NewTask } from '../src/index.js';
import { createFixture } from './support/engineFixture.js';
import { claimAll, codeOf, diamond, expectNoDrift, independent, startedRun } from './support/runs.js';

const fixture = createFixture();

afterEach(async () => {
  fixture.clock.now = null;
  await expectNoDrift(fixture);
});

const once = (tasks: readonly NewTask[]): NewTask[] => tasks.map((task) => ({ ...task, maxAttempts: 1 }));

async function fail(claim: { taskId: string; attemptId: string } | undefined): Promise<void> {
  await fixture.engine.failTask(claim?.taskId as string, { error: 'no', attemptId: claim?.attemptId });
}

describe('what becomes of dependents when a prerequisite fails', () => {
  test('block: they stay BLOCKED, and the run fails when nothing else is left', async () => {
    const { engine } = fixture;
    const { run, orchestratorId, byTitle } = await startedRun(fixture, once([...diamond, ...independent(1)]));
    const [a, t] = await claimAll(fixture, orchestratorId, run.id);
    await fail(a);
    expect((await engine.getRun(run.id)).status).toBe('RUNNING');
    await engine.completeTask(t?.taskId as string, { status: 'completed', attemptId: t?.attemptId });
    expect(await engine.getRun(run.id)).toMatchObject({
      status: 'FAILED',
      counts: { failed: 1, blocked: 3, done: 1 },
    });
    expect((await engine.getTask(byTitle.get('B')?.id as string)).waitsFor).toMatchObject([
      { title: 'A', status: 'FAILED' },
    ]);
    // A person tries it again: the run goes on.
    await engine.retryTask(byTitle.get('A')?.id as string);
    expect((await engine.getRun(run.id)).status).toBe('RUNNING');
    while ((await engine.executeStep(run.id, () => 1)) !== null);
    expect((await engine.getRun(run.id)).status).toBe('SUCCEEDED');
  });

  test('cancel: they and what depends on them are cancelled, with the reason', async () => {
    const { engine } = fixture;
    const { run, orchestratorId, byTitle } = await startedRun(fixture, once(diamond), {
      onPrerequisiteFailure: 'cancel',
    });
    await fail((await claimAll(fixture, orchestratorId, run.id))[0]);
    expect(await engine.getRun(run.id)).toMatchObject({
      status: 'FAILED',
      counts: { failed: 1, cancelled: 3 },
    });
    const { events } = await engine.listTaskEvents(byTitle.get('D')?.id as string);
    expect(events.at(-1)).toMatchObject({ type: 'task.cancelled', from: 'BLOCKED', to: 'CANCELLED' });
  });

  test('release: they go on without it; when it is tried again those that have not begun wait again', async () => {
    const { engine } = fixture;
    const { run, orchestratorId, byTitle } = await startedRun(fixture, once(diamond), {
      onPrerequisiteFailure: 'release',
      maxConcurrentTasks: 1,
    });
    await fail((await claimAll(fixture, orchestratorId, run.id))[0]);
    const [b] = await claimAll(fixture, orchestratorId, run.id);
    expect(b?.title).toBe('B');
    await engine.retryTask(byTitle.get('A')?.id as string);
    expect((await engine.getTask(byTitle.get('C')?.id as string)).status).toBe('BLOCKED');
    expect((await engine.getTask(byTitle.get('B')?.id as string)).status).toBe('IN_PROGRESS');
    await engine.completeTask(b?.taskId as string, { status: 'completed', attemptId: b?.attemptId });
    while ((await engine.executeStep(run.id, () => 1)) !== null);
    expect(await engine.getRun(run.id)).toMatchObject({ status: 'SUCCEEDED', counts: { done: 4 } });
  });

  test('release, and the run is retried: those that have not begun wait again', async () => {
    const { engine } = fixture;
    const elsewhere = await fixture.orchestrator();
    const { run, orchestratorId, byTitle } = await startedRun(fixture, once(diamond), {
      onPrerequisiteFailure: 'release',
      failurePolicy: 'stop',
      failureThreshold: { consecutive: 1 },
    });
    const outside = await fixture.task(elsewhere, {
      dependsOn: [byTitle.get('A')?.id as string, byTitle.get('D')?.id as string],
    });
    const [a] = await claimAll(fixture, orchestratorId, run.id);
    await engine.failTask(a?.taskId as string, {
      error: 'no',
      attemptId: a?.attemptId,
      onPrerequisiteFailure: 'release',
    });
    expect((await engine.getRun(run.id)).status).toBe('FAILED');
    expect((await engine.getTask(byTitle.get('C')?.id as string)).status).toBe('TODO');
    expect((await engine.getTask(outside.id)).waitsFor.map(({ title }) => title)).toEqual(['D']);
    await engine.retryRun(run.id);
    for (const title of ['B', 'C', 'D'])
      expect((await engine.getTask(byTitle.get(title)?.id as string)).status).toBe('BLOCKED');
    expect((await engine.getTask(outside.id)).waitsFor.map(({ title }) => title).toSorted()).toEqual([
      'A',
      'D',
    ]);
    while ((await engine.executeStep(run.id, () => 1)) !== null);
    expect((await engine.getRun(run.id)).status).toBe('SUCCEEDED');
    expect((await engine.getTask(outside.id)).status).toBe('TODO');
  });

  test('what a cancel says of the dependents holds when its daemon confirms it, too', async () => {
    const { engine } = fixture;
    const { run, orchestratorId, byTitle } = await startedRun(fixture, diamond);
    const [a] = await claimAll(fixture, orchestratorId, run.id);
    await engine.cancelTask(a?.taskId as string, { onPrerequisiteFailure: 'release' });
    expect((await engine.getTask(byTitle.get('B')?.id as string)).status).toBe('BLOCKED');
    await engine.confirmCancelled(a?.attemptId as string);
    expect((await engine.getTask(byTitle.get('B')?.id as string)).status).toBe('TODO');
  });

  test('a prerequisite that is over already when it is named counts as one that ends now', async () => {
    const { engine } = fixture;
    for (const [onPrerequisiteFailure, status] of [
      ['block', 'BLOCKED'],
      ['cancel', 'CANCELLED'],
      ['release', 'TODO'],
    ] as const) {
      const { run, byTitle } = await startedRun(
        fixture,
        [
          { key: 'gone', title: 'Gone', status: 'CANCELLED' },
          { key: 'a', title: 'A', dependsOn: ['gone'] },
          { key: 'b', title: 'B' },
        ],
        { onPrerequisiteFailure },
      );
      expect((await engine.getTask(byTitle.get('A')?.id as string)).status).toBe(status);
      const late = await engine.createTask({
        title: 'Late',
        runId: run.id,
        dependsOn: [byTitle.get('Gone')?.id as string],
      });
      expect((await engine.getTask(late.id)).status).toBe(status);
      await engine.addDependency(byTitle.get('B')?.id as string, byTitle.get('Gone')?.id as string);
      expect((await engine.getTask(byTitle.get('B')?.id as string)).status).toBe(status);
    }
  });

  test('a stuck run of thousands is judged without walking it again for each of its tasks', async () => {
    const { engine } = fixture;
    const { run, orchestratorId } = await startedRun(
      fixture,
      [
        { key: 'ask', title: 'Ask' },
        ...Array.from({ length: 4_000 }, (_, n) => ({
          key: `${n}`,
          title: `T${n}`,
          maxAttempts: 1,
          dependsOn: n === 0 ? [] : [`${n - 1}`],
        })),
      ],
      { maxConcurrentTasks: 2 },
    );
    const claims = await claimAll(fixture, orchestratorId, run.id);
    const ask = claims.find(({ title }) => title === 'Ask');
    await engine.completeTask(ask?.taskId as string, { status: 'completed', attemptId: ask?.attemptId });
    const { pool } = fixture.test.database;
    // With a scan for each level it runs into the statement's time limit.
    await fail(claims.find(({ title }) => title === 'T0'));
    expect((await engine.getRun(run.id)).status).toBe('FAILED');
    const { rows } = await pool.query<{ answer: boolean }>('SELECT run_can_go_on($1, NULL) AS answer', [
      run.id.slice('run_'.length),
    ]);
    expect(rows[0]?.answer).toBe(false);
  });

  test('a call may say otherwise than the run', async () => {
    const { engine } = fixture;
    const { run, orchestratorId, byTitle } = await startedRun(fixture, diamond);
    const [a] = await claimAll(fixture, orchestratorId, run.id);
    await engine.completeTask(a?.taskId as string, { status: 'completed', attemptId: a?.attemptId });
    await engine.cancelTask(byTitle.get('B')?.id as string, { onPrerequisiteFailure: 'release' });
    const [c] = await claimAll(fixture, orchestratorId, run.id);
    await engine.completeTask(c?.taskId as string, { status: 'completed', attemptId: c?.attemptId });
    const [d] = await claimAll(fixture, orchestratorId, run.id);
    expect(d?.title).toBe('D');
    await engine.completeTask(d?.taskId as string, { status: 'completed', attemptId: d?.attemptId });
    // Everything but what was cancelled on purpose is done.
    expect(await engine.getRun(run.id)).toMatchObject({
      status: 'SUCCEEDED',
      counts: { done: 3, cancelled: 1 },
    });
  });

  test('a run whose rest waits for a task of a run that ended without it has failed, and says so', async () => {
    const { engine } = fixture;
    const first = await startedRun(fixture, once(independent(1)));
    const prerequisite = first.byTitle.get('T0')?.id as string;
    const second = await startedRun(fixture, [{ title: 'Waits', dependsOn: [prerequisite] }]);
    await engine.stopRun(first.run.id);
    await engine.sweepExpiredLeases();
    const run = await engine.getRun(second.run.id);
    expect(run.status).toBe('FAILED');
    expect(run.reason).toMatch(/1 task\(s\) wait for others/);
  });

  test('a run whose rest waits for a living task elsewhere, or for a person, goes on', async () => {
    const { engine } = fixture;
    const orchestrator = await fixture.orchestrator();
    const elsewhere = await fixture.task(orchestrator);
    const { run } = await startedRun(fixture, [
      { title: 'Waits', dependsOn: [elsewhere.id] },
      { key: 'r', title: 'Reported' },
    ]);
    const reported = (await engine.getReadyTasks(run.id))[0];
    await engine.blockTask(reported?.id as string, { reason: 'Which colour?' });
    await engine.sweepExpiredLeases();
    expect((await engine.getRun(run.id)).status).toBe('RUNNING');
    expect((await engine.getProgress(run.id)).waitingFor.join('\n')).toMatch(
      /wait for a person.*Which colour/,
    );
    await engine.cancelTask(reported?.id as string);
    const step = await engine.executeTask(orchestrator.id, elsewhere.id);
    await engine.completeTask(step.taskId, { status: 'completed' });
    expect((await engine.getReadyTasks(run.id)).map((task) => task.title)).toEqual(['Waits']);
  });
});

describe('when too much fails', () => {
  test('a provider that is away stops no run, as its breaker holds the work back; what it costs tasks counts', async () => {
    const { engine } = fixture;
    const { run, orchestratorId } = await startedRun(fixture, independent(8), {
      failureThreshold: { consecutive: 2, minAttempts: 4 },
      maxConcurrentTasks: 8,
    });
    const end = async (
      claim: { taskId: string; attemptId: string } | undefined,
      failureClass: 'provider' | 'infrastructure',
    ) => {
      const { taskId, attemptId } = claim as { taskId: string; attemptId: string };
      await engine.completeTask(taskId, { status: 'failed', failureClass, error: '529', attemptId });
    };
    const claims = await claimAll(fixture, orchestratorId, run.id);
    for (const claim of claims.slice(0, 6)) await end(claim, 'provider');
    expect(await engine.getRun(run.id)).toMatchObject({ status: 'RUNNING', failuresInRow: 0 });
    // Any other failure counts, and so does a task that is parked.
    await end(claims[6], 'infrastructure');
    expect((await engine.getRun(run.id)).failuresInRow).toBe(1);
    for (let time = 2; time <= 3; time += 1) {
      const again = await engine.executeTask(orchestratorId, claims[0]?.taskId as string);
      if (again.status !== 'in_progress') throw new Error(again.error);
      expect((await engine.getRun(run.id)).status).toBe('RUNNING');
      await end(again, 'provider');
    }
    expect((await engine.getTask(claims[0]?.taskId as string)).status).toBe('FAILED');
    expect(await engine.getRun(run.id)).toMatchObject({
      status: 'QUARANTINED',
      reason: '2 attempts failed in a row',
    });
  });

  test('a run in quarantine hands out nothing, keeps what it has, and goes on when it is released', async () => {
    const { engine } = fixture;
    const { run, orchestratorId } = await startedRun(fixture, once(independent(9)), {
      failureThreshold: { consecutive: 3 },
      maxConcurrentTasks: 4,
    });
    const claims = await claimAll(fixture, orchestratorId, run.id);
    await fail(claims[0]);
    await fail(claims[1]);
    expect((await engine.getRun(run.id)).status).toBe('RUNNING');
    await fail(claims[2]);
    const quarantined = await engine.getRun(run.id);
    expect(quarantined).toMatchObject({ status: 'QUARANTINED', reason: '3 attempts failed in a row' });
    expect(await claimAll(fixture, orchestratorId, run.id)).toEqual([]);
    expect(await engine.renewLease(claims[3]?.attemptId as string)).toMatchObject({
      owned: true,
      runPaused: true,
    });
    expect(await engine.releaseRun(run.id)).toMatchObject({
      status: 'RUNNING',
      failuresInRow: 0,
      reason: null,
    });
    expect((await claimAll(fixture, orchestratorId, run.id)).length).toBe(3);
  });

  test.each([
    { way: 'released', status: 'RUNNING', next: ['T4', 'T5'] },
    { way: 'retried', status: 'RUNNING', next: ['T0', 'T1', 'T2', 'T4', 'T5'] },
    { way: 'stopped', status: 'CANCELLED', next: [] },
  ] as const)('only a person ends a quarantine: $way', async ({ way, status, next }) => {
    const { engine } = fixture;
    const { run, orchestratorId, byTitle } = await startedRun(fixture, once(independent(6)), {
      failureThreshold: { consecutive: 3 },
      maxConcurrentTasks: 5,
    });
    const claims = await claimAll(fixture, orchestratorId, run.id, 4);
    for (const claim of claims.slice(0, 3)) await fail(claim);
    // What ran goes on and may end well, and time goes by: nothing of it is a way out.
    await engine.completeTask(claims[3]?.taskId as string, {
      status: 'completed',
      attemptId: claims[3]?.attemptId,
    });
    await engine.sweepExpiredLeases();
    await engine.recalculateAllStatuses();
    for (const verb of ['startRun', 'pauseRun', 'resumeRun', 'completeRun'] as const)
      expect(await codeOf(engine[verb](run.id))).toBe('INVALID_TRANSITION');
    expect((await engine.getRun(run.id)).status).toBe('QUARANTINED');
    expect(await claimAll(fixture, orchestratorId, run.id)).toEqual([]);

    const ways = { released: engine.releaseRun, retried: engine.retryRun, stopped: engine.stopRun };
    expect(await ways[way](run.id)).toMatchObject({ status, failuresInRow: 0 });
    const titles = (await claimAll(fixture, orchestratorId, run.id)).map(({ title }) => title);
    expect(titles.toSorted()).toEqual(next);
    const statusOf = async (title: string) => (await engine.getTask(byTitle.get(title)?.id as string)).status;
    expect([await statusOf('T0'), await statusOf('T4')]).toEqual(
      {
        released: ['FAILED', 'IN_PROGRESS'],
        retried: ['IN_PROGRESS', 'IN_PROGRESS'],
        stopped: ['FAILED', 'CANCELLED'],
      }[way],
    );
    await expectNoDrift(fixture);
  });

  test('a success ends a row of failures; the rate counts from its minimum on', async () => {
    const { engine } = fixture;
    const { run, orchestratorId } = await startedRun(fixture, once(independent(20)), {
      failureThreshold: { consecutive: 3, rate: 0.5, minAttempts: 8 },
    });
    const claims = await claimAll(fixture, orchestratorId, run.id, 20);
    const good = async (n: number) =>
      engine.completeTask(claims[n]?.taskId as string, {
        status: 'completed',
        attemptId: claims[n]?.attemptId,
      });
    await fail(claims[0]);
    await fail(claims[1]);
    await good(2);
    await fail(claims[3]);
    await fail(claims[4]);
    await good(5);
    expect(await engine.getRun(run.id)).toMatchObject({
      status: 'RUNNING',
      failuresInRow: 0,
      attemptsFailed: 4,
    });
    await good(6);
    expect((await engine.getRun(run.id)).status).toBe('RUNNING');
    await good(7);
    expect(await engine.getRun(run.id)).toMatchObject({
      status: 'QUARANTINED',
      reason: '4 of 8 attempts failed',
    });
  });

  test('stop: the run fails at the threshold and its live attempts are asked to end', async () => {
    const { engine } = fixture;
    const { run, orchestratorId } = await startedRun(fixture, once(independent(4)), {
      failurePolicy: 'stop',
      failureThreshold: { consecutive: 2 },
      maxConcurrentTasks: 3,
    });
    const claims = await claimAll(fixture, orchestratorId, run.id);
    await fail(claims[0]);
    await fail(claims[1]);
    expect(await engine.getRun(run.id)).toMatchObject({
      status: 'FAILED',
      reason: '2 attempts failed in a row',
    });
    expect((await engine.renewLease(claims[2]?.attemptId as string)).cancelRequested).toBe(true);
    // What ends as cancelled while the run goes on again would be lost to it.
    await expect(engine.retryRun(run.id)).rejects.toMatchObject({ code: 'RUN_HAS_ATTEMPTS' });
    await expect(engine.retryTask(claims[0]?.taskId as string)).rejects.toMatchObject({
      code: 'RUN_HAS_ATTEMPTS',
    });
    await engine.confirmCancelled(claims[2]?.attemptId as string);
    const retried = await engine.retryRun(run.id);
    expect(retried).toMatchObject({ status: 'RUNNING', counts: { todo: 4, failed: 0, cancelled: 0 } });
  });

  test('continue: nothing stops it but its end', async () => {
    const { engine } = fixture;
    const { run, orchestratorId } = await startedRun(fixture, once(independent(12)), {
      failurePolicy: 'continue',
    });
    const claims = await claimAll(fixture, orchestratorId, run.id);
    for (const claim of claims.slice(0, 11)) await fail(claim);
    expect((await engine.getRun(run.id)).status).toBe('RUNNING');
    await engine.completeTask(claims[11]?.taskId as string, {
      status: 'completed',
      attemptId: claims[11]?.attemptId,
    });
    expect(await engine.getRun(run.id)).toMatchObject({ status: 'FAILED', reason: '11 task(s) failed' });
  });

  test('endings that arrive together count in their order', async () => {
    const { engine } = fixture;
    const { run, orchestratorId } = await startedRun(fixture, once(independent(7)), {
      failureThreshold: { consecutive: 3 },
    });
    const claims = await claimAll(fixture, orchestratorId, run.id);
    // The first goes alone, the others gather behind it in one statement: fail, fail, good, fail, fail.
    await Promise.all(
      claims
        .slice(0, 6)
        .map(async ({ taskId, attemptId }, n) =>
          engine.completeTask(
            taskId,
            n === 3 ? { status: 'completed', attemptId } : { status: 'failed', attemptId },
          ),
        ),
    );
    const { failuresInRow, attemptsEnded, attemptsFailed } = await engine.getRun(run.id);
    expect({ failuresInRow, attemptsEnded, attemptsFailed }).toEqual({
      failuresInRow: 2,
      attemptsEnded: 6,
      attemptsFailed: 5,
    });
  });
});

test('a run that is out of its time fails, its attempts are asked to end, and a retry gives it its time anew', async () => {
  const { engine } = fixture;
  fixture.clock.now = new Date('2026-03-01T10:00:00Z');
  const { run, orchestratorId } = await startedRun(fixture, independent(3), {
    timeoutSeconds: 600,
    maxConcurrentTasks: 1,
  });
  const [claim] = await claimAll(fixture, orchestratorId, run.id);
  fixture.clock.advanceSeconds(20);
  await engine.renewLease(claim?.attemptId as string);
  fixture.clock.advanceSeconds(570);
  await engine.renewLease(claim?.attemptId as string);
  await engine.sweepExpiredLeases();
  expect((await engine.getRun(run.id)).status).toBe('RUNNING');
  fixture.clock.advanceSeconds(11);
  expect((await engine.sweepExpiredLeases()).runs).toEqual([run.id]);
  expect(await engine.getRun(run.id)).toMatchObject({
    status: 'FAILED',
    reason: 'It ran out of its 600 seconds',
  });
  expect((await engine.renewLease(claim?.attemptId as string)).cancelRequested).toBe(true);
  await engine.confirmCancelled(claim?.attemptId as string);
  await engine.retryRun(run.id);
  fixture.clock.advanceSeconds(500);
  await engine.sweepExpiredLeases();
  expect((await engine.getRun(run.id)).status).toBe('RUNNING');
});

test('work in process whose run is out of its time is ended by the sweep, for nobody would confirm it', async () => {
  const { engine } = fixture;
  fixture.clock.now = new Date('2026-03-01T10:00:00Z');
  const { run, orchestratorId, byTitle } = await startedRun(fixture, independent(1), { timeoutSeconds: 60 });
  await engine.executeTask(orchestratorId, byTitle.get('T0')?.id as string);
  fixture.clock.advanceSeconds(61);
  await engine.sweepExpiredLeases();
  await engine.sweepExpiredLeases();
  expect(await engine.getRun(run.id)).toMatchObject({
    status: 'FAILED',
    counts: { cancelled: 1, inProgress: 0 },
  });
});

test('a step in process hears a cancel at once', async () => {
  const { engine } = fixture;
  const { run } = await startedRun(fixture, independent(1));
  const [other] = fixture.others(1);
  // Its renewal would tell it after eight hours.
  const step = await engine.executeStep(
    run.id,
    async ({ signal }) => {
      void other?.stopRun(run.id);
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
      return null;
    },
    { leaseSeconds: 86_400 },
  );
  expect(step?.settlement).toMatchObject({ status: 'CANCELLED', attemptStatus: 'CANCELLED' });
});

test('a reason that is too long is refused', async () => {
  const { run } = await startedRun(fixture, independent(1));
  await expect(fixture.engine.stopRun(run.id, { reason: 'x'.repeat(2_001) })).rejects.toMatchObject({
    code: 'INVALID_INPUT',
  });
});
