import { DEFAULT_BACKOFF } from '@neolith/contracts';
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createWorkEngine } from '../src/createWorkEngine.js';
import { longestDelay, retryDelay } from '../src/domain/retryDelay.js';
import type { BackoffSettings, OrchestratorDetail, WorkEngine } from '../src/index.js';
import { createFixture } from './support/engineFixture.js';
import { refusal } from './support/history.js';

const fixture = createFixture();
const NOW = new Date('2026-03-09T12:00:00Z');

let draw = 0.5;
let engine: WorkEngine;
let orchestrator: OrchestratorDetail;

beforeAll(async () => {
  orchestrator = await fixture.orchestrator({ maxConcurrentTasks: 100 });
  engine = createWorkEngine({
    ...fixture.test.database,
    clock: () => fixture.clock.now as Date,
    random: () => draw,
  }).as({ workspaceId: orchestrator.workspaceId });
});
afterAll(() => engine.close());
beforeEach(() => {
  fixture.clock.now = NOW;
  draw = 0.5;
});

/** Fails a task so often, and says how long it waits each time, in seconds. */
async function waitsOf(taskId: string, failures: number, failureClass?: 'provider' | 'infrastructure') {
  const waits: number[] = [];
  for (let n = 0; n < failures; n += 1) {
    const execution = await engine.executeTask(orchestrator.id, taskId);
    if (execution.status !== 'in_progress') throw new Error(execution.error);
    const { settledAt, availableAt } = await engine.completeTask(taskId, {
      status: 'failed',
      error: 'Red',
      ...(failureClass === undefined ? {} : { failureClass }),
    });
    if (availableAt === null) throw new Error(`It is not tried again after failure ${n + 1}`);
    waits.push((availableAt.getTime() - settledAt.getTime()) / 1_000);
    fixture.clock.now = new Date(availableAt.getTime() + 1);
  }
  return waits;
}

async function taskIn(run: BackoffSettings | null, task: BackoffSettings | null): Promise<string> {
  if (run === null)
    return (
      await fixture.task(orchestrator, { maxAttempts: 100, ...(task === null ? {} : { backoff: task }) })
    ).id;
  const made = await engine.createRun({
    name: 'A run',
    orchestratorId: orchestrator.id,
    config: { backoff: run, failurePolicy: 'continue' },
    tasks: [{ title: 'A', maxAttempts: 100, ...(task === null ? {} : { backoff: task }) }],
  });
  await engine.startRun(made.id);
  const { tasks } = await engine.listTasks({ runId: made.id });
  return tasks[0]?.id as string;
}

const backoffs = fc.record({
  baseSeconds: fc.integer({ min: 0, max: 86_400 }),
  factor: fc.double({ min: 1, max: 10, noNaN: true }),
  capSeconds: fc.integer({ min: 0, max: 604_800 }),
});
// As Math.random gives them.
const draws = fc.maxSafeNat().map((n) => n / 2 ** 53);

