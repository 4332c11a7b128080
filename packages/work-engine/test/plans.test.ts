import { describe, expect, test } from 'vitest';
import type { OrchestratorDetail } from '../src/index.js';
import { createFixture } from './support/engineFixture.js';
import { fillBacklog, watchPlans } from './support/plans.js';

// One connection: its plans are the ones that are watched.
const fixture = createFixture({ poolSize: 1 });

/** With 20,000 tasks of this orchestrator among 40,000, and nothing told to the planner about them. */
async function backlog(): Promise<OrchestratorDetail> {
  const orchestrator = await fixture.orchestrator({ maxConcurrentTasks: 500 });
  const other = await fixture.orchestrator();
  for (const { id } of [orchestrator, other]) await fillBacklog(fixture.test.database.pool, id, 20_000);
  return orchestrator;
}

const HOT = [
  'ready_tasks',
  'ready_task_tags',
  'delayed_tasks',
  'blocked_tasks',
  'tasks',
  'attempts',
  'events',
  'task_dependencies',
];

describe('with 40,000 claimable tasks', () => {
  test.each(['before the tables have statistics', 'after'])(
    'selection, claims and completions probe indexes and read no table: %s',
    async (when) => {
      const { pool } = fixture.test.database;
      const orchestrator = await backlog();
      if (when === 'after') await pool.query('ANALYZE');
      const { plans, done } = await watchPlans(pool);
      if (plans === null) return; // auto_explain is not on this server; the embedded one has it.
      const [next, tagged] = [
        await fixture.engine.selectNextTask(orchestrator.id),
        await fixture.engine.selectNextTask(orchestrator.id, {
          requireTags: ['t3', 't7'],
          minPriority: 'MEDIUM',
        }),
      ];
      expect(next).not.toBeNull();
      expect(tagged?.tags).toEqual(expect.arrayContaining(['t3', 't7']));
      const { claims } = await fixture.engine.claimNextTask(orchestrator.id, { max: 5 });
      await fixture.engine.claimNextTask(orchestrator.id, {
        max: 2,
        criteria: { requireTags: ['t1'], excludeTags: ['t2'] },
      });
      expect(claims[0]?.task.id).toBe(next?.id);
      for (const { task, attempt } of claims)
        await fixture.engine.completeTask(task.id, { status: 'completed', attemptId: attempt.id });
      await done();

      const probes = plans.filter((plan) =>
        plan.includes('ready_tasks_orchestrator_id_run_id_priority_due_at'),
      );
      expect(probes.length).toBeGreaterThanOrEqual(2);
      for (const plan of plans) {
        for (const table of HOT) expect(plan).not.toMatch(new RegExp(`Seq Scan on ${table}\\b`));
        // No step of any plan touches much more than what it asks for; two tags are counted, up to a thousand tasks each.
        const rows = [...plan.matchAll(/rows=(\d+)(?:\.\d+)? loops=(\d+)\)/g)].map(
          ([, r, loops]) => Number(r) * Number(loops),
        );
        expect(Math.max(0, ...rows), plan).toBeLessThan(2_100);
        const removed = [...plan.matchAll(/Rows Removed by (?:Join )?Filter: (\d+)/g)].map(([, n]) =>
          Number(n),
        );
        expect(Math.max(0, ...removed), plan).toBeLessThan(2_100);
      }
    },
  );
});

