import { expect, test } from 'vitest';
import { createFixture } from './support/engineFixture.js';
import { fillBacklog, watchPlans } from './support/plans.js';

// A proof: minutes, and gigabytes. Its short version, with 20,000 tasks, is in plans.test.ts.
const fixture = createFixture({ poolSize: 1, statementTimeoutMs: 600_000 });

test('with 1,000,000 claimable tasks of one orchestrator among 4,000,000, nothing takes longer than with a thousand', async () => {
  const { pool } = fixture.test.database;
  const [few, many, ...others] = [
    await fixture.orchestrator({ maxConcurrentTasks: 1_000 }),
    await fixture.orchestrator({ maxConcurrentTasks: 1_000 }),
    await fixture.orchestrator(),
    await fixture.orchestrator(),
    await fixture.orchestrator(),
  ];
  await fillBacklog(pool, few.id, 1_000);
  for (const { id } of [many, ...others]) await fillBacklog(pool, id, 1_000_000);
  await pool.query('ANALYZE');

  const median = async (call: () => Promise<unknown>): Promise<number> => {
    const times: number[] = [];
    for (let n = 0; n < 300; n += 1) {
      const begun = performance.now();
      await call();
      times.push(performance.now() - begun);
    }
    return times.sort((a, b) => a - b)[150] as number;
  };
  const measured: Record<string, [few: number, many: number]> = {};
  const measure = async (name: string, call: (id: string) => Promise<unknown>) => {
    measured[name] = [await median(() => call(few.id)), await median(() => call(many.id))];
  };
  await measure('select', (id) => fixture.engine.selectNextTask(id));
  await measure('select, one tag', (id) => fixture.engine.selectNextTask(id, { requireTags: ['t3'] }));
  await measure('select, two tags', (id) => fixture.engine.selectNextTask(id, { requireTags: ['t3', 't7'] }));
  await measure('select, an absent tag', (id) =>
    fixture.engine.selectNextTask(id, { requireTags: ['absent'] }),
  );
  await measure('rank 50', (id) => fixture.engine.rankTasks(id));
  await measure('claim and complete', async (id) => {
    const { claims } = await fixture.engine.claimNextTask(id);
    const [claim] = claims;
    expect(claim).toBeDefined();
    await fixture.engine.completeTask(claim?.task.id as string, {
      status: 'completed',
      attemptId: claim?.attempt.id,
    });
  });
  const { plans, done } = await watchPlans(pool);
  await fixture.engine.selectNextTask(many.id);
  await done();
  console.info(
    Object.entries(measured)
      .map(([name, [a, b]]) => `${name}: ${a.toFixed(3)} ms with 1,000, ${b.toFixed(3)} ms with 1,000,000`)
      .join('\n'),
  );
  console.info(plans?.find((plan) => plan.includes('ready_tasks_orchestrator_id_run_id_priority')));
  // Deeper indexes and a colder cache, but nothing that grows with the backlog.
  for (const [name, [a, b]] of Object.entries(measured)) expect(b, name).toBeLessThan(a * 4 + 2);
}, 1_200_000);
