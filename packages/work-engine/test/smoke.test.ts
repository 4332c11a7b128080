import { expect, it } from 'vitest';
import { useEngine } from './support/engineFixture.js';

const fixture = useEngine();

it('smokes', async () => {
  const { engine } = fixture;
  const o = await fixture.orchestrator();
  const [a, b, c] = await engine.createTasks([
    { title: 'a', key: 'a', orchestratorId: o.id, priority: 'LOW', tags: ['x', 'y'] },
    { title: 'b', key: 'b', orchestratorId: o.id, priority: 'HIGH', dependsOn: ['a'], tags: ['x'] },
    { title: 'c', key: 'c', orchestratorId: o.id, priority: 'MEDIUM', dueAt: new Date(Date.now() - 1000) },
  ]);
  expect((await engine.selectNextTask(o.id))?.id).toBe(c?.id);
  expect((await engine.selectNextTask(o.id, { requireTags: ['x', 'y'] }))?.id).toBe(a?.id);
  console.log(JSON.stringify(await engine.explainSelection(o.id, b?.id), null, 1));
  const first = await engine.claimNextTask(o.id, { max: 2, requestId: 'r1' });
  expect(first.claims.map((x) => x.task.title)).toEqual(['c', 'a']);
  const again = await engine.claimNextTask(o.id, { max: 2, requestId: 'r1' });
  expect(again.claims.map((x) => x.attempt.id)).toEqual(first.claims.map((x) => x.attempt.id));
  await engine.updateTaskProgress({ taskId: a!.id, progress: 40, message: 'hi', attemptId: first.claims[1]!.attempt.id, metadata: { k: 1 } });
  const s = await engine.completeTask(a!.id, { status: 'completed', output: { r: 1 }, attemptId: first.claims[1]!.attempt.id });
  console.log(s);
  expect(s.unblocked).toEqual([b!.id]);
  expect((await engine.completeTask(a!.id, { status: 'completed', attemptId: first.claims[1]!.attempt.id })).replayed).toBe(true);
  await expect(engine.completeTask(a!.id, { status: 'failed', attemptId: first.claims[1]!.attempt.id })).rejects.toThrow('no longer owns');
  const run = await engine.executeTask(o.id, b!.id);
  console.log(JSON.stringify(run).slice(0, 1500));
  const f = await engine.completeTask(b!.id, { status: 'failed', error: 'boom' });
  console.log(f);
  console.log(JSON.stringify(await engine.getOrchestratorExecutionStats(o.id)).slice(0, 800));
  console.log(JSON.stringify(await engine.getOverview()).slice(0, 800));
  console.log((await engine.readEvents()).events.map((e) => `${e.type} ${e.from}->${e.to}`));
  console.log(await engine.recalculateAllStatuses());
  await expect(engine.addDependency(c!.id, b!.id)).rejects.toThrow();
  console.log(JSON.stringify(await engine.getTask(b!.id)).slice(0, 600));
});
