import type { AttemptUsage } from '@neolith/contracts';
import { afterEach, describe, expect, it } from 'vitest';
import { createFixture } from './support/engineFixture.js';
import { refusal } from './support/history.js';
import { watchPlans } from './support/plans.js';

// One connection: its plans are the ones that are watched.
const fixture = createFixture({ poolSize: 1 });

afterEach(() => {
  fixture.clock.now = null;
});

const USAGE: AttemptUsage = {
  inputTokens: 100,
  outputTokens: 20,
  cacheReadTokens: 3,
  cacheWriteTokens: 4,
  costUsd: 0.1,
  model: 'large',
  turns: 2,
};

/** One attempt at the best task of an orchestrator, with what it used up. */
async function attempt(
  orchestratorId: string,
  usage: unknown,
  status: 'completed' | 'failed' = 'completed',
): Promise<string> {
  const { claims } = await fixture.engine.claimNextTask(orchestratorId, { leaseSeconds: null });
  const claim = claims[0];
  if (claim === undefined) throw new Error('There was nothing to claim');
  await fixture.engine.completeTask(claim.task.id, {
    status,
    attemptId: claim.attempt.id,
    metrics: usage === undefined ? {} : { usage: usage as AttemptUsage },
  });
  return claim.attempt.id;
}

describe('what an attempt used up', () => {
  it('is on the attempt, as far as it told it', async () => {
    const orchestrator = await fixture.orchestrator();
    for (const usage of [USAGE, { outputTokens: 7, later: 'more' }, undefined])
      await fixture.task(orchestrator, { title: JSON.stringify(usage) ?? 'none' });
    const ids = [];
    for (const usage of [USAGE, { outputTokens: 7, later: 'more' }, undefined])
      ids.push(await attempt(orchestrator.id, usage));
    const attempts = await Promise.all(ids.map((id) => fixture.engine.getAttempt(id)));
    expect(attempts.map(({ usage }) => usage)).toEqual([USAGE, { outputTokens: 7 }, null]);
    expect(attempts[1]?.metrics).toMatchObject({ usage: { later: 'more' } });
    const task = await fixture.engine.getTask(attempts[0]?.taskId as string);
    expect(task.attempts[0]?.usage).toEqual(USAGE);
  });

  it('is refused where it is none, and nothing is stored', async () => {
    const orchestrator = await fixture.orchestrator();
    const task = await fixture.task(orchestrator);
    const { claims } = await fixture.engine.claimNextTask(orchestrator.id, { leaseSeconds: null });
    for (const usage of [
      'much',
      { inputTokens: -1 },
      { inputTokens: 0.5 },
      { costUsd: '1' },
      { turns: 1e10 },
    ]) {
      const call = fixture.engine.completeTask(task.id, {
        status: 'completed',
        attemptId: claims[0]?.attempt.id,
        metrics: { usage: usage as AttemptUsage },
      });
      expect((await refusal(call)).code).toBe('INVALID_INPUT');
    }
    expect((await fixture.engine.getTask(task.id)).status).toBe('IN_PROGRESS');
  });

  it('that an older version stored in another form counts for nothing and breaks nothing', async () => {
    const orchestrator = await fixture.orchestrator();
    const task = await fixture.task(orchestrator);
    const id = await attempt(orchestrator.id, USAGE);
    for (const [index, usage] of [
      '"much"',
      '{"inputTokens": "9", "costUsd": -3, "turns": 1e400}',
      '[1]',
    ].entries())
      await fixture.test.database.pool.query(
        `INSERT INTO attempts (id, task_id, workspace_id, orchestrator_id, claimed_at, ended_at, number, status, metrics)
         SELECT gen_random_uuid(), task_id, workspace_id, orchestrator_id, claimed_at, ended_at, $2, status, jsonb_build_object('usage', $3::jsonb)
         FROM attempts WHERE id = $1`,
        [id.slice(4), index + 2, usage],
      );
    const { attempts } = await fixture.engine.getTask(task.id);
    expect(attempts.map(({ usage }) => usage)).toEqual([null, null, null, USAGE]);
    const stats = await fixture.engine.getOrchestratorExecutionStats(orchestrator.id);
    expect(stats.usage).toMatchObject({ attempts: 2, inputTokens: 100, costUsd: 0.1, turns: 1e15 + 2 });
  });
});

