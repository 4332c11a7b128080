import { isNeolithError } from '@neolith/contracts';
import { afterEach, describe, expect, test } from 'vitest';
import { RUN_TRANSITIONS } from '../src/domain/runTransitions.js';
import type { RunStatus, WorkEngine } from '../src/index.js';
import { createFixture } from './support/engineFixture.js';
import { claimAll, codeOf, diamond, expectNoDrift, independent, startedRun } from './support/runs.js';

const fixture = createFixture();

afterEach(async () => {
  fixture.clock.now = null;
  await expectNoDrift(fixture);
});

describe('the life of a run', () => {
  test('nothing is handed out before the start, and the last task ends the run', async () => {
    const { engine } = fixture;
    const orchestrator = await fixture.orchestrator();
    const run = await engine.createRun({ name: 'Diamond', orchestratorId: orchestrator.id, tasks: diamond });
    expect(run).toMatchObject({ status: 'PENDING', counts: { total: 4, todo: 1, blocked: 3 } });
    expect(await engine.selectNextTask(orchestrator.id)).toBeNull();
    expect((await engine.claimNextTask(orchestrator.id)).claims).toEqual([]);
    expect(await engine.executeStep(run.id, () => null)).toBeNull();

    await engine.startRun(run.id);
    const done: string[] = [];
    for (;;) {
      const step = await engine.executeStep(run.id, ({ task }) => ({ did: task.title }));
      if (step === null) break;
      done.push(step.task.title);
    }
    expect(done).toEqual(['A', 'B', 'C', 'D']);
    expect(await engine.getRun(run.id)).toMatchObject({
      status: 'SUCCEEDED',
      counts: { total: 4, done: 4 },
      reason: null,
    });
  });

  test('a pause hands out nothing new, and the run succeeds if its last task ends meanwhile', async () => {
    const { engine } = fixture;
    const { run, orchestratorId } = await startedRun(fixture, independent(2));
    const [first] = await claimAll(fixture, orchestratorId, run.id, 1);
    await engine.pauseRun(run.id, { reason: 'lunch' });
    expect(await claimAll(fixture, orchestratorId, run.id)).toEqual([]);
    expect((await engine.renewLease(first?.attemptId as string)).runPaused).toBe(true);
    await engine.completeTask(first?.taskId as string, { status: 'completed', attemptId: first?.attemptId });
    expect((await engine.getRun(run.id)).status).toBe('PAUSED');

    await engine.resumeRun(run.id);
    const [second] = await claimAll(fixture, orchestratorId, run.id);
    await engine.pauseRun(run.id);
    await engine.completeTask(second?.taskId as string, {
      status: 'completed',
      attemptId: second?.attemptId,
    });
    expect((await engine.getRun(run.id)).status).toBe('SUCCEEDED');
  });

  test('a stop cancels what waits at once and what runs when it has ended', async () => {
    const { engine } = fixture;
    const { run, orchestratorId, byTitle } = await startedRun(fixture, [...diamond, ...independent(2)], {
      maxConcurrentTasks: 2,
    });
    const running = await claimAll(fixture, orchestratorId, run.id);
    const inProcess = await engine.executeTask(
      orchestratorId,
      (await fixture.task({ id: orchestratorId })).id,
    );
    expect(running).toHaveLength(2);
    const stopped = await engine.stopRun(run.id, { reason: 'not wanted any more' });
    expect(stopped).toMatchObject({
      status: 'CANCELLED',
      reason: 'not wanted any more',
      counts: { inProgress: 2, cancelled: 4, todo: 0, blocked: 0 },
    });
    for (const { attemptId } of running) {
      expect((await engine.renewLease(attemptId)).cancelRequested).toBe(true);
      await engine.confirmCancelled(attemptId);
    }
    expect((await engine.getRun(run.id)).counts).toMatchObject({ cancelled: 6, inProgress: 0 });
    expect((await engine.getTask(byTitle.get('D')?.id as string)).status).toBe('CANCELLED');
    // Work outside of the run is nothing to it.
    expect((await engine.getTask(inProcess.taskId)).status).toBe('IN_PROGRESS');
  });

  test('a stop ends work in process itself, for no daemon would confirm it', async () => {
    const { engine } = fixture;
    const { run, orchestratorId, byTitle } = await startedRun(fixture, independent(1));
    await engine.executeTask(orchestratorId, byTitle.get('T0')?.id as string);
    expect((await engine.stopRun(run.id)).counts).toMatchObject({ cancelled: 1, inProgress: 0 });
  });

  test('a reset makes everything unfinished afresh and keeps what is done, and the history', async () => {
    const { engine } = fixture;
    const { run, orchestratorId, byTitle } = await startedRun(fixture, diamond, {
      onPrerequisiteFailure: 'cancel',
    });
    const [a] = await claimAll(fixture, orchestratorId, run.id);
    await engine.completeTask(a?.taskId as string, { status: 'completed', attemptId: a?.attemptId });
    await engine.updateTask(byTitle.get('B')?.id as string, { maxAttempts: 1 });
    const [b] = await claimAll(fixture, orchestratorId, run.id, 1);
    expect(b?.title).toBe('B');
    await engine.failTask(b?.taskId as string, { error: 'no', attemptId: b?.attemptId });
    await engine.cancelTask(byTitle.get('C')?.id as string);
    expect(await engine.getRun(run.id)).toMatchObject({
      status: 'FAILED',
      counts: { done: 1, failed: 1, cancelled: 2 },
    });
    const reset = await engine.resetRun(run.id);
    expect(reset).toMatchObject({
      status: 'PENDING',
      startedAt: null,
      counts: { done: 1, todo: 2, blocked: 1, failed: 0, cancelled: 0 },
    });
    expect(await engine.getTask(byTitle.get('B')?.id as string)).toMatchObject({ failureCount: 0 });
    const { events } = await engine.getRunHistory(run.id, { limit: 500 });
    expect(events.map((event) => event.type)).toEqual(
      expect.arrayContaining(['run.created', 'run.started', 'run.failed', 'run.reset', 'task.failed']),
    );
    await engine.startRun(run.id);
    while ((await engine.executeStep(run.id, () => 1)) !== null);
    expect((await engine.getRun(run.id)).status).toBe('SUCCEEDED');
  });

  test('a reset is refused while attempts are live', async () => {
    const { engine } = fixture;
    const { run, orchestratorId } = await startedRun(fixture, independent(1));
    await claimAll(fixture, orchestratorId, run.id);
    await engine.pauseRun(run.id);
    expect(await codeOf(engine.resetRun(run.id))).toBe('RUN_HAS_ATTEMPTS');
    expect((await engine.getRun(run.id)).status).toBe('PAUSED');
  });

  test('deleting takes the tasks along and leaves the history; an active run, or one that others wait for, stays', async () => {
    const { engine } = fixture;
    const { run, byTitle, orchestratorId } = await startedRun(fixture, diamond);
    expect(await codeOf(engine.deleteRun(run.id))).toBe('INVALID_TRANSITION');
    const outside = await fixture.task(
      { id: orchestratorId },
      { dependsOn: [byTitle.get('D')?.id as string] },
    );
    await engine.stopRun(run.id);
    expect(await codeOf(engine.deleteRun(run.id))).toBe('RUN_HAS_DEPENDENTS');
    await engine.removeDependency(outside.id, byTitle.get('D')?.id as string);
    const before = (await engine.listTaskEvents(byTitle.get('A')?.id as string)).events.length;
    expect(before).toBeGreaterThan(0);
    await engine.deleteRun(run.id);
    expect(await codeOf(engine.getRun(run.id))).toBe('RUN_NOT_FOUND');
    expect(await codeOf(engine.getTask(byTitle.get('A')?.id as string))).toBe('TASK_NOT_FOUND');
    const { rows } = await fixture.test.database.pool.query<{ amount: number }>(
      'SELECT count(*)::int AS amount FROM events WHERE run_id = $1',
      [run.id.slice('run_'.length)],
    );
    expect(rows[0]?.amount).toBeGreaterThan(before);
  });

  test('every verb in every state does what the table says, and an illegal one names the legal ones', async () => {
    const verbs = {
      start: 'startRun',
      pause: 'pauseRun',
      resume: 'resumeRun',
      stop: 'stopRun',
      release: 'releaseRun',
      retry: 'retryRun',
      reset: 'resetRun',
    } as const satisfies Record<string, keyof WorkEngine>;
    const { pool } = fixture.test.database;
    for (const status of Object.keys(RUN_TRANSITIONS) as RunStatus[]) {
      for (const [verb, method] of Object.entries(verbs)) {
        const { run } = await startedRun(fixture, independent(1));
        await pool.query(
          `UPDATE runs SET status = $2::run_status, finished_at = CASE WHEN $2 IN ('SUCCEEDED', 'FAILED', 'CANCELLED') THEN now() END WHERE id = $1`,
          [run.id.slice('run_'.length), status],
        );
        const moved = await fixture.engine[method](run.id).catch((error: unknown) => error);
        if (isNeolithError(moved)) {
          expect(moved.code, `${verb} on ${status}`).toBe('INVALID_TRANSITION');
          expect(moved.message).toMatch(/Possible now: [a-z, ]+$/);
        } else {
          expect(RUN_TRANSITIONS[status], `${verb} on ${status}`).toContain(
            (moved as { status: RunStatus }).status,
          );
        }
      }
    }
  });
});

