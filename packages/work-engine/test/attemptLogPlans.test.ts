import { expect, test } from 'vitest';
import { createFixture } from './support/engineFixture.js';
import { watchPlans } from './support/plans.js';

// One connection: its plans are the ones that are watched.
const fixture = createFixture({ poolSize: 1 });

test.each(['before the tables have statistics', 'after'])(
  'logs are written, read, followed and trimmed by probes, however many there are: %s',
  async (when) => {
    const { engine } = fixture;
    const { pool } = fixture.test.database;
    const orchestrator = await fixture.orchestrator();
    const task = await fixture.task(orchestrator);
    const execution = await engine.executeTask(orchestrator.id, task.id);
    const attemptId = execution.status === 'in_progress' ? execution.attemptId : '';
    await pool.query(
      `WITH logs AS (
         INSERT INTO attempt_logs (attempt_id, workspace_id, created_at, chunks, last_seq)
         SELECT gen_random_uuid(), t.workspace_id, now(), 100, 100 FROM tasks t, generate_series(1, 300) WHERE t.id = $1 RETURNING attempt_id)
       INSERT INTO attempt_log_chunks (attempt_id, seq, lines, bytes, at, entries)
       SELECT attempt_id, n, 1, 10, now(), '[["stdout", "x"]]' FROM logs, generate_series(1, 100) n`,
      [task.id.slice('task_'.length)],
    );
    for (let sequence = 1; sequence <= 50; sequence += 1)
      await engine.appendAttemptLog(attemptId, {
        sequence,
        entries: [{ stream: 'stdout', text: `${sequence}` }],
      });
    if (when === 'after') await pool.query('ANALYZE');
    const { plans, done } = await watchPlans(pool);
    if (plans === null) return; // auto_explain is not on this server; the embedded one has it.
    await engine.appendAttemptLog(attemptId, { sequence: 51, entries: [{ stream: 'stdout', text: 'a' }] });
    await pool.query(
      `SELECT * FROM append_attempt_log($1, 52, '[["stdout","b"]]', 2, 1, 0, false, 2000, NULL, NULL)`,
      [attemptId.slice('att_'.length)],
    );
    const [page, tail] = [
      await engine.readAttemptLog(attemptId, { after: 40 }),
      await engine.readAttemptLog(attemptId, { tail: 3 }),
    ];
    await engine.sweepExpiredLeases();
    await done();
    expect(page.next).toBe(52);
    expect(tail.chunks.length).toBeGreaterThan(0);
    const own = plans.filter((plan) => plan.includes('attempt_log'));
    expect(own.length).toBeGreaterThanOrEqual(6);
    for (const plan of own) expect(plan).not.toMatch(/Seq Scan on attempt_log/);
  },
);