describe('what several attempts used up', () => {
  it('is summed for their run, with those that failed, and for their orchestrator over the range', async () => {
    const { engine, clock } = fixture;
    clock.now = new Date();
    const orchestrator = await fixture.orchestrator();
    const run = await engine.createRun({
      name: 'Costly',
      orchestratorId: orchestrator.id,
      tasks: [{ title: 'One', priority: 'HIGH' }, { title: 'Two' }],
    });
    await engine.startRun(run.id);
    expect((await engine.getProgress(run.id)).usage).toBeNull();
    expect((await engine.getRunSnapshot(run.id)).usage).toBeNull();
    expect((await engine.getOrchestratorExecutionStats(orchestrator.id)).usage).toBeNull();

    await attempt(orchestrator.id, USAGE, 'failed');
    clock.advanceSeconds(3_600);
    await engine.sweepExpiredLeases();
    await attempt(orchestrator.id, { ...USAGE, costUsd: 0.2 });
    await attempt(orchestrator.id, { inputTokens: 1 });
    const sum = {
      attempts: 3,
      inputTokens: 201,
      outputTokens: 40,
      cacheReadTokens: 6,
      cacheWriteTokens: 8,
      costUsd: 0.3,
      turns: 4,
    };
    expect((await engine.getProgress(run.id)).usage).toEqual(sum);
    expect((await engine.getRunSnapshot(run.id)).usage).toEqual(sum);

    // Beside the run, and outside of the range.
    await fixture.task(orchestrator);
    clock.advanceSeconds(3_600);
    await attempt(orchestrator.id, { outputTokens: 5 });
    expect((await engine.getProgress(run.id)).usage).toEqual(sum);
    const end = clock.now as Date;
    const stats = await engine.getOrchestratorExecutionStats(orchestrator.id, {
      start: new Date(end.getTime() - 7_000_000),
      end,
    });
    // Neither the first, before the range, nor the one that ended at its very end.
    expect(stats.usage).toEqual({
      ...sum,
      attempts: 2,
      inputTokens: 101,
      outputTokens: 20,
      cacheReadTokens: 3,
      cacheWriteTokens: 4,
      costUsd: 0.2,
      turns: 2,
    });
    const later = await engine.getOrchestratorExecutionStats(orchestrator.id, {
      start: end,
      end: new Date(end.getTime() + 1),
    });
    expect(later.usage).toMatchObject({ attempts: 1, outputTokens: 5, costUsd: null });
    const idle = await fixture.orchestrator();
    expect((await engine.getOrchestratorExecutionStats(idle.id)).usage).toBeNull();
  });

  it('is probed by indexes, however many attempts there are', async () => {
    const { pool } = fixture.test.database;
    const orchestrator = await fixture.orchestrator();
    const run = await fixture.engine.createRun({
      name: 'Large',
      orchestratorId: orchestrator.id,
      tasks: [{ title: 'T' }],
    });
    for (const share of [`'${run.id.slice(4)}'::uuid`, 'gen_random_uuid()'])
      await pool.query(
        `INSERT INTO attempt_usages (attempt_id, orchestrator_id, run_id, ended_at, input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, turns)
         SELECT gen_random_uuid(), gen_random_uuid(), CASE WHEN n % 100 = 0 THEN ${share} ELSE gen_random_uuid() END, now(), 1, 1, 1, 1, 1 FROM generate_series(1, 20000) n`,
      );
    await pool.query('ANALYZE attempt_usages');
    const { plans, done } = await watchPlans(pool);
    if (plans === null) return; // auto_explain is not on this server; the embedded one has it.
    expect((await fixture.engine.getProgress(run.id)).usage).toMatchObject({ attempts: 200 });
    await fixture.engine.getOrchestratorExecutionStats(orchestrator.id);
    await done();
    const own = plans.filter((plan) => plan.includes('attempt_usages'));
    expect(own.length).toBeGreaterThanOrEqual(2);
    for (const plan of own) expect(plan).not.toContain('Seq Scan on attempt_usages');
  });
});