test.each(['before the tables have statistics', 'after'])(
  'with 20,000 tasks in forty runs, of which few hand out, only those are probed: %s',
  async (when) => {
    const { pool } = fixture.test.database;
    const orchestrator = await fixture.orchestrator({ maxConcurrentTasks: 500 });
    const runs = await Promise.all(
      Array.from({ length: 40 }, (_, n) =>
        fixture.engine.createRun({
          name: `Run ${n}`,
          config: { mergeStage: n === 0, maxConcurrentTasks: n === 2 ? 1 : 100 },
        }),
      ),
    );
    await fillBacklog(
      pool,
      orchestrator.id,
      20_000,
      runs.map((run) => run.id),
    );
    for (const run of runs.slice(0, 4)) await fixture.engine.startRun(run.id);
    await fixture.engine.pauseRun(runs[3]?.id as string);
    const full = await fixture.engine.claimNextTask(orchestrator.id, { criteria: { runId: runs[2]?.id } });
    expect(full.claims).toHaveLength(1);
    if (when === 'after') await pool.query('ANALYZE');
    const { plans, done } = await watchPlans(pool);
    if (plans === null) return; // auto_explain is not on this server; the embedded one has it.
    const next = await fixture.engine.selectNextTask(orchestrator.id);
    const { claims } = await fixture.engine.claimNextTask(orchestrator.id, { max: 6 });
    claims.push(
      ...(await fixture.engine.claimNextTask(orchestrator.id, { max: 2, criteria: { runId: runs[0]?.id } }))
        .claims,
    );
    await fixture.engine.selectNextTask(orchestrator.id, { requireTags: ['t3'] });
    for (const { task, attempt } of claims) {
      await fixture.engine.completeTask(task.id, { status: 'completed', attemptId: attempt.id });
      if (task.runId !== runs[0]?.id) continue;
      await fixture.engine.requestMerge(attempt.id);
      await fixture.engine.completeMerge(task.id, { attemptId: attempt.id });
    }
    await done();
    expect(claims[0]?.task.id).toBe(next?.id);
    expect(claims).toHaveLength(8);
    for (const { task } of claims) expect([runs[0]?.id, runs[1]?.id]).toContain(task.runId);
    for (const plan of plans) {
      for (const table of HOT) expect(plan).not.toMatch(new RegExp(`Seq Scan on ${table}\\b`));
      // Forty queues are looked at, and the heads of those that hand out.
      const rows = [...plan.matchAll(/rows=(\d+)(?:\.\d+)? loops=(\d+)\)/g)].map(
        ([, r, loops]) => Number(r) * Number(loops),
      );
      expect(Math.max(0, ...rows), plan).toBeLessThan(200);
      const removed = [...plan.matchAll(/Rows Removed by (?:Join )?Filter: (\d+)/g)].map(([, n]) =>
        Number(n),
      );
      expect(Math.max(0, ...removed), plan).toBeLessThan(200);
    }
  },
);

test('the ages of queues are found by probes of their indexes, and no queue is sorted', async () => {
  const { pool } = fixture.test.database;
  await backlog();
  await pool.query('ANALYZE');
  const { plans, done } = await watchPlans(pool);
  if (plans === null) return;
  // More than five times: the plan for any input is the one that stays.
  for (let times = 0; times < 7; times += 1) await fixture.engine.readQueueFigures();
  await done();
  const ages = plans.filter((plan) => plan.includes('ready_tasks z'));
  expect(ages).toHaveLength(7);
  for (const plan of ages) {
    const scans = plan.match(/\S+ Scan[^\n]* on ready_tasks z\w*/g) ?? [];
    expect(scans.length).toBeGreaterThanOrEqual(5);
    for (const scan of scans)
      expect(scan).toMatch(/^(?:Index (?:Only )?|Only )Scan using ready_tasks_orchestrator_id_/);
    expect(plan).not.toMatch(/Sort Key: z\w*\./);
  }
});

