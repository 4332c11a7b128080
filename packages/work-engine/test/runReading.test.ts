import { afterEach, describe, expect, test } from 'vitest';
import { ASSUMED_SECONDS, forecastRun } from '../src/domain/forecastRun.js';
import { buildGraph } from '../src/domain/graph/index.js';
import { createStateChangeRecord, type EngineEvent, RUN_TRANSITIONS, sequenceOf } from '../src/index.js';
import { createFixture } from './support/engineFixture.js';
import { claimAll, diamond, expectNoDrift, independent, startedRun } from './support/runs.js';

const fixture = createFixture();

afterEach(async () => {
  fixture.clock.now = null;
  await expectNoDrift(fixture);
});

describe('the snapshot', () => {
  test('has the whole run at one moment: tasks, edges, waves, critical path, attempts', async () => {
    const { engine } = fixture;
    const outside = await fixture.task(await fixture.orchestrator(), { title: 'Outside' });
    const { run, orchestratorId, byTitle } = await startedRun(fixture, [
      { key: 'a', title: 'A', estimateMinutes: 10 },
      { key: 'b', title: 'B', dependsOn: ['a'], estimateMinutes: 60 },
      { key: 'c', title: 'C', dependsOn: ['a', outside.id], estimateMinutes: 5 },
      { key: 'd', title: 'D', dependsOn: ['b', 'c'], estimateMinutes: 1 },
    ]);
    const [a] = await claimAll(fixture, orchestratorId, run.id);
    const snapshot = await engine.getRunSnapshot(run.id);
    const titleOf = (id: string) => snapshot.tasks.find((task) => task.id === id)?.title;
    expect(snapshot.waves.map((wave) => wave.map(titleOf))).toEqual([['A'], ['B', 'C'], ['D']]);
    expect(
      snapshot.edges.map(([dependent, prerequisite]) => [
        snapshot.tasks[dependent]?.title,
        snapshot.tasks[prerequisite]?.title,
      ]),
    ).toEqual([
      ['B', 'A'],
      ['C', 'A'],
      ['D', 'B'],
      ['D', 'C'],
    ]);
    expect(snapshot.criticalPath).toEqual({
      taskIds: ['A', 'B', 'D'].map((title) => byTitle.get(title)?.id),
      seconds: 71 * 60,
    });
    expect(
      snapshot.tasks.map(({ title, critical, slackSeconds }) => [title, critical, slackSeconds]),
    ).toEqual([
      ['A', true, 0],
      ['B', true, 0],
      ['C', false, 55 * 60],
      ['D', true, 0],
    ]);
    expect(snapshot.outside).toEqual([
      { taskId: byTitle.get('C')?.id, dependsOn: outside.id, status: 'TODO' },
    ]);
    expect(snapshot.assignments).toMatchObject([{ id: a?.attemptId, taskId: a?.taskId, status: 'RUNNING' }]);
  });

  test('followed by the events from its cursor it is the later snapshot, without a gap', async () => {
    const { engine } = fixture;
    const { run } = await startedRun(fixture, [...diamond, ...independent(30)], { maxConcurrentTasks: 8 });
    const [worker] = fixture.others(1);
    const states: Map<string, string>[] = [];
    const cursors: string[] = [];
    const work = (async () => {
      for (;;) {
        const steps = await Promise.all(
          Array.from({ length: 4 }, () => (worker as typeof engine).executeStep(run.id, () => 1)),
        );
        if (steps.every((step) => step === null)) return;
      }
    })();
    for (let look = 0; look < 6; look += 1) {
      const snapshot = await engine.getRunSnapshot(run.id);
      states.push(new Map(snapshot.tasks.map((task) => [task.id, task.status])));
      cursors.push(snapshot.cursor);
    }
    await work;
    const final = new Map((await engine.getRunSnapshot(run.id)).tasks.map((task) => [task.id, task.status]));
    for (const [look, state] of states.entries()) {
      const { events } = await engine.readEvents({ cursor: cursors[look] as string, limit: 5_000 });
      const told = events
        .filter((event) => event.runId === run.id && event.taskId !== null && event.to !== null)
        .toSorted((a, b) => (sequenceOf(a) < sequenceOf(b) ? -1 : 1));
      for (const event of told) state.set(event.taskId as string, event.to as string);
      expect(state).toEqual(final);
    }
    expect([...final.values()].every((status) => status === 'DONE')).toBe(true);
  });
});

