import { beforeEach, describe, expect, test } from 'vitest';
import type { NewTask, OrchestratorDetail, RunSettings } from '../../src/index.js';
import { createFixture } from '../support/engineFixture.js';
import { refusal, until } from '../support/history.js';

const fixture = createFixture();
let orchestrator: OrchestratorDetail;
beforeEach(async () => {
  fixture.clock.now = null;
  orchestrator = await fixture.orchestrator({ maxConcurrentTasks: 10 });
});

async function startRun(tasks: NewTask[], config: RunSettings = {}) {
  const run = await fixture.engine.createRun({
    name: 'A run',
    orchestratorId: orchestrator.id,
    config,
    tasks,
  });
  await fixture.engine.startRun(run.id);
  const { tasks: made } = await fixture.engine.getRunSnapshot(run.id);
  const idOf = (title: string) => made.find((task) => task.title === title)?.id as string;
  return { id: run.id, idOf };
}

async function claim(runId?: string) {
  const { claims } = await fixture.engine.claimNextTask(orchestrator.id, {
    ...(runId ? { criteria: { runId } } : {}),
  });
  const [first] = claims;
  if (first === undefined) throw new Error('Nothing was handed out');
  return { taskId: first.task.id, attemptId: first.attempt.id };
}

async function nothingDrifted(): Promise<void> {
  const { repaired, runs } = await fixture.engine.recalculateAllStatuses();
  expect({ repaired, runs }).toEqual({ repaired: [], runs: [] });
}

describe('a run comes to its end', () => {
  test('by its time, also while everything left in it is blocked', async () => {
    const { engine, clock } = fixture;
    clock.now = new Date();
    const run = await startRun([{ title: 'A' }], { timeoutSeconds: 60 });
    await engine.blockTask(run.idOf('A'), { reason: 'It needs a decision' });
    clock.advanceSeconds(61);
    await engine.sweepExpiredLeases();
    expect(await engine.getRun(run.id)).toMatchObject({
      status: 'FAILED',
      reason: 'It ran out of its 60 seconds',
    });
  });

  test('but not while a prerequisite in another run that has ended is still being merged', async () => {
    const { engine } = fixture;
    const first = await startRun([{ title: 'A' }], { mergeStage: true });
    const second = await startRun([{ title: 'B', dependsOn: [first.idOf('A')] }]);
    const a = await claim(first.id);
    await engine.completeTask(a.taskId, { status: 'completed', attemptId: a.attemptId });
    expect(await engine.requestMerge(a.attemptId)).toMatchObject({ granted: true });
    // What is being merged is let through.
    await engine.stopRun(first.id);
    await engine.sweepExpiredLeases();
    expect(await engine.getRun(second.id)).toMatchObject({ status: 'RUNNING' });
    await engine.completeMerge(a.taskId, { attemptId: a.attemptId });
    expect((await engine.getTask(second.idOf('B'))).status).toBe('TODO');
    await nothingDrifted();
  });
});

test('a strict wave does not wait for a task that, by way of another run, waits for a later wave', async () => {
  const { engine } = fixture;
  const run = await startRun([{ key: 'a', title: 'A' }, { title: 'B', dependsOn: ['a'] }, { title: 'C' }], {
    waves: 'strict',
  });
  const [outside] = await engine.createTasks([
    { title: 'Outside', orchestratorId: orchestrator.id, dependsOn: [run.idOf('B')] },
  ]);
  await engine.addDependency(run.idOf('C'), outside?.id as string);
  const done: string[] = [];
  for (let turn = 0; turn < 4; turn += 1) {
    const { taskId, attemptId } = await claim();
    await engine.completeTask(taskId, { status: 'completed', attemptId });
    done.push((await engine.getTask(taskId)).title);
  }
  expect(done).toEqual(['A', 'B', 'Outside', 'C']);
  expect(await engine.getRun(run.id)).toMatchObject({ status: 'SUCCEEDED' });
});

test('a named task of a wave that is not open is refused, as a claim would pass it over', async () => {
  const { engine, clock } = fixture;
  clock.now = new Date();
  const run = await startRun(
    [
      { key: 'a', title: 'A' },
      { title: 'B', dependsOn: ['a'] },
    ],
    {
      waves: 'strict',
      waveDelaySeconds: 30,
    },
  );
  const { taskId, attemptId } = await claim(run.id);
  await engine.completeTask(taskId, { status: 'completed', attemptId });
  expect((await engine.getTask(run.idOf('B'))).status).toBe('TODO');
  expect(await refusal(engine.executeTask(orchestrator.id, run.idOf('B')))).toMatchObject({
    code: 'WAVE_NOT_OPEN',
  });
  expect((await engine.claimNextTask(orchestrator.id, { criteria: { runId: run.id } })).claims).toEqual([]);
  clock.advanceSeconds(30);
  expect(await engine.executeTask(orchestrator.id, run.idOf('B'))).toMatchObject({ status: 'in_progress' });
});

