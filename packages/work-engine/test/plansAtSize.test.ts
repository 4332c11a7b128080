import { expect, test } from 'vitest';
import { createFixture } from './support/engineFixture.js';
import { fillHouse, judgeHotCalls, STATISTICS, setStatistics } from './support/hotStatements.js';

// One connection: its plans are the ones that are watched. The same with a million tasks: plansAtSize.proof.ts.
const fixture = createFixture({ poolSize: 1 });

test.each([1_000, 20_000])(
  'with %i open tasks no hot statement reads much more than it returns, whatever the planner was told',
  async (count) => {
    const orchestrator = await fixture.orchestrator({ maxConcurrentTasks: 1_000 });
    await fillHouse(fixture.test.database.pool, orchestrator.id, count);
    // A long history is summed up once.
    await fixture.engine.sweepExpiredLeases();
    for (const statistics of STATISTICS) {
      await setStatistics(fixture.test.database.pool, statistics);
      const judged = await judgeHotCalls(fixture, orchestrator.id, { small: count <= 1_000 });
      if (judged === null) return; // auto_explain is not on this server; the embedded one has it.
      for (const { name, problems } of judged)
        expect(problems.join('\n\n'), `${name}, statistics ${statistics}`).toBe('');
    }
  },
  120_000,
);
