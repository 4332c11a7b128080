import { afterEach, expect, test } from 'vitest';
import { createFixture } from './support/engineFixture.js';
import { claimAll, codeOf, diamond, expectNoDrift, independent, startedRun } from './support/runs.js';

const fixture = createFixture();

afterEach(async () => {
  fixture.clock.now = null;
  await expectNoDrift(fixture);
});

test('a completed task is MERGING until its merge is through; only then its dependents are free', async () => {
  const { engine } = fixture;
  const { run, orchestratorId, byTitle } = await startedRun(fixture, diamond, { mergeStage: true });
  const [a] = await claimAll(fixture, orchestratorId, run.id);
  const code = await engine.completeTaskCode(a?.taskId as string, {
    attemptId: a?.attemptId,
    output: { branch: 'a' },
  });
  expect(code).toMatchObject({ status: 'MERGING', attemptStatus: 'RUNNING', replayed: false, unblocked: [] });
  const again = await engine.completeTask(a?.taskId as string, {
    status: 'completed',
    attemptId: a?.attemptId,
  });
  expect(again).toMatchObject({ status: 'MERGING', attemptStatus: 'RUNNING', replayed: true });
  expect(await claimAll(fixture, orchestratorId, run.id)).toEqual([]);
  expect(await codeOf(engine.completeMerge(a?.taskId as string, { attemptId: a?.attemptId }))).toBe(
    'MERGE_NOT_GRANTED',
  );
  expect((await engine.renewLease(a?.attemptId as string)).owned).toBe(true);

  expect(await engine.requestMerge(a?.attemptId as string)).toMatchObject({ granted: true, place: 0 });
  const merged = await engine.completeMerge(a?.taskId as string, { attemptId: a?.attemptId });
  expect(merged.status).toBe('DONE');
  expect(merged.unblocked.toSorted()).toEqual([byTitle.get('B')?.id, byTitle.get('C')?.id].toSorted());
  expect((await engine.completeMerge(a?.taskId as string, { attemptId: a?.attemptId })).replayed).toBe(true);
  // What the code brought is the result, for the merge brought nothing else.
  expect((await engine.getTask(a?.taskId as string)).result?.output).toEqual({ branch: 'a' });
});

test('merges are granted in the order in which the code was complete, at most the limit at once', async () => {
  const { engine } = fixture;
  fixture.clock.now = new Date('2026-03-01T10:00:00Z');
  const { run, orchestratorId } = await startedRun(fixture, independent(4), {
    mergeStage: true,
    maxConcurrentMerges: 2,
  });
  const claims = await claimAll(fixture, orchestratorId, run.id);
  const order = [2, 0, 3, 1].map((n) => claims[n] as (typeof claims)[number]);
  for (const { taskId, attemptId } of order) {
    await engine.completeTaskCode(taskId, { attemptId });
    fixture.clock.advanceSeconds(1);
  }
  const ask = async () =>
    Promise.all(order.map(async ({ attemptId }) => (await engine.requestMerge(attemptId)).granted));
  // Asked in the reverse order: who stands in front keeps his place though he has not asked yet.
  const places = [];
  for (const { attemptId } of order.toReversed()) {
    const { granted, place } = await engine.requestMerge(attemptId);
    places.push([granted, place]);
  }
  expect(places).toEqual([
    [false, 2],
    [false, 1],
    [true, 0],
    [true, 0],
  ]);
  expect(await ask()).toEqual([true, true, false, false]);
  const first = order[0] as (typeof order)[number];
  await engine.failMerge(first.taskId, { error: 'conflict in a.ts', attemptId: first.attemptId });
  expect(await ask().catch(() => 'the first attempt has ended')).toBe('the first attempt has ended');
  expect((await engine.requestMerge(order[2]?.attemptId as string)).granted).toBe(true);
  expect((await engine.requestMerge(order[3]?.attemptId as string)).granted).toBe(false);
  const { mergeQueue } = await engine.getRunSnapshot(run.id);
  expect(mergeQueue.map(({ taskId, grantedAt }) => [taskId, grantedAt !== null])).toEqual([
    [order[1]?.taskId, true],
    [order[2]?.taskId, true],
    [order[3]?.taskId, false],
  ]);
});

test('a conflict gives the task back with its reason, the second one asks a person, and neither costs an attempt', async () => {
  const { engine } = fixture;
  const { run, orchestratorId, byTitle } = await startedRun(fixture, independent(1), {
    mergeStage: true,
    failurePolicy: 'continue',
  });
  const id = byTitle.get('T0')?.id as string;
  for (const expected of ['TODO', 'BLOCKED']) {
    const [claim] = await claimAll(fixture, orchestratorId, run.id);
    await engine.completeTaskCode(id, { attemptId: claim?.attemptId });
    await engine.requestMerge(claim?.attemptId as string);
    const failed = await engine.failMerge(id, { error: 'conflict in a.ts', attemptId: claim?.attemptId });
    expect(failed).toMatchObject({ status: expected, attemptStatus: 'FAILED' });
  }
  const task = await engine.getTask(id);
  expect(task).toMatchObject({
    status: 'BLOCKED',
    blockedReason: 'conflict in a.ts',
    failureCount: 0,
    mergeFailureCount: 2,
  });
  expect(task.attempts.map(({ error }) => error)).toEqual(['conflict in a.ts', 'conflict in a.ts']);
  expect((await engine.getRun(run.id)).status).toBe('RUNNING');
});

