import { describe, expect, test } from 'vitest';
import type { Task } from '../src/index.js';
import { createFixture, type EngineFixture } from './support/engineFixture.js';
import { judgePlans, STATISTICS, setStatistics, type Touched } from './support/hotStatements.js';
import { watchPlans } from './support/plans.js';
import { writeUnwatched } from './support/writeUnwatched.js';

const DEPENDENTS = [
  `CREATE TEMP TABLE dependents ON COMMIT DROP AS
   SELECT (replace(left(t.id::text, 13), '-', '') || '7' || lpad(to_hex(n), 7, '0') || right(md5(t.id::text || n), 12))::uuid AS id,
          t.id AS prerequisite_id, t.workspace_id, t.orchestrator_id, n FROM tasks t, generate_series(1, $2::int) n WHERE t.id = $1`,
  `INSERT INTO tasks (id, workspace_id, orchestrator_id, created_at, updated_at, priority, status, title)
   SELECT id, workspace_id, orchestrator_id, now(), now(), 'LOW', 'BLOCKED', 'Dependent ' || n FROM dependents`,
  `INSERT INTO blocked_tasks (task_id, workspace_id, orchestrator_id, unmet, priority)
   SELECT id, workspace_id, orchestrator_id, 1, 'LOW' FROM dependents`,
  'INSERT INTO task_dependencies (dependent_id, prerequisite_id) SELECT id, prerequisite_id FROM dependents',
];

const bare = (task: Task) => task.id.slice('task_'.length);

/** Dependents that wait for nothing but the task, by SQL, as fast as the machine writes. */
async function addDependents(
  { test: { database } }: EngineFixture,
  task: Task,
  count: number,
): Promise<void> {
  await writeUnwatched(database.pool, async (client) => {
    for (const [at, statement] of DEPENDENTS.entries())
      await client.query(statement, at === 0 ? [bare(task), count] : []);
  });
}

/** Completes it and judges all that was read for it. Null: this server has no auto_explain. */
async function judgeCompletion(
  { engine, test: { database } }: EngineFixture,
  task: Task,
  limits: { rows: number; pages: number },
): Promise<Touched | null> {
  await engine.executeTask(task.orchestratorId as string, task.id);
  const { plans, done } = await watchPlans(database.pool);
  await engine.completeTask(task.id, { status: 'completed' });
  await done();
  return plans === null ? null : judgePlans('completion', plans, limits);
}

async function countFreed({ test: { database } }: EngineFixture, task: Task): Promise<number> {
  const { rows } = await database.pool.query<{ n: number }>(
    `SELECT count(*)::int AS n FROM tasks t JOIN task_dependencies d ON d.dependent_id = t.id JOIN ready_tasks r ON r.task_id = t.id
     WHERE d.prerequisite_id = $1 AND t.status = 'TODO' AND NOT EXISTS (SELECT FROM blocked_tasks b WHERE b.task_id = t.id)`,
    [bare(task)],
  );
  return rows[0]?.n ?? 0;
}

describe('where a task has 100,000 dependents, which the planner takes for usual', () => {
  // One connection: its plans are the ones that are watched.
  const fixture = createFixture({ poolSize: 1 });

  test('one with few is completed by reading few', async () => {
    const orchestrator = await fixture.orchestrator({ maxConcurrentTasks: 1_000 });
    await addDependents(fixture, await fixture.task(orchestrator), 100_000);
    await setStatistics(fixture.test.database.pool, 'gathered now');
    for (const dependents of [1, 5]) {
      // The first in a session reads catalogues for planning, and the sixth may be planned anew for all values.
      for (let n = 0; n < 7; n += 1) {
        const task = await fixture.task(orchestrator);
        await addDependents(fixture, task, dependents);
        const judged = await judgeCompletion(fixture, task, { rows: 300, pages: 600 });
        expect(await countFreed(fixture, task)).toBe(dependents);
        if (judged === null) return; // auto_explain is not on this server; the embedded one has it.
        if (n > 0) expect(judged.problems.join('\n\n')).toBe('');
      }
    }
  });

  test.each(['block', 'cancel', 'release'] as const)(
    'one with few is cancelled by reading few: %s',
    async (policy) => {
      const orchestrator = await fixture.orchestrator();
      for (let n = 0; n < 7; n += 1) {
        const task = await fixture.task(orchestrator);
        await addDependents(fixture, task, 1);
        const { plans, done } = await watchPlans(fixture.test.database.pool);
        await fixture.engine.cancelTask(task.id, { onPrerequisiteFailure: policy });
        await done();
        if (plans === null) return; // auto_explain is not on this server; the embedded one has it.
        // Of the other tables there is little here, which may as well be read.
        const { problems } = judgePlans('cancelling', plans, { rows: 300, pages: 600 }, { small: true });
        if (n > 0) expect(problems.join('\n\n')).toBe('');
      }
    },
  );
});

describe.each(STATISTICS)('with statistics %s', (statistics) => {
  const fixture = createFixture({ poolSize: 1 });

  test('a task with 20,000 dependents is completed by reading each a few times', async () => {
    const orchestrator = await fixture.orchestrator();
    const task = await fixture.task(orchestrator);
    await addDependents(fixture, task, 20_000);
    await setStatistics(fixture.test.database.pool, statistics);
    const judged = await judgeCompletion(fixture, task, { rows: 20_100, pages: 20_000 * 25 });
    expect(await countFreed(fixture, task)).toBe(20_000);
    if (judged === null) return; // auto_explain is not on this server; the embedded one has it.
    expect(judged.problems.join('\n\n')).toBe('');
  });
});

describe('with statistics gathered when each prerequisite had one dependent', () => {
  const fixture = createFixture({ poolSize: 1 });

  test('20,000 dependents of one task are freed by reading each a few times', async () => {
    const orchestrator = await fixture.orchestrator();
    const { pool } = fixture.test.database;
    for (let n = 0; n < 50; n += 1) await addDependents(fixture, await fixture.task(orchestrator), 1);
    await setStatistics(pool, 'gathered now');
    const task = await fixture.task(orchestrator);
    await addDependents(fixture, task, 20_000);
    const judged = await judgeCompletion(fixture, task, { rows: 20_100, pages: 20_000 * 25 });
    expect(await countFreed(fixture, task)).toBe(20_000);
    if (judged === null) return; // auto_explain is not on this server; the embedded one has it.
    expect(judged.problems.join('\n\n')).toBe('');
  });
});