describe('limits', () => {
  test('of the run hold across orchestrators that claim at once, and none of its tasks is stepped over', async () => {
    const { engine } = fixture;
    const owners = await Promise.all(
      Array.from({ length: 4 }, () => fixture.orchestrator({ maxConcurrentTasks: 50 })),
    );
    const run = await engine.createRun({
      name: 'Shared',
      config: { maxConcurrentTasks: 5 },
      tasks: Array.from({ length: 60 }, (_, n) => ({
        title: `${n}`,
        orchestratorId: owners[n % 4]?.id as string,
      })),
    });
    await engine.startRun(run.id);
    const others = fixture.others(4, 2);
    let highest = 0;
    let done = 0;
    const work = async (n: number) => {
      while (done < 60) {
        const { claims } = await (others[n] as WorkEngine).claimNextTask(owners[n]?.id as string, {
          max: 3,
          criteria: { runId: run.id },
        });
        const { counts } = await engine.getRun(run.id);
        highest = Math.max(highest, counts.inProgress);
        for (const { task, attempt } of claims) {
          await (others[n] as WorkEngine).completeTask(task.id, {
            status: 'completed',
            attemptId: attempt.id,
          });
          done += 1;
        }
        if (
          claims.length === 0 &&
          (await engine.getReadyTasks(run.id)).every((task) => task.orchestratorId !== owners[n]?.id)
        )
          return;
      }
    };
    await Promise.all(owners.map((_, n) => work(n)));
    expect(highest).toBeGreaterThan(1);
    const { rows } = await fixture.test.database.pool.query<{ most: number }>(
      `SELECT max(running)::int AS most FROM (
         SELECT sum(CASE WHEN "to" = 'IN_PROGRESS' THEN 1 WHEN "from" = 'IN_PROGRESS' THEN -1 ELSE 0 END) OVER (ORDER BY seq) AS running
         FROM events WHERE run_id = $1 AND task_id IS NOT NULL) x`,
      [run.id.slice('run_'.length)],
    );
    expect(rows[0]?.most).toBeLessThanOrEqual(5);
    expect((await engine.getRun(run.id)).status).toBe('SUCCEEDED');
  });

  test('a full run does not stand in front of the others, and one claim takes no more than it has room for', async () => {
    const { engine } = fixture;
    const orchestrator = await fixture.orchestrator({ maxConcurrentTasks: 100 });
    const make = async (name: string, priority: 'CRITICAL' | 'LOW', limit: number) => {
      const run = await engine.createRun({
        name,
        orchestratorId: orchestrator.id,
        config: { maxConcurrentTasks: limit },
        tasks: independent(5).map((task) => ({ ...task, priority })),
      });
      return engine.startRun(run.id);
    };
    const urgent = await make('Urgent', 'CRITICAL', 2);
    await make('Slow', 'LOW', 1);
    await fixture.task(orchestrator, { title: 'alone', priority: 'MEDIUM' });
    const { claims } = await engine.claimNextTask(orchestrator.id, { max: 50 });
    expect(claims.map(({ task }) => [task.priority, task.runId === urgent.id])).toEqual([
      ['CRITICAL', true],
      ['CRITICAL', true],
      ['MEDIUM', false],
      ['LOW', false],
    ]);
    expect((await engine.rankTasks(orchestrator.id)).ranking).toEqual([]);
    const waiting = (await engine.getReadyTasks(urgent.id))[0];
    const { asked } = await engine.explainSelection(orchestrator.id, waiting?.id as string);
    expect(asked?.whyNot.map(({ code }) => code)).toEqual(['RUN_AT_CAPACITY']);
    expect(await codeOf(engine.assignTask(waiting?.id as string))).toBe('AT_CAPACITY');
  });

  test('a claim may be kept to tasks in no run; the queue of those has no other name', async () => {
    const { engine } = fixture;
    const { run, orchestratorId } = await startedRun(fixture, independent(1));
    const alone = await fixture.task({ id: orchestratorId }, { title: 'alone' });
    const select = async (runId: string) =>
      (await engine.selectNextTask(orchestratorId, { runId }))?.id ?? null;
    expect(await select('none')).toBe(alone.id);
    expect((await engine.selectNextTask(orchestratorId, { runId: run.id }))?.title).toBe('T0');
    expect(await select('run_00000000-0000-0000-0000-000000000000')).toBeNull();
    expect(await select('nonsense')).toBeNull();
  });

  test('a task of a run is found by its tags like any other, and only while the run hands out', async () => {
    const { engine } = fixture;
    const { run, orchestratorId } = await startedRun(
      fixture,
      independent(3).map((task, n) => ({ ...task, tags: n === 1 ? ['x', 'y'] : ['x'] })),
    );
    const find = async (requireTags: string[]) =>
      (await engine.selectNextTask(orchestratorId, { requireTags }))?.title ?? null;
    expect(await find(['x'])).toBe('T0');
    expect(await find(['x', 'y'])).toBe('T1');
    await engine.pauseRun(run.id);
    expect(await find(['x'])).toBeNull();
    await engine.resumeRun(run.id);
    const { claims } = await engine.claimNextTask(orchestratorId, { criteria: { requireTags: ['y'] } });
    expect(claims[0]?.task.title).toBe('T1');
  });
});