test('a merging task holds no task slot, of the orchestrator nor of the run', async () => {
  const { engine } = fixture;
  const orchestrator = await fixture.orchestrator({ maxConcurrentTasks: 1 });
  const run = await engine.createRun({
    name: 'One at a time',
    orchestratorId: orchestrator.id,
    config: { mergeStage: true, maxConcurrentTasks: 1 },
    tasks: independent(2),
  });
  await engine.startRun(run.id);
  const [first] = await claimAll(fixture, orchestrator.id, run.id);
  expect(await claimAll(fixture, orchestrator.id, run.id)).toEqual([]);
  await engine.completeTaskCode(first?.taskId as string, { attemptId: first?.attemptId });
  const [second] = await claimAll(fixture, orchestrator.id, run.id);
  expect(second?.title).toBe('T1');
  expect((await engine.getRun(run.id)).counts).toMatchObject({ inProgress: 1, merging: 1 });
});

test('a cancel is heard until the merge slot is granted; then the merge goes through', async () => {
  const { engine } = fixture;
  const { run, orchestratorId } = await startedRun(fixture, independent(2), { mergeStage: true });
  const [first, second] = await claimAll(fixture, orchestratorId, run.id);
  for (const claim of [first, second])
    await engine.completeTaskCode(claim?.taskId as string, { attemptId: claim?.attemptId });
  await engine.cancelTask(first?.taskId as string);
  const turn = await engine.requestMerge(first?.attemptId as string);
  expect(turn).toMatchObject({ granted: false, cancelRequested: true });
  // It does not keep the slot from the next one while it ends.
  expect((await engine.requestMerge(second?.attemptId as string)).granted).toBe(true);
  expect(await codeOf(engine.cancelTask(second?.taskId as string))).toBe('MERGE_STARTED');
  await engine.confirmCancelled(first?.attemptId as string);
  const stopped = await engine.stopRun(run.id);
  expect(stopped.status).toBe('CANCELLED');
  expect((await engine.renewLease(second?.attemptId as string)).cancelRequested).toBe(false);
  expect(
    (await engine.completeMerge(second?.taskId as string, { attemptId: second?.attemptId })).status,
  ).toBe('DONE');
});

test('a lost lease gives up the slot and the place in the queue', async () => {
  const { engine } = fixture;
  fixture.clock.now = new Date('2026-03-01T10:00:00Z');
  const { run, orchestratorId } = await startedRun(fixture, independent(2), { mergeStage: true });
  const [first, second] = await claimAll(fixture, orchestratorId, run.id);
  await engine.completeTaskCode(first?.taskId as string, { attemptId: first?.attemptId });
  await engine.completeTaskCode(second?.taskId as string, { attemptId: second?.attemptId });
  await engine.requestMerge(first?.attemptId as string);
  fixture.clock.advanceSeconds(20);
  await engine.renewLease(second?.attemptId as string);
  fixture.clock.advanceSeconds(11);
  const { lost } = await engine.sweepExpiredLeases();
  expect(lost.map(({ attemptId }) => attemptId)).toContain(first?.attemptId);
  expect(lost.map(({ attemptId }) => attemptId)).not.toContain(second?.attemptId);
  expect(await codeOf(engine.completeMerge(first?.taskId as string, { attemptId: first?.attemptId }))).toBe(
    'LEASE_LOST',
  );
  expect((await engine.requestMerge(second?.attemptId as string)).granted).toBe(true);
});

test('who waits for the slot gets it as soon as it is free', async () => {
  const { engine } = fixture;
  const { run, orchestratorId } = await startedRun(fixture, independent(2), { mergeStage: true });
  const [first, second] = await claimAll(fixture, orchestratorId, run.id);
  for (const claim of [first, second])
    await engine.completeTaskCode(claim?.taskId as string, { attemptId: claim?.attemptId });
  await engine.requestMerge(first?.attemptId as string);
  const [other] = fixture.others(1);
  const waiting = other?.requestMerge(second?.attemptId as string, { waitSeconds: 20 });
  await engine.completeMerge(first?.taskId as string, { attemptId: first?.attemptId });
  expect(await waiting).toMatchObject({ granted: true });
});

test('outside of a run with a merge stage there is no MERGING', async () => {
  const { engine } = fixture;
  const { run, orchestratorId } = await startedRun(fixture, independent(1));
  const [claim] = await claimAll(fixture, orchestratorId, run.id);
  expect(
    await codeOf(engine.completeTaskCode(claim?.taskId as string, { attemptId: claim?.attemptId })),
  ).toBe('INVALID_TRANSITION');
  expect(await codeOf(engine.requestMerge(claim?.attemptId as string))).toBe('NOT_MERGING');
});

test('a step in process merges what its function says', async () => {
  const { engine } = fixture;
  const { run } = await startedRun(fixture, independent(2), { mergeStage: true });
  const merged = await engine.executeStep(run.id, () => ({ branch: 'x' }), {
    merge: ({ output }) => ({ merged: output ?? null }),
  });
  expect(merged?.settlement.status).toBe('DONE');
  expect((await engine.getTask(merged?.task.id as string)).result?.output).toEqual({
    merged: { branch: 'x' },
  });
  const failed = await engine.executeStep(run.id, () => null, {
    merge: () => {
      throw new Error('red');
    },
  });
  expect(failed?.settlement).toMatchObject({ status: 'TODO', attemptStatus: 'FAILED' });
});
