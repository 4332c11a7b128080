import { expect, test } from 'vitest';
import { createFixture } from './support/engineFixture.js';
import {
  fillHouse,
  judgeHotCalls,
  STATISTICS,
  setStatistics,
  sweepUp,
  type Touched,
} from './support/hotStatements.js';

// Part of `npm run bench:check`. Its short version, with 1,000 and 20,000 tasks, is plansAtSize.test.ts.
const fixture = createFixture({ poolSize: 1, statementTimeoutMs: 600_000 });
const COUNT = Number(process.env.NEOLITH_PLAN_TASKS ?? 1_000_000);
let orchestratorId = '';

test('the house is full', async () => {
  const orchestrator = await fixture.orchestrator({ maxConcurrentTasks: 1_000 });
  orchestratorId = orchestrator.id;
  const { pool } = fixture.test.database;
  const start = performance.now();
  await fillHouse(pool, orchestratorId, COUNT);
  console.info(`${COUNT} tasks in ${((performance.now() - start) / 1_000).toFixed(1)} s`);
  await sweepUp(fixture.engine);
  const { rows } = await pool.query('SELECT count(*)::int AS open FROM tasks');
  expect(rows[0].open).toBeGreaterThanOrEqual(COUNT);
}, 600_000);

test.each(STATISTICS)(
  'with a million open tasks no hot statement reads much more than it returns: statistics %s',
  async (statistics) => {
    await setStatistics(fixture.test.database.pool, statistics);
    const judged = await judgeHotCalls(fixture, orchestratorId, { small: false });
    if (judged === null) return; // auto_explain is not on this server; the embedded one has it.
    console.info(judged.map(line).join('\n'));
    for (const { name, problems } of judged) expect(problems.join('\n\n'), name).toBe('');
  },
);

const line = ({ name, statements, rows, pages }: Touched): string =>
  `${name}: ${statements} statements, at most ${rows} rows in a step, ${pages} pages`;
