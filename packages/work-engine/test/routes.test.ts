import { type Completion, NeolithError, type Route } from '@neolith/contracts';
import { afterEach, describe, expect, test } from 'vitest';
import { createFixture } from './support/engineFixture.js';
import { codeOf } from './support/runs.js';

const fixture = createFixture();
let made = 0;

afterEach(() => {
  fixture.clock.now = null;
});

function routeTo(agent: string | null, overrides: Partial<Route> = {}): Route {
  return {
    agent,
    provider: agent === null ? null : 'acme',
    model: null,
    rule: 'hard bugs',
    strategy: 'auto',
    taskType: 'bug',
    complexity: 'high',
    confidence: 0.8,
    reason: 'It succeeds most often',
    candidates: [{ agent: agent ?? 'claude', state: agent === null ? 'held' : 'chosen', reason: '9 of 10' }],
    ...overrides,
  };
}

async function claim() {
  made += 1;
  const orchestrator = await fixture.orchestrator();
  const task = await fixture.task(orchestrator, { title: `T${made}` });
  const { claims } = await fixture.engine.claimNextTask(orchestrator.id, { agent: 'auto', leaseSeconds: 30 });
  return { taskId: task.id, attemptId: claims[0]?.attempt.id as string, orchestrator };
}

/** One attempt, told to its end. */
async function attempt(
  route: Route,
  completion: Partial<Completion> = { status: 'completed' },
  metrics: Record<string, unknown> = {},
) {
  const owned = await claim();
  await fixture.engine.completeTask(owned.taskId, {
    status: 'completed',
    ...completion,
    attemptId: owned.attemptId,
    metrics: { agent: route.agent, route, ...metrics },
  });
  return owned;
}

const figureOf = async (agent: string, taskType: string) =>
  (await fixture.engine.readAgentFigures()).figures.find(
    (one) => one.agent === agent && one.taskType === taskType,
  );

describe('the decision which agent does a task', () => {
  test('is shown with the attempt while it runs, and makes it that agent’s', async () => {
    const { taskId, attemptId } = await claim();
    const route = routeTo('claude');
    await fixture.engine.recordRoute(attemptId, route);
    const running = await fixture.engine.getTask(taskId);
    expect(running.attempts[0]).toMatchObject({ agent: 'claude', status: 'RUNNING', route });
    expect(await fixture.engine.getAttempt(attemptId)).toMatchObject({ route });
  });

  test('outlives an attempt that could tell nothing at its end', async () => {
    const { taskId, attemptId } = await claim();
    await fixture.engine.recordRoute(attemptId, routeTo(null));
    await fixture.engine.releaseAttempt(attemptId, { reason: 'No agent' });
    const { attempts } = await fixture.engine.getTask(taskId);
    // It was nobody's, so it stays with who might have been.
    expect(attempts[0]).toMatchObject({ agent: 'auto', status: 'CANCELLED', route: { agent: null } });
  });

  test('is one event, however often it is told', async () => {
    const { taskId, attemptId } = await claim();
    for (let time = 0; time < 3; time += 1) await fixture.engine.recordRoute(attemptId, routeTo('claude'));
    const routed = async () =>
      (await fixture.engine.listTaskEvents(taskId)).events.filter(({ type }) => type === 'attempt.routed');
    expect(await routed()).toMatchObject([
      {
        attemptId,
        data: {
          agent: 'claude',
          rule: 'hard bugs',
          strategy: 'auto',
          taskType: 'bug',
          reason: 'It succeeds most often',
        },
      },
    ]);
    await fixture.engine.recordRoute(attemptId, routeTo('codex'));
    expect(await routed()).toHaveLength(2);
  });

  test('is refused from an attempt that owns nothing, of another workspace, or that is none', async () => {
    const ended = await attempt(routeTo('claude'));
    const record = (id: string, engine = fixture.engine) => codeOf(engine.recordRoute(id, routeTo('codex')));
    expect(await record(ended.attemptId)).toBe('LEASE_LOST');
    expect(await record('attempt_0190a1b2-0000-7000-8000-000000000000')).toBe('ATTEMPT_NOT_FOUND');
    const { engine } = await fixture.foreign();
    const { attemptId } = await claim();
    expect(await record(attemptId, engine)).toBe('ATTEMPT_NOT_FOUND');
    await expect(
      fixture.engine.recordRoute(attemptId, { ...routeTo('x'), confidence: 2 }),
    ).rejects.toBeInstanceOf(NeolithError);
  });

  test('is read from what an attempt told at its end, where no call came through', async () => {
    const { taskId } = await attempt(routeTo('claude'));
    const { attempts } = await fixture.engine.getTask(taskId);
    expect(attempts[0]?.route).toEqual(routeTo('claude'));
  });
});