describe('the history', () => {
  test('has every event of the run and its tasks once, page by page, and nothing of others', async () => {
    const { engine } = fixture;
    const other = await startedRun(fixture, independent(2));
    const { run } = await startedRun(fixture, diamond);
    while ((await engine.executeStep(run.id, () => 1)) !== null);
    while ((await engine.executeStep(other.run.id, () => 1)) !== null);
    const pages: EngineEvent[] = [];
    let cursor: string | undefined;
    for (;;) {
      const page = await engine.getRunHistory(run.id, {
        limit: 5,
        ...(cursor === undefined ? {} : { cursor }),
      });
      if (page.events.length === 0) break;
      pages.push(...page.events);
      cursor = page.cursor;
    }
    const { rows } = await fixture.test.database.pool.query<{ amount: number }>(
      'SELECT count(*)::int AS amount FROM events WHERE run_id = $1',
      [run.id.slice('run_'.length)],
    );
    expect(pages).toHaveLength(rows[0]?.amount as number);
    expect(new Set(pages.map((event) => event.cursor)).size).toBe(pages.length);
    expect(pages.every((event) => event.runId === run.id)).toBe(true);
    const types = pages.map((event) => event.type);
    for (const [type, amount] of Object.entries({
      'run.created': 1,
      'run.started': 1,
      'run.succeeded': 1,
      'task.created': 4,
      'task.claimed': 4,
      'task.completed': 4,
      'task.unblocked': 3,
    }))
      expect([type, types.filter((other) => other === type).length]).toEqual([type, amount]);
  });
});

