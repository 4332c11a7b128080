import { expect, test } from 'vitest';
import { createFixture } from '../support/engineFixture.js';
import { claimAll, diamond, expectNoDrift, independent, startedRun } from '../support/runs.js';

const fixture = createFixture();

const statusesOf = async (runId: string) =>
  Object.fromEntries(
    (await fixture.engine.listTasks({ runId, limit: 500 })).tasks.map(({ title, status }) => [title, status]),
  );

/** A run of which T0 failed for good; T1 is as `before` made it. */
async function failedRun(before: (task: { id: string; attemptId: string }) => Promise<unknown>) {
  const { run, orchestratorId, byTitle } = await startedRun(fixture, independent(3));
  const owned = await claimAll(fixture, orchestratorId, run.id);
  const of = (title: string) => owned.find((one) => one.title === title) ?? { taskId: '', attemptId: '' };
  const { taskId, attemptId } = of('T1');
  await before({ id: taskId, attemptId });
  await fixture.engine.completeTask(of('T2').taskId, { status: 'completed', attemptId: of('T2').attemptId });
  await fixture.engine.updateTask(of('T0').taskId, { maxAttempts: 1 });
  await fixture.engine.completeTask(of('T0').taskId, { status: 'failed', attemptId: of('T0').attemptId });
  expect((await fixture.engine.getRun(run.id)).status).toBe('FAILED');
  return { run, byTitle };
}

test('a retry of a run leaves what somebody cancelled, running or not', async () => {
  const { engine } = fixture;
  const { run, byTitle } = await failedRun(async ({ id, attemptId }) => {
    await engine.cancelTask(id, { reason: 'Not needed' });
    await engine.confirmCancelled(attemptId);
  });
  await engine.retryRun(run.id);
  expect(await statusesOf(run.id)).toEqual({ T0: 'TODO', T1: 'CANCELLED', T2: 'DONE' });
  // By name it comes back, and the next retry of the run takes it along.
  const t1 = byTitle.get('T1')?.id ?? '';
  await engine.retryTask(t1);
  expect((await statusesOf(run.id)).T1).toBe('TODO');
  await expectNoDrift(fixture);
});

test('a reset of a run brings back what somebody cancelled, one by one or by stopping it', async () => {
  const { engine } = fixture;
  const { run, byTitle } = await failedRun(async ({ id, attemptId }) => {
    await engine.cancelTask(id, { reason: 'Not needed' });
    await engine.confirmCancelled(attemptId);
  });
  expect((await engine.resetRun(run.id)).counts).toMatchObject({ todo: 2, done: 1, cancelled: 0 });
  await engine.startRun(run.id);
  await engine.cancelTask(byTitle.get('T1')?.id ?? '');
  await engine.stopRun(run.id);
  expect((await engine.getRun(run.id)).counts).toMatchObject({ cancelled: 2, done: 1 });
  expect((await engine.resetRun(run.id)).counts).toMatchObject({ todo: 2, done: 1, cancelled: 0 });
  expect(await statusesOf(run.id)).toEqual({ T0: 'TODO', T1: 'TODO', T2: 'DONE' });
  await expectNoDrift(fixture);
});

test('what was cancelled with it stays too; what a failure cancelled comes back', async () => {
  const { engine } = fixture;
  const { run, byTitle, orchestratorId } = await startedRun(
    fixture,
    [
      ...diamond,
      { key: 'x', title: 'X' },
      { title: 'Y', dependsOn: ['x'] },
      { title: 'Z', dependsOn: ['x', 'd'] },
    ],
    { onPrerequisiteFailure: 'cancel' },
  );
  await engine.cancelTask(byTitle.get('X')?.id ?? '');
  const [a] = await claimAll(fixture, orchestratorId, run.id);
  await engine.updateTask(a?.taskId ?? '', { maxAttempts: 1 });
  await engine.completeTask(a?.taskId ?? '', { status: 'failed', attemptId: a?.attemptId });
  expect(await engine.getRun(run.id)).toMatchObject({
    status: 'FAILED',
    counts: { failed: 1, cancelled: 6 },
  });
  await engine.retryRun(run.id);
  expect(await statusesOf(run.id)).toEqual({
    ...{ A: 'TODO', B: 'BLOCKED', C: 'BLOCKED', D: 'BLOCKED' },
    ...{ X: 'CANCELLED', Y: 'CANCELLED', Z: 'CANCELLED' },
  });
  await expectNoDrift(fixture);
});

test('a part of a run that is done again leaves them, unless it is asked for by name', async () => {
  const { engine } = fixture;
  const { run, byTitle, orchestratorId } = await startedRun(fixture, diamond);
  const idOf = (title: string) => byTitle.get(title)?.id ?? '';
  const [a] = await claimAll(fixture, orchestratorId, run.id);
  await engine.completeTask(idOf('A'), { status: 'completed', attemptId: a?.attemptId });
  await engine.cancelTask(idOf('B'));
  await engine.retryRun(run.id, { taskId: idOf('A') });
  expect(await statusesOf(run.id)).toEqual({ A: 'TODO', B: 'CANCELLED', C: 'BLOCKED', D: 'BLOCKED' });
  await engine.retryRun(run.id, { taskId: idOf('B') });
  expect(await statusesOf(run.id)).toEqual({ A: 'TODO', B: 'BLOCKED', C: 'BLOCKED', D: 'BLOCKED' });
  await expectNoDrift(fixture);
});
