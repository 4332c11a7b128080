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
  }, 120_000);

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
          gaveWay += 1;
        }
      }
    };
    await Promise.all(fixture.others(6).map((engine, n) => work(engine, orchestrators[n % 2]?.id as string)));
    expect(open).toBe(0);
    expect(gaveWay).toBeGreaterThan(0);
    expect((await findConflictsInLedger(fixture.test.database.pool)).conflicts).toEqual([]);
    expect(await fixture.engine.getResources()).toMatchObject({ holds: [], waits: [] });
  }, 120_000);
});