describe('progress', () => {
  test('weighs by estimates, counts what is running by its share, and says when the run may be over and why', async () => {
    const { engine } = fixture;
    const { run, orchestratorId } = await startedRun(
      fixture,
      [
        { key: 'a', title: 'A', estimateMinutes: 30 },
        { key: 'b', title: 'B', estimateMinutes: 60 },
        { key: 'c', title: 'C', dependsOn: ['b'], estimateMinutes: 10 },
      ],
      { maxConcurrentTasks: 2 },
    );
    const [a, b] = await claimAll(fixture, orchestratorId, run.id);
    await engine.completeTask(a?.taskId as string, { status: 'completed', attemptId: a?.attemptId });
    await engine.updateTaskProgress({ taskId: b?.taskId as string, progress: 50, attemptId: b?.attemptId });
    const progress = await engine.getProgress(run.id);
    expect(progress).toMatchObject({
      percent: 60,
      plannedSeconds: 6_000,
      doneSeconds: 3_600,
      currentWave: 0,
      waveCount: 2,
      counts: { done: 1, inProgress: 1, blocked: 1 },
      running: [{ title: 'B', progress: 50, status: 'IN_PROGRESS' }],
      eta: { seconds: 2_400, bound: 'critical-path', estimated: 2, measured: 0, assumed: 0 },
    });
    expect(progress.eta?.explanation).toMatch(/longest chain.*2 by their estimate/);
    expect(progress.eta?.at.getTime()).toBe(progress.at.getTime() + 2_400_000);
  });

  test('says what an unstarted, a paused and a finished run wait for', async () => {
    const { engine } = fixture;
    const unstarted = await engine.createRun({ name: 'Empty' });
    expect((await engine.getProgress(unstarted.id)).waitingFor).toEqual(['It has not been started']);
    const { run } = await startedRun(fixture, independent(1));
    expect((await engine.getProgress(run.id)).eta).not.toBeNull();
    await engine.pauseRun(run.id);
    expect(await engine.getProgress(run.id)).toMatchObject({
      waitingFor: ['It is paused; nothing new is handed out'],
      eta: null,
    });
    await engine.resumeRun(run.id);
    await engine.executeStep(run.id, () => 1);
    expect(await engine.getProgress(run.id)).toMatchObject({ percent: 100, waitingFor: [], eta: null });
  });

  test('names whom it waits for, and counts the pauses between waves', async () => {
    const { engine } = fixture;
    fixture.clock.now = new Date('2026-03-01T10:00:00Z');
    const orchestrator = await fixture.orchestrator({ name: 'Ada', maxConcurrentTasks: 1 });
    const run = await engine.createRun({
      name: 'Waits',
      orchestratorId: orchestrator.id,
      config: { waves: 'strict', waveDelaySeconds: 600 },
      tasks: [
        { key: 'a', title: 'A', estimateMinutes: 1 },
        { key: 'b', title: 'B', estimateMinutes: 1 },
        { key: 'c', title: 'C', dependsOn: ['b'], estimateMinutes: 1 },
      ],
    });
    await engine.startRun(run.id);
    await engine.updateOrchestrator(orchestrator.id, { status: 'OFFLINE' });
    expect((await engine.getProgress(run.id)).waitingFor).toContain('2 task(s) wait for Ada, who is OFFLINE');
    await engine.updateOrchestrator(orchestrator.id, { status: 'ONLINE' });
    await claimAll(fixture, orchestrator.id, run.id);
    const { waitingFor, eta } = await engine.getProgress(run.id);
    expect(waitingFor).toContain('1 task(s) wait for Ada, who is at the limit of tasks at once');
    expect(eta).toMatchObject({ seconds: 720, bound: 'critical-path' });
    expect(eta?.explanation).toMatch(/takes 120 s, and the pauses between waves 600 s;/);
  });

  test('names tasks of nobody and a wave that is being delayed', async () => {
    const { engine } = fixture;
    fixture.clock.now = new Date('2026-03-01T10:00:00Z');
    const orchestrator = await fixture.orchestrator();
    const run = await engine.createRun({
      name: 'Mixed',
      config: { waves: 'strict', waveDelaySeconds: 30 },
      tasks: [
        { key: 'a', title: 'A', orchestratorId: orchestrator.id },
        { key: 'b', title: 'B', dependsOn: ['a'] },
      ],
    });
    await engine.startRun(run.id);
    await engine.executeStep(run.id, () => 1);
    const { waitingFor } = await engine.getProgress(run.id);
    expect(waitingFor).toEqual(
      expect.arrayContaining([
        '1 task(s) belong to no orchestrator; assign them',
        'Wave 1 opens at 2026-03-01T10:00:30.000Z',
      ]),
    );
  });
});

describe('the forecast', () => {
  const { graph } = buildGraph([
    { id: 'a', dependsOn: [] },
    { id: 'b', dependsOn: ['a'] },
    { id: 'c', dependsOn: [] },
  ]);
  const open = { progress: 0, estimateMinutes: null, claimedAt: null, finishedAt: null };
  const done = (seconds: number) => ({
    ...open,
    status: 'DONE' as const,
    progress: 100,
    claimedAt: new Date(0),
    finishedAt: new Date(seconds * 1_000),
  });

  test('takes an estimate first, then the median of what was measured, then half an hour', () => {
    const fresh = forecastRun(
      graph,
      [
        { ...open, status: 'TODO' },
        { ...open, status: 'BLOCKED' },
        { ...open, status: 'TODO', estimateMinutes: 1 },
      ],
      1,
    );
    expect(fresh).toMatchObject({
      estimated: 1,
      assumed: 2,
      measured: 0,
      medianSeconds: null,
      chainSeconds: 2 * ASSUMED_SECONDS,
      slotSeconds: 2 * ASSUMED_SECONDS + 60,
      percent: 0,
    });
    const measured = forecastRun(graph, [done(100), { ...open, status: 'TODO' }, done(300)], 1);
    expect(measured).toMatchObject({ measured: 1, assumed: 0, medianSeconds: 200, chainSeconds: 200 });
  });

  test('what was cancelled counts for nothing, and what failed is not going to be done', () => {
    const forecast = forecastRun(
      graph,
      [
        { ...open, status: 'CANCELLED', estimateMinutes: 100 },
        { ...open, status: 'FAILED', estimateMinutes: 1 },
        { ...open, status: 'DONE', progress: 100, estimateMinutes: 1 },
      ],
      3,
    );
    expect(forecast).toMatchObject({ plannedSeconds: 120, doneSeconds: 60, percent: 50, chainSeconds: 0 });
    expect(forecast.estimated + forecast.measured + forecast.assumed).toBe(0);
  });
});

