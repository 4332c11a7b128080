import { describe, expect, test } from 'vitest';
import { createFixture } from '../support/engineFixture.js';

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
