import { parseId } from '@neolith/contracts';
import { beforeAll, describe, expect, test } from 'vitest';
import type { WorkEngine } from '../../src/index.js';
import { createFixture } from '../support/engineFixture.js';
import { readBreaches, watchDatabase } from './support/watch.js';

const fixture = createFixture();
let engines: WorkEngine[] = [];
let breaches: () => Promise<string[]>;
beforeAll(async () => {
  const { pool } = fixture.test.database;
  await watchDatabase(pool);
  engines = fixture.others(6, 3);
  const { id } = await fixture.engine.getWorkspace();
  breaches = () => readBreaches(pool, parseId('workspace', id) as string);
});

async function sixOrchestrators(): Promise<string[]> {
  const made = await Promise.all(engines.map(() => fixture.orchestrator({ maxConcurrentTasks: 10 })));
  return made.map(({ id }) => id);
}

describe('six orchestrators at once', () => {
  test('share the slots of a run, and never take one too many', async () => {
    const orchestrators = await sixOrchestrators();
    const { id } = await fixture.engine.createRun({
      name: 'Narrow',
      config: { maxConcurrentTasks: 2, failurePolicy: 'continue' },
      tasks: Array.from({ length: 90 }, (_, index) => ({
        title: `Task ${index}`,
        orchestratorId: orchestrators[index % 6] as string,
      })),
    });
    await fixture.engine.startRun(id);
    let done = 0;
    while (done < 90) {
      const claimed = await Promise.all(
        engines.map((engine, index) => engine.claimNextTask(orchestrators[index] as string, { max: 2 })),
      );
      const claims = claimed.flatMap((answer) => answer.claims);
      expect(claims).toHaveLength(2);
      await Promise.all(
        claims.map(({ task, attempt }, index) =>
          (engines[index] as WorkEngine).completeTask(task.id, {
            status: 'completed',
            attemptId: attempt.id,
          }),
        ),
      );
      done += claims.length;
    }
    expect(await breaches()).toEqual([]);
    expect(await fixture.engine.getRun(id)).toMatchObject({ status: 'SUCCEEDED' });
  });

  test('ask for the merge slots of a run, and get them in order, as many as there are', async () => {
    const orchestrators = await sixOrchestrators();
    const { id } = await fixture.engine.createRun({
      name: 'Merges',
      config: { maxConcurrentTasks: 60, maxConcurrentMerges: 2, mergeStage: true },
      tasks: Array.from({ length: 36 }, (_, index) => ({
        title: `Task ${index}`,
        orchestratorId: orchestrators[index % 6] as string,
      })),
    });
    await fixture.engine.startRun(id);
    const attempts: { taskId: string; attemptId: string }[] = [];
    await Promise.all(
      engines.map(async (engine, index) => {
        const { claims } = await engine.claimNextTask(orchestrators[index] as string, { max: 6 });
        for (const { task, attempt } of claims) {
          await engine.completeTask(task.id, { status: 'completed', attemptId: attempt.id });
          attempts.push({ taskId: task.id, attemptId: attempt.id });
        }
      }),
    );
    for (let left = attempts; left.length > 0; ) {
      const turns = await Promise.all(
        left.map(({ attemptId }, index) => (engines[index % 6] as WorkEngine).requestMerge(attemptId)),
      );
      const granted = left.filter((_, index) => turns[index]?.granted);
      expect(granted).toHaveLength(Math.min(2, left.length));
      await Promise.all(
        granted.map(({ taskId, attemptId }) => fixture.engine.completeMerge(taskId, { attemptId })),
      );
      left = left.filter((one) => !granted.includes(one));
    }
    expect(await breaches()).toEqual([]);
    expect(await fixture.engine.getRun(id)).toMatchObject({ status: 'SUCCEEDED' });
  });

  test('start nothing once a pause has been answered', async () => {
    const orchestrators = await sixOrchestrators();
    const { id } = await fixture.engine.createRun({
      name: 'Paused',
      config: { maxConcurrentTasks: 1_000 },
      tasks: Array.from({ length: 120 }, (_, index) => ({
        title: `Task ${index}`,
        orchestratorId: orchestrators[index % 6] as string,
      })),
    });
    await fixture.engine.startRun(id);
    for (let round = 0; round < 12; round += 1) {
      await Promise.all([
        ...engines.map((engine, index) => engine.claimNextTask(orchestrators[index] as string)),
        fixture.engine.pauseRun(id),
      ]);
      await fixture.engine.resumeRun(id);
    }
    expect(await breaches()).toEqual([]);
  });
});