describe('the graph of a run', () => {
  test('is diagnosed: redundant edges, separate parts, tasks that can not run', async () => {
    const { engine } = fixture;
    const { run, orchestratorId, byTitle } = await startedRun(fixture, [
      { key: 'a', title: 'A', maxAttempts: 1 },
      { key: 'b', title: 'B', dependsOn: ['a'] },
      { key: 'c', title: 'C', dependsOn: ['a', 'b'] },
      { key: 'x', title: 'X' },
    ]);
    const [a] = await claimAll(fixture, orchestratorId, run.id, 1);
    await engine.failTask(a?.taskId as string, { error: 'no', attemptId: a?.attemptId });
    const { diagnosis } = await engine.getRunGraph(run.id);
    expect(diagnosis.map(({ code }) => code).toSorted()).toEqual([
      'NEVER_RUNS',
      'NEVER_RUNS',
      'REDUNDANT_DEPENDENCY',
      'SEPARATE_PARTS',
    ]);
    expect(diagnosis.find(({ code }) => code === 'REDUNDANT_DEPENDENCY')?.taskIds).toEqual([
      byTitle.get('C')?.id,
      byTitle.get('A')?.id,
    ]);
  });
});

test('a change of state has a record only where the table has the change', () => {
  const at = new Date();
  expect(
    createStateChangeRecord({
      taskId: 'task_1',
      from: 'TODO',
      to: 'IN_PROGRESS',
      actor: 'me',
      at,
      reason: 'r',
    }),
  ).toEqual({
    taskId: 'task_1',
    runId: null,
    attemptId: null,
    actor: 'me',
    from: 'TODO',
    to: 'IN_PROGRESS',
    data: { reason: 'r' },
    at,
  });
  expect(
    createStateChangeRecord({ runId: 'run_1', from: 'PENDING', to: 'RUNNING', actor: 'me', at }).data,
  ).toBeNull();
  for (const [from, to] of [
    ['PENDING', 'SUCCEEDED'],
    ['SUCCEEDED', 'RUNNING'],
    ['QUARANTINED', 'PAUSED'],
  ] as const) {
    expect(RUN_TRANSITIONS[from]).not.toContain(to);
    expect(() => createStateChangeRecord({ runId: 'run_1', from, to, actor: 'me', at })).toThrow(
      /can't go from/,
    );
  }
  expect(() =>
    createStateChangeRecord({ taskId: 'task_1', from: 'TODO', to: 'DONE', actor: 'me', at }),
  ).toThrow();
  expect(() => createStateChangeRecord({ from: 'TODO', to: 'IN_PROGRESS', actor: 'me', at })).toThrow(
    /one task/,
  );
});

test('one handle has every verb of its run', async () => {
  const { engine } = fixture;
  const { run } = await startedRun(fixture, diamond);
  const handle = engine.getOrchestrator(run.id as `run_${string}`);
  expect(handle.runId).toBe(run.id);
  expect((await handle.getNextTasks()).map((task) => task.title)).toEqual(['A']);
  await handle.executeStep(() => 1);
  expect((await handle.getReadyTasks()).map((task) => task.title)).toEqual(['B', 'C']);
  expect((await handle.getProgress()).counts.done).toBe(1);
  await handle.updateConfig({ maxConcurrentTasks: 1 });
  expect((await handle.getNextTasks()).map((task) => task.title)).toEqual(['B']);
  await handle.pause();
  expect(await handle.getNextTasks()).toEqual([]);
  const again = await engine.resetOrchestrator(run.id);
  expect(await again.get()).toMatchObject({ status: 'PENDING', counts: { done: 1, todo: 2, blocked: 1 } });
});