describe('strict waves', () => {
  test('open one after the other, after their delay, and cap their agents', async () => {
    const { engine } = fixture;
    fixture.clock.now = new Date('2026-03-01T10:00:00Z');
    const { run, orchestratorId, byTitle } = await startedRun(
      fixture,
      [
        { key: 'a', title: 'A' },
        { key: 'b', title: 'B' },
        { key: 'a2', title: 'A2', dependsOn: ['a'] },
        { key: 'b2', title: 'B2', dependsOn: ['b'] },
        { key: 'c3', title: 'C3', dependsOn: ['a2'] },
      ],
      { waves: 'strict', waveDelaySeconds: 60, maxAgentsPerWave: 2 },
    );
    expect(run.currentWave).toBe(0);
    const first = await claimAll(fixture, orchestratorId, run.id);
    expect(first.map(({ title }) => title)).toEqual(['A', 'B']);
    await engine.completeTask(first[0]?.taskId as string, {
      status: 'completed',
      attemptId: first[0]?.attemptId,
    });
    // Its prerequisite is done, but B holds the wave.
    expect((await engine.getTask(byTitle.get('A2')?.id as string)).status).toBe('TODO');
    expect(await claimAll(fixture, orchestratorId, run.id)).toEqual([]);
    const { asked } = await engine.explainSelection(orchestratorId, byTitle.get('A2')?.id as string);
    expect(asked?.whyNot.map(({ code }) => code)).toContain('WAVE_NOT_OPEN');
    expect(await engine.getReadyTasks(run.id)).toEqual([]);
    expect(await codeOf(engine.assignTask(byTitle.get('A2')?.id as string))).toBe('WAVE_NOT_OPEN');
    expect((await engine.getProgress(run.id)).waitingFor.join()).toMatch(/wave 0 to be over/);

    await engine.completeTask(first[1]?.taskId as string, {
      status: 'completed',
      attemptId: first[1]?.attemptId,
    });
    expect((await engine.getRun(run.id)).currentWave).toBe(1);
    expect(await claimAll(fixture, orchestratorId, run.id)).toEqual([]);
    fixture.clock.advanceSeconds(59);
    expect(await claimAll(fixture, orchestratorId, run.id)).toEqual([]);
    fixture.clock.advanceSeconds(1);
    const second = await claimAll(fixture, orchestratorId, run.id);
    expect(second.map(({ title }) => title)).toEqual(['A2', 'B2']);
  });

  test('a task that is reported blocked holds its wave; one that can not be reached does not', async () => {
    const { engine } = fixture;
    const { run, orchestratorId } = await startedRun(
      fixture,
      [
        { key: 'a', title: 'A', maxAttempts: 1 },
        { key: 'b', title: 'B' },
        { key: 'a2', title: 'A2', dependsOn: ['a'] },
        { key: 'b2', title: 'B2', dependsOn: ['b'] },
        { key: 'b3', title: 'B3', dependsOn: ['b2'] },
      ],
      { waves: 'strict', failurePolicy: 'continue' },
    );
    const [a, b] = await claimAll(fixture, orchestratorId, run.id);
    await engine.failTask(a?.taskId as string, { error: 'no', attemptId: a?.attemptId });
    await engine.completeTask(b?.taskId as string, {
      status: 'blocked',
      error: 'which?',
      attemptId: b?.attemptId,
    });
    expect(await engine.getRun(run.id)).toMatchObject({ status: 'RUNNING', currentWave: 0 });
    await engine.unblockTask(b?.taskId as string, { answer: 'this' });
    const [again] = await claimAll(fixture, orchestratorId, run.id);
    await engine.completeTask(b?.taskId as string, { status: 'completed', attemptId: again?.attemptId });
    // A2 can't be reached any more; B2 is all that wave 1 has.
    const [b2] = await claimAll(fixture, orchestratorId, run.id);
    expect(b2?.title).toBe('B2');
    await engine.completeTask(b2?.taskId as string, { status: 'completed', attemptId: b2?.attemptId });
    const [b3] = await claimAll(fixture, orchestratorId, run.id);
    await engine.completeTask(b3?.taskId as string, { status: 'completed', attemptId: b3?.attemptId });
    expect(await engine.getRun(run.id)).toMatchObject({
      status: 'FAILED',
      counts: { done: 3, failed: 1, blocked: 1 },
    });
  });

  test('switched on and off while the run goes on, they hold and let go', async () => {
    const { engine } = fixture;
    const { run, orchestratorId, byTitle } = await startedRun(fixture, [
      ...independent(1),
      { key: 'a', title: 'A' },
      { key: 'a2', title: 'A2', dependsOn: ['a'] },
    ]);
    const a = await engine.assignTask(byTitle.get('A')?.id as string);
    await engine.completeTask(a.taskId, { status: 'completed' });
    await engine.updateRunConfig(run.id, { waves: 'strict' });
    expect((await claimAll(fixture, orchestratorId, run.id)).map(({ title }) => title)).toEqual(['T0']);
    await engine.updateRunConfig(run.id, { waves: 'off' });
    expect((await claimAll(fixture, orchestratorId, run.id)).map(({ title }) => title)).toEqual(['A2']);
  });

  test('new dependencies and tasks number the waves anew', async () => {
    const { engine } = fixture;
    const { run, byTitle } = await startedRun(fixture, [
      { key: 'a', title: 'A' },
      { key: 'b', title: 'B' },
      { key: 'c', title: 'C', dependsOn: ['b'] },
    ]);
    const waves = async () =>
      Object.fromEntries((await engine.getRunSnapshot(run.id)).tasks.map((task) => [task.title, task.wave]));
    expect(await waves()).toEqual({ A: 0, B: 0, C: 1 });
    await engine.addDependency(byTitle.get('B')?.id as string, byTitle.get('A')?.id as string);
    expect(await waves()).toEqual({ A: 0, B: 1, C: 2 });
    expect((await engine.getTask(byTitle.get('C')?.id as string)).wave).toBe(2);
    await engine.createTask({ title: 'D', runId: run.id, dependsOn: [byTitle.get('C')?.id as string] });
    expect(await waves()).toEqual({ A: 0, B: 1, C: 2, D: 3 });
    await engine.removeDependency(byTitle.get('B')?.id as string, byTitle.get('A')?.id as string);
    expect(await waves()).toEqual({ A: 0, B: 0, C: 1, D: 2 });
  });
});
