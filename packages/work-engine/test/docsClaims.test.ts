import { afterEach, expect, test } from 'vitest';
import { createFixture } from './support/engineFixture.js';
import { refusal } from './support/history.js';
import { claimAll, expectNoDrift, independent, startedRun } from './support/runs.js';

// What the pages about runs say and no other test looks at.
const fixture = createFixture();

afterEach(async () => {
  fixture.clock.now = null;
  await expectNoDrift(fixture);
});

test('a quarantined run whose last task ends waits for its release, and ends with it', async () => {
  const { engine } = fixture;
  const { run, orchestratorId } = await startedRun(
    fixture,
    independent(2).map((task) => ({ ...task, maxAttempts: 1 })),
    { failureThreshold: { consecutive: 1 } },
  );
  const [first, second] = await claimAll(fixture, orchestratorId, run.id);
  await engine.failTask(first?.taskId as string, { error: 'no', attemptId: first?.attemptId });
  await engine.completeTask(second?.taskId as string, {
    status: 'completed',
    attemptId: second?.attemptId,
  });
  await engine.sweepExpiredLeases();
  expect((await engine.getRun(run.id)).status).toBe('QUARANTINED');
  expect((await engine.releaseRun(run.id)).status).toBe('FAILED');
});

test('the time of a run goes on in a pause and is judged when it is resumed', async () => {
  const { engine, clock } = fixture;
  clock.now = new Date('2026-03-01T10:00:00Z');
  const { run } = await startedRun(fixture, independent(1), { timeoutSeconds: 60 });
  await engine.pauseRun(run.id);
  clock.advanceSeconds(61);
  expect((await engine.sweepExpiredLeases()).runs).toEqual([]);
  expect((await engine.getRun(run.id)).status).toBe('PAUSED');
  expect((await engine.resumeRun(run.id)).status).toBe('FAILED');
});

test('a run without tasks has no end of its own', async () => {
  const { engine } = fixture;
  const run = await engine.createRun({ name: 'Empty' });
  await engine.startRun(run.id);
  await engine.sweepExpiredLeases();
  expect(await refusal(engine.completeRun(run.id))).toMatchObject({ code: 'RUN_NOT_OVER' });
  expect((await engine.stopRun(run.id)).status).toBe('CANCELLED');
});

test('a run goes on merging in a pause', async () => {
  const { engine } = fixture;
  const { run, orchestratorId } = await startedRun(fixture, independent(1), { mergeStage: true });
  const [claim] = await claimAll(fixture, orchestratorId, run.id);
  await engine.completeTaskCode(claim?.taskId as string, { attemptId: claim?.attemptId });
  await engine.pauseRun(run.id);
  expect(await engine.requestMerge(claim?.attemptId as string)).toMatchObject({ granted: true });
  await engine.completeMerge(claim?.taskId as string, { attemptId: claim?.attemptId });
  expect((await engine.getRun(run.id)).status).toBe('SUCCEEDED');
});

test('a merging attempt ends by failure, report or release as a running one does', async () => {
  const { engine } = fixture;
  const { run, orchestratorId } = await startedRun(fixture, independent(3), { mergeStage: true });
  const claims = await claimAll(fixture, orchestratorId, run.id);
  for (const { taskId, attemptId } of claims) await engine.completeTaskCode(taskId, { attemptId });
  const [failed, reported, released] = claims.map(({ taskId, attemptId }) => ({ taskId, attemptId }));
  expect(
    await engine.failTask(failed?.taskId as string, { error: 'no', attemptId: failed?.attemptId }),
  ).toMatchObject({ status: 'TODO', attemptStatus: 'FAILED' });
  expect(
    await engine.completeTask(reported?.taskId as string, {
      status: 'blocked',
      error: 'which?',
      attemptId: reported?.attemptId,
    }),
  ).toMatchObject({ status: 'BLOCKED' });
  expect(await engine.releaseAttempt(released?.attemptId as string)).toMatchObject({ status: 'TODO' });
  expect((await engine.getRunSnapshot(run.id)).mergeQueue).toEqual([]);
});

test('the place in the merge queue is how many merges have to end first', async () => {
  const { engine } = fixture;
  const { run, orchestratorId } = await startedRun(fixture, independent(4), {
    mergeStage: true,
    maxConcurrentMerges: 2,
  });
  const claims = await claimAll(fixture, orchestratorId, run.id);
  for (const { taskId, attemptId } of claims) await engine.completeTaskCode(taskId, { attemptId });
  const last = (await engine.getRunSnapshot(run.id)).mergeQueue.at(-1)?.attemptId as string;
  expect(await engine.requestMerge(last)).toMatchObject({ granted: false, place: 2 });
});

test('a wave is held by a task that belongs to nobody', async () => {
  const { engine } = fixture;
  const orchestrator = await fixture.orchestrator();
  const run = await engine.createRun({
    name: 'Mixed',
    config: { waves: 'strict' },
    tasks: [
      { key: 'a', title: 'A', orchestratorId: orchestrator.id },
      { title: 'Nobody’s' },
      { title: 'B', dependsOn: ['a'], orchestratorId: orchestrator.id },
    ],
  });
  await engine.startRun(run.id);
  await engine.executeStep(run.id, () => null);
  expect(await engine.getNextTasks(run.id)).toEqual([]);
  expect((await engine.getRun(run.id)).currentWave).toBe(0);
  expect((await engine.getReadyTasks(run.id)).map(({ title }) => title)).toEqual(['Nobody’s']);
});

test('statistics count the tasks of a deleted run no more', async () => {
  const { engine } = fixture;
  const { run, orchestratorId } = await startedRun(fixture, independent(1));
  await engine.executeStep(run.id, () => null);
  expect((await engine.getOrchestratorExecutionStats(orchestratorId)).completed).toBe(1);
  await engine.deleteRun(run.id);
  expect((await engine.getOrchestratorExecutionStats(orchestratorId)).completed).toBe(0);
});

test('an import leaves a run that has ended as it is, and says what it would have otherwise', async () => {
  const { engine } = fixture;
  const orchestrator = await fixture.orchestrator();
  const plan = {
    name: 'Over',
    source: 'over.yaml',
    orchestratorId: orchestrator.id,
    tasks: [{ sourceId: '1', title: 'One' }],
  };
  const { run } = await engine.importPlan({ ...plan, start: true });
  await engine.executeStep(run?.id as string, () => null);
  const again = await engine.importPlan({ ...plan, name: 'Other', tasks: [{ sourceId: '1', title: 'Uno' }] });
  expect(again.updated).toEqual([]);
  expect(again.refused.map(({ reason }) => reason)).toEqual([
    'It stays as it is, for its run is SUCCEEDED: title',
  ]);
  expect(again.run).toMatchObject({ status: 'SUCCEEDED', name: 'Over' });
});
