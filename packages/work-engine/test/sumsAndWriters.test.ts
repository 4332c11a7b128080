import { expect, test } from 'vitest';
import { createFixture } from './support/engineFixture.js';

const fixture = createFixture();
const ORCHESTRATORS = 5;

test('a long transaction that writes outcomes holds a sweep up once, not once for each orchestrator', async () => {
  const { pool } = fixture.test.database;
  for (let made = 0; made < ORCHESTRATORS; made += 1) {
    const orchestrator = await fixture.orchestrator();
    await fixture.task(orchestrator);
    const { claims } = await fixture.engine.claimNextTask(orchestrator.id);
    const [claim] = claims as [(typeof claims)[number]];
    await fixture.engine.completeTask(claim.task.id, { status: 'completed', attemptId: claim.attempt.id });
  }
  await pool.query(
    `UPDATE task_outcomes SET finished_at = finished_at - interval '3 days', claimed_at = claimed_at - interval '3 days'`,
  );
  const summedUp = async (): Promise<number> => {
    const { rows } = await pool.query<{ amount: number }>(
      'SELECT count(DISTINCT orchestrator_id)::int AS amount FROM outcome_days',
    );
    return rows[0]?.amount ?? 0;
  };

  const writer = await pool.connect();
  try {
    await writer.query('BEGIN');
    await writer.query('LOCK TABLE task_outcomes IN ROW EXCLUSIVE MODE');
    const begun = performance.now();
    await fixture.engine.sweepExpiredLeases();
    expect(performance.now() - begun).toBeLessThan(3_000);
    expect(await summedUp()).toBe(0);
  } finally {
    await writer.query('ROLLBACK');
    writer.release();
  }

  await fixture.engine.sweepExpiredLeases();
  expect(await summedUp()).toBe(ORCHESTRATORS);
});
