import { expect, test } from 'vitest';
import { createFixture } from './support/engineFixture.js';

const fixture = createFixture({ poolSize: 6 });

test('a migration that gives tables another column under a working engine is felt by nobody', async () => {
  const { engine } = fixture;
  const { pool } = fixture.test.database;
  const orchestrator = await fixture.orchestrator({ maxConcurrentTasks: 100 });
  const run = await engine.createRun({
    name: 'A run',
    orchestratorId: orchestrator.id,
    tasks: Array.from({ length: 40 }, (_, n) => ({ key: `${n}`, title: `${n}` })),
    config: { maxConcurrentTasks: 20 },
  });
  await engine.startRun(run.id);
  const everything = () =>
    Promise.all(
      Array.from({ length: 6 }, async () => {
        const step = await engine.executeStep(run.id, () => 1);
        await engine.listTasks({ runId: run.id });
        await engine.getRunSnapshot(run.id);
        await engine.selectNextTask(orchestrator.id);
        await engine.updateTask((await fixture.task(orchestrator)).id, { title: 'Other' });
        return step;
      }),
    );
  // Every connection has its plans.
  for (let n = 0; n < 3; n += 1) await everything();
  for (const table of ['tasks', 'runs', 'leases', 'merges', 'events', 'orchestrators']) {
    await pool.query(`ALTER TABLE ${table} ADD COLUMN added_later text`);
    const steps = await everything();
    expect(steps.every((step) => step === null || step.settlement.status === 'DONE')).toBe(true);
  }
  const { repaired, runs } = await engine.recalculateAllStatuses();
  expect({ repaired, runs }).toEqual({ repaired: [], runs: [] });
});