describe('the rule', () => {
  test('a wait is evenly spread from nothing to what it is shorter than, which grows to the cap and stays there', () => {
    fc.assert(
      fc.property(backoffs, fc.integer({ min: 1, max: 1_000 }), draws, (backoff, failures, share) => {
        const longest = longestDelay(backoff, failures);
        expect(longest).toBeGreaterThanOrEqual(0);
        expect(longest).toBeLessThanOrEqual(backoff.capSeconds);
        expect(longestDelay(backoff, failures + 1)).toBeGreaterThanOrEqual(longest);
        expect(longestDelay(backoff, 1)).toBe(Math.min(backoff.baseSeconds, backoff.capSeconds));
        // Even: the share of the span is the draw itself, and the draw is even.
        expect(retryDelay(backoff, failures, share)).toBe(share * longest);
      }),
    );
    expect([1, 2, 3, 7, 100].map((k) => longestDelay(DEFAULT_BACKOFF, k))).toEqual([10, 20, 40, 600, 600]);
  });

  test('is the same in the database', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(backoffs, fc.integer({ min: 1, max: 1_000 }), draws), {
          minLength: 1,
          maxLength: 50,
        }),
        async (cases) => {
          const { rows } = await fixture.test.database.pool.query<{ seconds: number }>(
            'SELECT retry_seconds(b, k, d) AS seconds FROM unnest($1::jsonb[], $2::int[], $3::float8[]) WITH ORDINALITY AS c(b, k, d, n) ORDER BY n',
            [cases.map(([b]) => JSON.stringify(b)), cases.map(([, k]) => k), cases.map(([, , d]) => d)],
          );
          for (const [n, [backoff, failures, share]] of cases.entries()) {
            const expected = retryDelay(backoff, failures, share);
            expect(Math.abs((rows[n]?.seconds ?? Number.NaN) - expected)).toBeLessThanOrEqual(
              expected * 1e-9,
            );
          }
        },
      ),
      { numRuns: 20 },
    );
  });
});

describe('a failed task waits', () => {
  test.each<[string, BackoffSettings | null, BackoffSettings | null, number[]]>([
    ['as by default', null, null, [5, 10, 20, 40, 80, 160, 300, 300]],
    ['as it says itself', null, { baseSeconds: 2, factor: 3, capSeconds: 30 }, [1, 3, 9, 15, 15]],
    ['as its run says', { baseSeconds: 100, factor: 1, capSeconds: 600 }, null, [50, 50, 50]],
    ['as it says, over its run', { baseSeconds: 100, factor: 1 }, { baseSeconds: 60 }, [30, 30, 30]],
    ['by its run in what it leaves open', { factor: 4, capSeconds: 32 }, { baseSeconds: 2 }, [1, 4, 16, 16]],
    ['not at all, where it says so', { baseSeconds: 100 }, { baseSeconds: 0 }, [0, 0, 0]],
    ['no longer than its cap, whatever its run begins with', { baseSeconds: 500 }, { capSeconds: 8 }, [4, 4]],
  ])('%s', async (_, run, task, expected) => {
    const taskId = await taskIn(run, task);
    expect(await waitsOf(taskId, expected.length)).toEqual(expected);
  });

  test('evenly spread: the draw is its share of the longest wait', async () => {
    const taskId = await taskIn(null, { baseSeconds: 1_000, factor: 1, capSeconds: 1_000 });
    const waits: number[] = [];
    for (draw of [0, 0.001, 0.25, 0.75, 0.999]) waits.push(...(await waitsOf(taskId, 1)));
    expect(waits).toEqual([0, 1, 250, 750, 999]);
  });

  test('by the failures of one kind, each kind for itself', async () => {
    const taskId = await taskIn(null, { baseSeconds: 2 });
    expect(await waitsOf(taskId, 3)).toEqual([1, 2, 4]);
    expect(await waitsOf(taskId, 2, 'provider')).toEqual([1, 2]);
    expect(await waitsOf(taskId, 2, 'infrastructure')).toEqual([1, 2]);
    expect(await waitsOf(taskId, 1)).toEqual([8]);
  });

  test('by what an older server sends, which knows of no settings', async () => {
    const taskId = await taskIn(null, { baseSeconds: 86_400, capSeconds: 86_400 });
    const execution = await engine.executeTask(orchestrator.id, taskId);
    expect(execution.status).toBe('in_progress');
    await fixture.test.database.pool.query(
      `SELECT * FROM settle_attempts(ARRAY[$1::uuid], ARRAY[NULL::uuid], ARRAY['failed'], ARRAY[$2::jsonb], NULL, 'old', 3, $3)`,
      [taskId.slice('task_'.length), JSON.stringify({ error: 'Red', retry_seconds: [7, 70] }), NOW],
    );
    const { availableAt } = await engine.getTask(taskId);
    expect(availableAt).toEqual(new Date(NOW.getTime() + 7_000));
  });
});