test('many claims at once probe the queue, also when they are planned while the statistics know of one task', async () => {
  const own = fixture.test.database.pool;
  const orchestrator = await fixture.orchestrator({ maxConcurrentTasks: 500 });
  await own.query('DELETE FROM ready_tasks');
  await fixture.task(orchestrator);
  await own.query('VACUUM (ANALYZE) ready_tasks');
  await fixture.engine.createTasks(
    Array.from({ length: 2_000 }, (_, n) => ({ title: `${n}`, orchestratorId: orchestrator.id })),
  );
  const { plans, done } = await watchPlans(own);
  if (plans === null) return; // auto_explain is not on this server; the embedded one has it.
  const { claims } = await fixture.engine.claimNextTask(orchestrator.id, { max: 100 });
  await done();
  expect(claims).toHaveLength(100);
  const takings = plans.filter((plan) => /Delete on ready_tasks|Update on tasks/.test(plan));
  expect(takings.length).toBeGreaterThan(1);
  for (const plan of takings) {
    const removed = [...plan.matchAll(/Rows Removed by (?:Join )?Filter: (\d+)/g)].map(([, n]) => Number(n));
    expect(Math.max(0, ...removed), plan).toBeLessThan(200);
  }
});

test('many endings at once probe the leases, also when they are planned while the statistics know of one', async () => {
  const { pool } = fixture.test.database;
  const orchestrator = await fixture.orchestrator({ maxConcurrentTasks: 500 });
  await fixture.engine.createTasks(
    Array.from({ length: 120 }, (_, n) => ({ title: `${n}`, orchestratorId: orchestrator.id })),
  );
  await fixture.engine.claimNextTask(orchestrator.id);
  await pool.query('VACUUM (ANALYZE) leases');
  const { claims } = await fixture.engine.claimNextTask(orchestrator.id, { max: 100 });
  const { plans, done } = await watchPlans(pool);
  if (plans === null) return; // auto_explain is not on this server; the embedded one has it.
  await Promise.all(
    claims.map(({ task, attempt }, n) =>
      fixture.engine.completeTask(
        task.id,
        n % 2 === 0
          ? { status: 'completed', attemptId: attempt.id }
          : { status: 'failed', error: 'no', attemptId: attempt.id },
      ),
    ),
  );
  await done();
  const endings = plans.filter((plan) => plan.includes('Delete on leases'));
  expect(endings.length).toBeGreaterThan(0);
  for (const plan of endings) {
    const removed = [...plan.matchAll(/Rows Removed by (?:Join )?Filter: (\d+)/g)].map(([, n]) => Number(n));
    expect(Math.max(0, ...removed), plan).toBeLessThan(200);
  }
});

test("a task's row is updated in place by its claim and by its completion: no index is written", async () => {
  const { pool } = fixture.test.database;
  const orchestrator = await fixture.orchestrator({ maxConcurrentTasks: 500 });
  await fixture.engine.createTasks(
    Array.from({ length: 400 }, (_, n) => ({
      title: `${n}`,
      orchestratorId: orchestrator.id,
      description: 'd'.repeat(n * 10),
      tags: ['a', 'b'],
    })),
  );
  const read = async () => {
    await pool.query('SELECT pg_stat_force_next_flush()');
    const { rows } = await pool.query<{ relname: string; updated: number; hot: number }>(
      `SELECT relname, n_tup_upd::int AS updated, n_tup_hot_upd::int AS hot FROM pg_stat_user_tables WHERE relname IN ('tasks', 'leases') ORDER BY relname`,
    );
    return rows;
  };
  const before = await read();
  for (let batch = 0; batch < 8; batch += 1) {
    const { claims } = await fixture.engine.claimNextTask(orchestrator.id, { max: 50 });
    expect(claims).toHaveLength(50);
    for (const { task, attempt } of claims) {
      await fixture.engine.renewLease(attempt.id);
      await fixture.engine.completeTask(task.id, { status: 'completed', attemptId: attempt.id });
    }
  }
  const after = await read();
  const [leases, tasks] = after.map((row, n) => ({
    updated: row.updated - (before[n]?.updated ?? 0),
    hot: row.hot - (before[n]?.hot ?? 0),
  }));
  expect(tasks?.updated).toBe(800);
  expect((tasks?.hot ?? 0) / 800).toBeGreaterThan(0.9);
  expect(leases?.updated).toBe(400);
  expect((leases?.hot ?? 0) / 400).toBeGreaterThan(0.9);
});