test('an ending that overtakes the start of its task does not pass over the merge stage', async () => {
  const { engine } = fixture;
  const { pool } = fixture.test.database;
  const run = await startRun([{ title: 'A' }], { mergeStage: true });
  const holder = await pool.connect();
  try {
    await holder.query('BEGIN');
    // Leases can be read, but not locked: the ending has looked for its run, and waits.
    await holder.query('LOCK TABLE leases IN EXCLUSIVE MODE');
    const completed = engine.completeTask(run.idOf('A'), { status: 'completed' });
    await untilSomebodyWaits();
    const task = uuidOf(run.idOf('A'));
    await holder.query('SELECT dequeue_tasks(ARRAY[$1::uuid])', [task]);
    await holder.query(
      `UPDATE tasks SET status = 'IN_PROGRESS', attempt_count = 1, claimed_at = now() WHERE id = $1`,
      [task],
    );
    await holder.query(
      `INSERT INTO leases (task_id, attempt_id, workspace_id, orchestrator_id, run_id, claimed_at, number)
       SELECT id, gen_random_uuid(), workspace_id, orchestrator_id, run_id, claimed_at, 1 FROM tasks WHERE id = $1`,
      [task],
    );
    await holder.query('COMMIT');
    expect(await completed).toMatchObject({ status: 'MERGING', attemptStatus: 'RUNNING' });
  } finally {
    holder.release();
  }
  await nothingDrifted();
});

describe('an import', () => {
  const plan = (tasks: NewTask[], config: RunSettings = {}) => ({
    name: 'Plan',
    source: 'plan',
    orchestratorId: orchestrator.id,
    config,
    tasks,
  });

  test('may turn an edge round', async () => {
    const { engine } = fixture;
    const source = 'turned';
    await engine.importPlan({
      ...plan([
        { key: 'a', title: 'A' },
        { key: 'b', title: 'B', dependsOn: ['a'] },
      ]),
      source,
    });
    const again = await engine.importPlan({
      ...plan([
        { key: 'a', title: 'A', dependsOn: ['b'] },
        { key: 'b', title: 'B' },
      ]),
      source,
    });
    expect(again.updated.map(({ title, changes }) => [title, changes])).toEqual([
      ['A', ['dependsOn']],
      ['B', ['dependsOn']],
    ]);
    const { tasks } = await engine.getRunSnapshot(again.run?.id as string);
    expect(tasks.map(({ title, status, wave }) => [title, status, wave]).sort()).toEqual([
      ['A', 'BLOCKED', 1],
      ['B', 'TODO', 0],
    ]);
    await nothingDrifted();
  });

  test('does not take the merge stage from under attempts that are live', async () => {
    const { engine } = fixture;
    const source = 'staged';
    const tasks = [{ key: 'a', title: 'A' }];
    const { run } = await engine.importPlan({ ...plan(tasks, { mergeStage: true }), source, start: true });
    const { taskId, attemptId } = await claim(run?.id as string);
    await engine.completeTask(taskId, { status: 'completed', attemptId });
    expect(await refusal(engine.importPlan({ ...plan(tasks, { mergeStage: false }), source }))).toMatchObject(
      {
        code: 'RUN_HAS_ATTEMPTS',
      },
    );
    await engine.requestMerge(attemptId);
    await engine.completeMerge(taskId, { attemptId });
    expect(await engine.getRun(run?.id as string)).toMatchObject({ status: 'SUCCEEDED' });
    await nothingDrifted();
  });
});

describe('deleting a run', () => {
  test('leaves claims that are repeated after it without an error', async () => {
    const { engine } = fixture;
    const run = await startRun([{ title: 'A' }]);
    const { claims } = await engine.claimNextTask(orchestrator.id, { requestId: 'once' });
    await engine.completeTask(claims[0]?.task.id as string, {
      status: 'completed',
      attemptId: claims[0]?.attempt.id,
    });
    await engine.deleteRun(run.id);
    await fixture.task(orchestrator);
    const again = await engine.claimNextTask(orchestrator.id, { requestId: 'once' });
    expect(again).toEqual({ claims: [], reason: 'NOTHING_ELIGIBLE' });
  });

  test('waits for a dependency on its tasks that is being made, and refuses then', async () => {
    const { engine } = fixture;
    const run = await fixture.engine.createRun({
      name: 'A run',
      orchestratorId: orchestrator.id,
      tasks: [{ title: 'A' }],
    });
    const { tasks } = await engine.getRunSnapshot(run.id);
    const outside = await fixture.task(orchestrator);
    // As addDependency does, but as slowly as it takes the other to begin.
    const { pool } = fixture.test.database;
    const holder = await pool.connect();
    try {
      const [prerequisite, dependent] = [uuidOf(tasks[0]?.id as string), uuidOf(outside.id)];
      await holder.query('BEGIN');
      await holder.query('SELECT 1 FROM tasks WHERE id = $1 FOR SHARE', [prerequisite]);
      await holder.query('INSERT INTO task_dependencies VALUES ($1, $2)', [dependent, prerequisite]);
      const deleted = refusal(engine.deleteRun(run.id));
      await untilSomebodyWaits();
      await holder.query('COMMIT');
      expect(await deleted).toMatchObject({ code: 'RUN_HAS_DEPENDENTS' });
    } finally {
      holder.release();
    }
  });
});

/** Until a session stands before a lock. */
async function untilSomebodyWaits(): Promise<void> {
  await until(async () => {
    const { rowCount } = await fixture.test.database.pool.query(
      `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
    );
    return (rowCount ?? 0) > 0;
  });
}

function uuidOf(id: string): string {
  return id.slice(id.indexOf('_') + 1);
}