describe('the settings', () => {
  test('can be changed for the next failure, of a task and of its run, and be taken back', async () => {
    const taskId = await taskIn({ baseSeconds: 100, factor: 1 }, { baseSeconds: 2, factor: 1 });
    expect(await waitsOf(taskId, 1)).toEqual([1]);
    expect(await engine.updateTask(taskId, { backoff: { baseSeconds: 4 } })).toMatchObject({
      backoff: { baseSeconds: 4 },
    });
    // What a task says is said anew as a whole: the factor is the run's now.
    expect(await waitsOf(taskId, 1)).toEqual([2]);
    const runId = (await engine.getTask(taskId)).runId as string;
    const run = await engine.updateRunConfig(runId, { backoff: { baseSeconds: 40 } });
    expect(run.config.backoff).toEqual({ baseSeconds: 40, factor: 1, capSeconds: 600 });
    expect(await engine.updateTask(taskId, { backoff: null })).toMatchObject({ backoff: null });
    expect(await engine.getTask(taskId)).toMatchObject({
      backoff: null,
      retryBackoff: { baseSeconds: 40, factor: 1, capSeconds: 600 },
    });
    expect(await waitsOf(taskId, 1)).toEqual([20]);
    expect(await engine.updateTask(taskId, { backoff: {} })).toMatchObject({ backoff: null });
    expect((await engine.updateTask(taskId, { title: 'Other' })).backoff).toBeNull();
  });

  test('of a run that names the defaults are not stored, and follow them', async () => {
    const run = await engine.createRun({ name: 'Plain', config: { backoff: { ...DEFAULT_BACKOFF } } });
    const { rows } = await fixture.test.database.pool.query('SELECT backoff FROM runs WHERE id = $1', [
      run.id.slice('run_'.length),
    ]);
    expect(rows).toEqual([{ backoff: null }]);
    expect(run.config.backoff).toEqual(DEFAULT_BACKOFF);
  });

  test('come with many tasks at once, too', async () => {
    const run = await engine.createRun({
      name: 'Many',
      orchestratorId: orchestrator.id,
      tasks: Array.from({ length: 600 }, (_, n) => ({
        title: `T${n}`,
        ...(n % 2 === 0 ? {} : { backoff: { baseSeconds: n } }),
      })),
    });
    const { tasks } = await engine.listTasks({ runId: run.id, limit: 500 });
    for (const { title, backoff } of tasks) {
      const n = Number(title.slice(1));
      expect(backoff).toEqual(n % 2 === 0 ? null : { baseSeconds: n });
    }
  });

  test.each<[BackoffSettings & { [field: string]: unknown }, string]>([
    [{ baseSeconds: -1 }, 'backoff.baseSeconds'],
    [{ baseSeconds: 5e-324 }, 'backoff.baseSeconds'],
    [{ baseSeconds: 90_000 }, 'backoff.baseSeconds'],
    [{ factor: 0.5 }, 'backoff.factor'],
    [{ factor: 11 }, 'backoff.factor'],
    [{ capSeconds: 1e9 }, 'backoff.capSeconds'],
    [{ baseSeconds: 20, capSeconds: 10 }, 'backoff.capSeconds'],
    [{ jitter: true }, 'backoff'],
    [{ baseSeconds: Number.NaN }, 'backoff.baseSeconds'],
  ])('%o is refused, naming the field', async (backoff, named) => {
    const task = await fixture.task(orchestrator);
    for (const call of [
      engine.createTask({ title: 'A', backoff }),
      engine.updateTask(task.id, { backoff }),
      engine.createRun({ name: 'A', config: { backoff } }),
    ]) {
      const error = await refusal(call);
      expect(error.code).toBe('INVALID_INPUT');
      expect(error.message).toContain(named);
    }
    expect((await engine.getTask(task.id)).backoff).toBeNull();
  });
});