describe('figures of agents', () => {
  test('count successes and failures by type of task, and leave a provider’s and a machine’s faults out', async () => {
    const route = routeTo('counted', { taskType: 'docs' });
    await attempt(route, {}, { duration: 1_000, usage: { costUsd: 0.5 } });
    await attempt(route, {}, { duration: 3_000, usage: { costUsd: 1.5 } });
    await attempt(route, { status: 'failed', error: 'Wrong', failureClass: 'task' });
    await attempt(route, { status: 'failed', error: 'Crashed', failureClass: 'agent' });
    await attempt(route, { status: 'failed', error: 'Quota', failureClass: 'provider' });
    await attempt(route, { status: 'failed', error: 'Disk', failureClass: 'infrastructure' });
    await attempt(route, { status: 'blocked', error: 'Which?' });
    await attempt(route, {}, { reusedFrom: { taskId: 't', attemptId: 'a' } });
    const figure = await figureOf('counted', 'docs');
    expect(figure).toMatchObject({ attempts: 4, successes: 2, failures: 2 });
    expect(figure?.averageDurationMs).toBeGreaterThan(1_900);
    expect(figure?.averageDurationMs).toBeLessThan(2_100);
    expect(figure?.averageCostUsd).toBeCloseTo(1, 1);
    // The first counts a little less than the last.
    expect(figure?.recentSuccesses).toBeCloseTo(0.98 ** 3 + 0.98 ** 2, 6);
    expect(figure?.recentFailures).toBeCloseTo(0.98 + 1, 6);
    expect(await figureOf('counted', 'bug')).toBeUndefined();
  });

  test('forget what is older than their days, and know nothing of other workspaces', async () => {
    fixture.clock.now = new Date(Date.now() - 40 * 86_400_000);
    await attempt(routeTo('old', { taskType: 'chore' }));
    fixture.clock.now = null;
    expect(await figureOf('old', 'chore')).toBeUndefined();
    const { figures } = await fixture.engine.readAgentFigures({ days: 60 });
    expect(figures.find(({ agent }) => agent === 'old')).toMatchObject({ attempts: 1 });
    const { engine } = await fixture.foreign();
    expect((await engine.readAgentFigures({ days: 90 })).figures).toEqual([]);
    expect(await codeOf(fixture.engine.readAgentFigures({ days: 0 }))).toBe('INVALID_INPUT');
  });

  test('are counted along the index, a bounded number of attempts of each orchestrator', async () => {
    const { pool } = fixture.test.database;
    await attempt(routeTo('many', { taskType: 'test' }));
    await pool.query(
      `INSERT INTO attempts (id, task_id, workspace_id, orchestrator_id, claimed_at, ended_at, number, status, agent, metrics)
       SELECT gen_random_uuid(), task_id, workspace_id, orchestrator_id, claimed_at - n * interval '1 second', ended_at - n * interval '1 second', 1, status, agent, metrics
       FROM attempts, generate_series(1, 20000) n WHERE metrics ->> 'agent' = 'many'`,
    );
    await pool.query('ANALYZE attempts');
    const figure = await figureOf('many', 'test');
    expect(figure?.attempts).toBeGreaterThanOrEqual(20);
    expect(figure?.attempts).toBeLessThanOrEqual(500);
    const { AGENT_FIGURES } = await import('../src/store/readAgentFigures.js');
    const workspace = await pool.query<{ id: string }>("SELECT id FROM workspaces WHERE slug = 'test'");
    const plan = await pool.query<{ 'QUERY PLAN': string }>(
      `EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) ${AGENT_FIGURES.text
        .replaceAll('$1', `'${workspace.rows[0]?.id}'::uuid`)
        .replaceAll('$2', 'NULL')
        .replaceAll('$3', '30')}`,
    );
    const text = plan.rows.map((row) => row['QUERY PLAN']).join('\n');
    expect(text).toContain('attempts_orchestrator_id_ended_at_id_idx');
    expect(text).not.toMatch(/Seq Scan on attempts/);
  });
});
