import { describe, expect, test } from 'vitest';
import type { WorkEngine } from '../../src/index.js';
import { createFixture } from '../support/engineFixture.js';
import { findConflictsInLedger, keepLedger } from './support/ledger.js';

const fixture = createFixture({ poolSize: 8 });

describe('many claimers of several orchestrators', () => {
  test('on tasks that need A and B in opposite order, shared and alone: no two at once that conflict, none is stuck', async () => {
    await keepLedger(fixture.test.database.pool);
    const orchestrators = await Promise.all(
      [1, 2, 3].map(() => fixture.orchestrator({ maxConcurrentTasks: 8 })),
    );
    const wishes = [
      ['A', 'B'],
      ['B', 'A'],
      ['path:src/**', 'B'],
      ['B', 'path:src/a/*.ts'],
      ['shared A', 'path:src/*/x.ts'],
      ['shared path:**', 'shared A'],
      [],
    ];
    const tasks = await fixture.engine.createTasks(
      Array.from({ length: 210 }, (_, n) => ({
        title: `Task ${n}`,
        orchestratorId: orchestrators[n % 3]?.id as string,
        resources: wishes[(n * 5) % wishes.length] as string[],
        priority: (['CRITICAL', 'HIGH', 'MEDIUM', 'LOW'] as const)[n % 4] ?? 'LOW',
        maxAttempts: 100,
      })),
    );
    let open = tasks.length;
    let most = 0;
    const work = async (engine: WorkEngine, orchestratorId: string, odd: number) => {
      for (let round = 0; open > 0; round += 1) {
        const { claims } = await engine.claimNextTask(orchestratorId, {
          max: 1 + (round % 3),
          leaseSeconds: 600,
        });
        most = Math.max(most, claims.length);
        for (const { task, attempt } of claims) {
          if ((round + odd) % 7 === 0) await engine.releaseAttempt(attempt.id);
          else {
            await engine.completeTask(task.id, { status: 'completed', attemptId: attempt.id });
            open -= 1;
          }
        }
      }
    };
    await Promise.all(
      fixture.others(6).map((engine, n) => work(engine, orchestrators[n % 3]?.id as string, n)),
    );
    expect(most).toBeGreaterThan(1);
    const ledger = await findConflictsInLedger(fixture.test.database.pool);
    expect(ledger.entries).toBeGreaterThan(200);
    expect(ledger.conflicts).toEqual([]);
    expect(await fixture.engine.getResources()).toMatchObject({ holds: [], waits: [] });
    expect(fixture.faults).toEqual([]);
  });

  test('and attempts that ask for more at any time: what waits in a circle is broken, and all gets done', async () => {
    const orchestrators = await Promise.all(
      [1, 2].map(() => fixture.orchestrator({ maxConcurrentTasks: 10 })),
    );
    const names = ['K', 'L', 'M'];
    const tasks = await fixture.engine.createTasks(
      Array.from({ length: 40 }, (_, n) => ({
        title: `Asker ${n}`,
        orchestratorId: orchestrators[n % 2]?.id as string,
        resources: [names[n % 3] as string],
      })),
    );
    let open = tasks.length;
    let gaveWay = 0;
    const until = Date.now() + 60_000;
    const work = async (engine: WorkEngine, orchestratorId: string) => {
      while (open > 0 && Date.now() < until) {
        const [claim] = (await engine.claimNextTask(orchestratorId, { leaseSeconds: 600 })).claims;
        if (claim === undefined) continue;
        const { task, attempt } = claim;
        const index = names.indexOf(task.resources[0]?.resource as string);
        try {
          for (;;) {
            const { granted } = await engine.acquireResources(attempt.id, {
              resources: [names[(index + 1) % 3] as string],
              waitSeconds: 1,
            });
            if (granted) break;
          }
          await engine.completeTask(task.id, { status: 'completed', attemptId: attempt.id });
          open -= 1;
        } catch (error) {
          expect(error).toMatchObject({ code: 'RESOURCE_DEADLOCK' });
          await engine.releaseAttempt(attempt.id);
          gaveWay += 1;
        }
      }
    };
    await Promise.all(fixture.others(6).map((engine, n) => work(engine, orchestrators[n % 2]?.id as string)));
    expect(open).toBe(0);
    expect(gaveWay).toBeGreaterThan(0);
    expect((await findConflictsInLedger(fixture.test.database.pool)).conflicts).toEqual([]);
    expect(await fixture.engine.getResources()).toMatchObject({ holds: [], waits: [] });
  });
});

test.each([
  ['is given to another orchestrator', {}, (other: string) => ({ orchestratorId: other })],
  ['is taken from its orchestrator', {}, () => ({ orchestratorId: null })],
  ['loses the tag that was asked for', { requireTags: ['x'] }, () => ({ tags: ['y'] })],
  ['gets a tag that was excluded', { excludeTags: ['z'] }, () => ({ tags: ['x', 'z'] })],
])('a task that %s between being chosen and being taken is not taken', async (_, criteria, patch) => {
  const { pool } = fixture.test.database;
  const [mine, other] = [await fixture.orchestrator(), await fixture.orchestrator()];
  const head = await fixture.task(mine, { priority: 'CRITICAL', resources: ['stage'], tags: ['x'] });
  const second = await fixture.task(mine, { priority: 'LOW', tags: ['x'] });
  const holder = await pool.connect();
  try {
    // What asks for resources is chosen before the lock and taken behind it.
    await holder.query('BEGIN');
    await holder.query('SELECT lock_resources(workspace_id) FROM tasks WHERE id = $1', [head.id.slice(5)]);
    const claim = fixture.engine.claimNextTask(mine.id, { max: 1, criteria });
    await expect
      .poll(
        async () => {
          const { rows } = await pool.query<{ n: number }>(
            `SELECT count(*)::int AS n FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
             AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
          );
          return rows[0]?.n;
        },
        { timeout: 20_000 },
      )
      .toBeGreaterThan(0);
    await fixture.others(1)[0]?.updateTask(head.id, patch(other.id));
    await holder.query('COMMIT');
    expect((await claim).claims.map(({ task }) => task.id)).toEqual([second.id]);
  } finally {
    holder.release();
  }
  expect((await fixture.engine.getTask(head.id)).status).toBe('TODO');
  expect((await fixture.engine.recalculateAllStatuses()).repaired).toEqual([]);
});

test.each([
  ['of other queues that want the same', 'lock-1', 'key-1', ['key-1']],
  ['that want nothing', 'lock-2', 'key-2', []],
])(
  'of several claimed at once, one that another keeps out leaves its place to the next of its run, before those %s',
  async (_, lock, key, resources) => {
    const { engine } = fixture;
    const orchestrator = await fixture.orchestrator({ maxConcurrentTasks: 3 });
    const run = await engine.createRun({ name: 'Narrow', config: { maxConcurrentTasks: 1 } });
    await engine.startRun(run.id);
    const own = { orchestratorId: orchestrator.id };
    await engine.createTasks([
      { ...own, title: 'First', priority: 'CRITICAL', resources: [lock] },
      { ...own, title: 'Out', priority: 'HIGH', resources: [lock], runId: run.id },
      { ...own, title: 'Next', priority: 'MEDIUM', resources: [key], runId: run.id },
      { ...own, title: 'Worse', priority: 'LOW', resources },
    ]);
    const { claims } = await engine.claimNextTask(orchestrator.id, { max: 3 });
    expect(claims.map(({ task }) => task.title)).toEqual([
      'First',
      'Next',
      ...(resources.length === 0 ? ['Worse'] : []),
    ]);
  },
);
