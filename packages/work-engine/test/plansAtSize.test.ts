import { expect, test } from 'vitest';
import { createFixture } from './support/engineFixture.js';
import { fillHouse, judgeHotCalls, STATISTICS, setStatistics, sweepUp } from './support/hotStatements.js';

// One connection: its plans are the ones that are watched. The same with a million tasks: plansAtSize.proof.ts.
const fixture = createFixture({ poolSize: 1 });

let fixtureSize = 4_000;

test.each([1_000, 20_000])(
  'with %i open tasks no hot statement reads much more than it returns, whatever the planner was told',
  async (count) => {
    const orchestrator = await fixture.orchestrator({ maxConcurrentTasks: 1_000 });
    await fillHouse(fixture.test.database.pool, orchestrator.id, count);
    // A long history is summed up once.
    await sweepUp(fixture.engine);
    for (const statistics of STATISTICS) {
      await setStatistics(fixture.test.database.pool, statistics);
      const judged = await judgeHotCalls(fixture, orchestrator.id, { small: count <= 1_000 });
      if (judged === null) return; // auto_explain is not on this server; the embedded one has it.
      for (const { name, problems } of judged)
        expect(problems.join('\n\n'), `${name}, statistics ${statistics}`).toBe('');
    }
  },
);

test.each([
  ['ready_tasks_orchestrator_id_run_id_priority_due_at_created__idx', 'select'],
  ['delayed_tasks_orchestrator_id_available_at_idx', 'claim and settle: completed'],
  ['task_dependencies_prerequisite_id_dependent_id_idx', 'claim and settle: completed'],
  ['claim_requests_created_at_idx', 'sweep, nothing to do'],
  ['events_task_id_seq_idx', "a task's events"],
  ['tasks_parent_id_idx', 'context'],
  ['tasks_orchestrator_id_created_at_id_idx', 'context'],
  ['attempts_task_id_number_idx', 'context'],
  ['task_outcomes_orchestrator_id_finished_at_idx', 'statistics of another'],
  ['blocked_tasks_orchestrator_id_priority_idx', 'statistics of another'],
])('this check objects when %s is gone: %s', async (index, only) => {
  const { pool } = fixture.test.database;
  const orchestrator = await fixture.orchestrator({ maxConcurrentTasks: 1_000 });
  // Beside what the tests before have made.
  fixtureSize += 1_000;
  await fillHouse(pool, orchestrator.id, only.startsWith('claim') ? fixtureSize * 10 : fixtureSize);
  await setStatistics(pool, 'gathered now');
  const { rows } = await pool.query<{ definition: string }>(
    'SELECT pg_get_indexdef($1::regclass) AS definition',
    [index],
  );
  await pool.query(`DROP INDEX ${index}`);
  try {
    const judged = await judgeHotCalls(fixture, orchestrator.id, { small: false, only });
    if (judged === null) return; // auto_explain is not on this server; the embedded one has it.
    expect(judged.flatMap(({ problems }) => problems)).not.toEqual([]);
  } finally {
    await pool.query(rows[0]?.definition as string);
  }
});