test('a task is moved by the verb that the table names', async () => {
  const { engine } = fixture;
  const { run, byTitle } = await startedRun(fixture, diamond, { mergeStage: true });
  const a = byTitle.get('A')?.id as string;
  expect((await engine.transitionTask(a, 'BLOCKED', { reason: 'Which?' })).blockedReason).toBe('Which?');
  expect((await engine.transitionTask(a, 'TODO', { answer: 'That' })).answer).toBe('That');
  expect((await engine.transitionTask(a, 'IN_PROGRESS')).status).toBe('IN_PROGRESS');
  expect((await engine.transitionTask(a, 'TODO')).status).toBe('TODO');
  await engine.transitionTask(a, 'IN_PROGRESS');
  expect((await engine.transitionTask(a, 'MERGING', { output: 1 })).status).toBe('MERGING');
  await expect(engine.transitionTask(a, 'DONE')).rejects.toMatchObject({ code: 'MERGE_NOT_GRANTED' });
  const { assignments } = await engine.getRunSnapshot(run.id);
  await engine.requestMerge(assignments[0]?.id as string);
  expect((await engine.transitionTask(a, 'DONE')).status).toBe('DONE');
  const b = byTitle.get('B')?.id as string;
  expect((await engine.transitionTask(b, 'CANCELLED')).status).toBe('CANCELLED');
  expect((await engine.transitionTask(b, 'TODO')).status).toBe('TODO');
  await expect(engine.transitionTask(b, 'DONE')).rejects.toMatchObject({ code: 'INVALID_TRANSITION' });
});

test('a cascade that was undone by hand is derived again from the edges', async () => {
  const { engine } = fixture;
  const { run, orchestratorId, byTitle } = await startedRun(fixture, diamond);
  const [a] = await claimAll(fixture, orchestratorId, run.id);
  await engine.completeTask(a?.taskId as string, { status: 'completed', attemptId: a?.attemptId });
  expect(await engine.cascadeTaskCompletion(a?.taskId as string)).toEqual({ unblocked: [] });
  const b = `${byTitle.get('B')?.id}`.slice('task_'.length);
  const { pool } = fixture.test.database;
  await pool.query('SELECT dequeue_tasks(ARRAY[$1::uuid])', [b]);
  await pool.query(`UPDATE tasks SET status = 'BLOCKED' WHERE id = $1`, [b]);
  await pool.query(
    `INSERT INTO blocked_tasks (task_id, workspace_id, orchestrator_id, unmet, priority) SELECT id, workspace_id, orchestrator_id, 1, priority FROM tasks WHERE id = $1`,
    [b],
  );
  expect(await engine.cascadeTaskCompletion(a?.taskId as string)).toEqual({
    unblocked: [byTitle.get('B')?.id],
  });
  await expect(engine.cascadeTaskCompletion(byTitle.get('D')?.id as string)).rejects.toMatchObject({
    code: 'INVALID_TRANSITION',
  });
});

test('counts that somebody changed by hand are found and mended', async () => {
  const { engine } = fixture;
  const { run } = await startedRun(fixture, diamond);
  const uuid = run.id.slice('run_'.length);
  const { pool } = fixture.test.database;
  await pool.query('UPDATE runs SET todo = 7 WHERE id = $1', [uuid]);
  const { runs } = await engine.recalculateAllStatuses();
  expect(runs).toMatchObject([{ runId: run.id }]);
  expect(runs[0]?.problem).toMatch(/counts .* 7 to do, .*; has 3, 1, /);
  await pool.query('UPDATE run_waves SET live = live + 1, total = total + 1 WHERE run_id = $1 AND wave = 1', [
    uuid,
  ]);
  expect((await engine.recalculateAllStatuses()).runs).toHaveLength(1);
  expect((await engine.getRun(run.id)).counts).toMatchObject({ todo: 1, blocked: 3 });
});
