import { describe, expect, test } from 'vitest';
import { createFixture } from '../support/engineFixture.js';
import { startedRun } from '../support/runs.js';

const fixture = createFixture();

const titles = (claims: readonly { task: { title: string } }[]) => claims.map(({ task }) => task.title);

describe('a claim', () => {
  test('takes the best task whose resources are free, beyond those that wait, and each comes when its lock has gone', async () => {
    const orchestrator = await fixture.orchestrator({ maxConcurrentTasks: 10 });
    const make = (title: string, priority: 'CRITICAL' | 'HIGH' | 'MEDIUM' | 'LOW', resources: string[]) =>
      fixture.task(orchestrator, { title, priority, resources });
    await make('first', 'CRITICAL', ['path:src/api/**', 'shared db-schema']);
    await make('same path', 'CRITICAL', ['path:src/*/users.ts']);
    await make('schema', 'HIGH', ['db-schema']);
    await make('shared schema', 'MEDIUM', ['shared db-schema']);
    await make('other path', 'LOW', ['path:docs/']);
    await fixture.task(orchestrator, { title: 'free', priority: 'LOW' });

    const { claims } = await fixture.engine.claimNextTask(orchestrator.id, { max: 10 });
    expect(titles(claims)).toEqual(['first', 'shared schema', 'other path', 'free']);
    expect(claims[0]?.task.resources).toEqual([
      { resource: 'path:src/api/**', mode: 'exclusive' },
      { resource: 'db-schema', mode: 'shared' },
    ]);
    expect((await fixture.engine.claimNextTask(orchestrator.id)).reason).toBe('NOTHING_ELIGIBLE');
    expect(await fixture.engine.selectNextTask(orchestrator.id)).toBeNull();

    const [first, shared] = claims;
    await fixture.engine.completeTask(first?.task.id as string, {
      status: 'completed',
      attemptId: first?.attempt.id,
    });
    expect(titles((await fixture.engine.claimNextTask(orchestrator.id, { max: 5 })).claims)).toEqual([
      'same path',
    ]);
    await fixture.engine.completeTask(shared?.task.id as string, {
      status: 'failed',
      error: 'no',
      attemptId: shared?.attempt.id,
    });
    expect(titles((await fixture.engine.claimNextTask(orchestrator.id, { max: 5 })).claims)).toEqual([
      'schema',
    ]);
  });
});

describe('what an attempt holds and waits for is free in the moment in which it', () => {
  interface Ending {
    taskId: string;
    attemptId: string;
  }
  const complete =
    (completion: { status: 'completed' | 'failed' | 'blocked'; error?: string; timedOut?: boolean }) =>
    ({ taskId, attemptId }: Ending) =>
      fixture.engine.completeTask(taskId, { ...completion, attemptId });

  test.each<[string, (ending: Ending) => Promise<unknown>]>([
    ['completes', complete({ status: 'completed' })],
    ['fails', complete({ status: 'failed', error: 'Red' })],
    ['runs out of its time', complete({ status: 'failed', error: 'Slow', timedOut: true })],
    ['is blocked', complete({ status: 'blocked', error: 'Which one?' })],
    ['is given back', ({ attemptId }) => fixture.engine.releaseAttempt(attemptId)],
    [
      'is cancelled, and that is confirmed',
      async ({ taskId, attemptId }) => {
        await fixture.engine.cancelTask(taskId);
        expect(await holdsOf(attemptId)).toEqual(['exclusive own', 'shared more']);
        await fixture.engine.confirmCancelled(attemptId);
      },
    ],
    [
      'is lost',
      async ({ attemptId }) => {
        fixture.clock.advanceSeconds(31);
        const { lost, orphanLocks } = await fixture.engine.sweepExpiredLeases();
        // By the end of the lease, not by the sweep of what nobody holds any more.
        expect(lost.map((one) => one.attemptId)).toContain(attemptId);
        expect(orphanLocks).toBe(0);
      },
    ],
    [
      'is merged',
      async ({ taskId, attemptId }) => {
        await mergeStage({ taskId, attemptId });
        await fixture.engine.completeMerge(taskId, { attemptId });
      },
    ],
    [
      'fails to merge',
      async ({ taskId, attemptId }) => {
        await mergeStage({ taskId, attemptId });
        await fixture.engine.failMerge(taskId, { attemptId, error: 'A conflict' });
      },
    ],
  ])('%s', async (how, end) => {
    const { engine } = fixture;
    fixture.clock.now = new Date();
    // Of its own, so that a case that fails keeps none of the others waiting.
    const taken = `taken:${how.replaceAll(/\W+/g, '-')}`;
    const other = await fixture.orchestrator();
    const busy = await fixture.task(other, { resources: [taken] });
    const [holder] = (await engine.claimNextTask(other.id, { leaseSeconds: null })).claims;
    const { orchestratorId } = await startedRun(
      fixture,
      [{ title: 'Holds', resources: ['own'], maxAttempts: 1 }],
      how.includes('merge') ? { mergeStage: true } : {},
    );
    const [claim] = (await engine.claimNextTask(orchestratorId, { leaseSeconds: 30 })).claims;
    const ending = { taskId: claim?.task.id as string, attemptId: claim?.attempt.id as string };
    await engine.acquireResources(ending.attemptId, { resources: ['shared more'] });
    expect(await holdsOf(ending.attemptId)).toEqual(['exclusive own', 'shared more']);
    expect((await engine.acquireResources(ending.attemptId, { resources: [taken] })).granted).toBe(false);
    expect(await waitsOf(ending.taskId)).toBe(1);
    await end(ending);
    expect([await holdsOf(ending.attemptId), await waitsOf(ending.taskId)]).toEqual([[], 0]);
    await engine.completeTask(busy.id, { status: 'completed', attemptId: holder?.attempt.id });
    fixture.clock.now = null;
  });

  async function mergeStage({ taskId, attemptId }: Ending): Promise<void> {
    await fixture.engine.completeTask(taskId, { status: 'completed', attemptId });
    expect((await fixture.engine.requestMerge(attemptId)).granted).toBe(true);
    // Until it is merged nobody else may touch what it changed.
    expect(await holdsOf(attemptId)).toEqual(['exclusive own', 'shared more']);
  }

  async function holdsOf(attemptId: string): Promise<string[]> {
    const { rows } = await fixture.test.database.pool.query<{ use: string }>(
      'SELECT use FROM resource_holds WHERE attempt_id = $1 ORDER BY use',
      [attemptId.slice('att_'.length)],
    );
    return rows.map(({ use }) => use);
  }

  async function waitsOf(taskId: string): Promise<number> {
    const { rowCount } = await fixture.test.database.pool.query(
      'SELECT FROM resource_waits WHERE task_id = $1',
      [taskId.slice('task_'.length)],
    );
    return rowCount ?? 0;
  }
});
