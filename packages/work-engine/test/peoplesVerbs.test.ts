import { beforeEach, describe, expect, test } from 'vitest';
import type { OrchestratorDetail, TaskPatch, TaskStatus } from '../src/index.js';
import { createFixture } from './support/engineFixture.js';
import { refusal } from './support/history.js';

const fixture = createFixture();
const NOW = new Date('2026-03-09T12:00:00Z');
let orchestrator: OrchestratorDetail;
beforeEach(async () => {
  fixture.clock.now = NOW;
  orchestrator = await fixture.orchestrator({ maxConcurrentTasks: 50 });
});

/** A task brought to a status by the verbs that lead there. */
async function taskThatIs(status: TaskStatus): Promise<string> {
  const { engine } = fixture;
  const task = await fixture.task(orchestrator, { maxAttempts: 1 });
  if (status === 'BLOCKED') await engine.blockTask(task.id, { reason: 'r', question: 'q' });
  if (status === 'CANCELLED') await engine.cancelTask(task.id);
  if (status === 'IN_PROGRESS' || status === 'DONE' || status === 'FAILED')
    await engine.executeTask(orchestrator.id, task.id);
  if (status === 'DONE') await engine.completeTask(task.id, { status: 'completed' });
  if (status === 'FAILED') await engine.completeTask(task.id, { status: 'failed', error: 'no' });
  expect((await engine.getTask(task.id)).status).toBe(status);
  return task.id;
}

const STATUSES = ['BLOCKED', 'TODO', 'IN_PROGRESS', 'DONE', 'FAILED', 'CANCELLED'] as const;
const clean = async () => expect((await fixture.engine.recalculateAllStatuses()).repaired).toEqual([]);

describe('every verb on every status', () => {
  const verbs = {
    cancel: (id: string) => fixture.engine.cancelTask(id, { reason: 'enough' }),
    block: (id: string) => fixture.engine.blockTask(id, { reason: 'no key', question: 'Which?' }),
    unblock: (id: string) => fixture.engine.unblockTask(id, { answer: 'this one' }),
    retry: (id: string) => fixture.engine.retryTask(id),
    reopen: (id: string) => fixture.engine.reopenTask(id),
    update: (id: string) =>
      fixture.engine.updateTask(id, { title: 'new', priority: 'LOW', dueAt: NOW, tags: ['t'] }),
  };
  /** What becomes of it; null: INVALID_TRANSITION, nothing changed. */
  const table: Record<keyof typeof verbs, Record<(typeof STATUSES)[number], TaskStatus | null>> = {
    cancel: {
      BLOCKED: 'CANCELLED',
      TODO: 'CANCELLED',
      IN_PROGRESS: 'CANCELLED',
      DONE: null,
      FAILED: null,
      CANCELLED: 'CANCELLED',
    },
    block: {
      BLOCKED: 'BLOCKED',
      TODO: 'BLOCKED',
      IN_PROGRESS: null,
      DONE: null,
      FAILED: null,
      CANCELLED: null,
    },
    unblock: { BLOCKED: 'TODO', TODO: null, IN_PROGRESS: null, DONE: null, FAILED: null, CANCELLED: null },
    retry: { BLOCKED: null, TODO: null, IN_PROGRESS: null, DONE: null, FAILED: 'TODO', CANCELLED: 'TODO' },
    reopen: { BLOCKED: null, TODO: null, IN_PROGRESS: null, DONE: 'TODO', FAILED: null, CANCELLED: null },
    update: {
      BLOCKED: 'BLOCKED',
      TODO: 'TODO',
      IN_PROGRESS: 'IN_PROGRESS',
      DONE: 'DONE',
      FAILED: 'FAILED',
      CANCELLED: 'CANCELLED',
    },
  };
  const cases = Object.entries(table).flatMap(([verb, row]) =>
    STATUSES.map((status) => [verb as keyof typeof verbs, status, row[status]] as const),
  );
  test.each(cases)('%s on %s gives %s', async (verb, status, becomes) => {
    const id = await taskThatIs(status);
    const before = await fixture.engine.getTask(id);
    const events = (await fixture.engine.listTaskEvents(id)).events.length;
    if (becomes === null) {
      const error = await refusal(verbs[verb](id));
      expect(error.code).toBe('INVALID_TRANSITION');
      expect(error.message).toContain(id);
      expect(await fixture.engine.getTask(id)).toEqual(before);
      expect((await fixture.engine.listTaskEvents(id)).events).toHaveLength(events);
    } else {
      const answer = await verbs[verb](id);
      const after = await fixture.engine.getTask(id);
      expect(answer.status).toBe(becomes);
      expect(after.status).toBe(becomes);
      expect(after).toMatchObject({ ...answer });
    }
    await clean();
    for (const nobody of ['task_0198f1c2-0000-7000-8000-000000000000', 'x', ''])
      expect((await refusal(verbs[verb](nobody))).code).toBe('TASK_NOT_FOUND');
  });
});

describe('cancel', () => {
  test('of a running task under a lease waits for the daemon, which is told; twice is once', async () => {
    const task = await fixture.task(orchestrator);
    const { claims } = await fixture.engine.claimNextTask(orchestrator.id);
    const attemptId = claims[0]?.attempt.id as string;
    for (const reason of ['first', 'second'])
      expect((await fixture.engine.cancelTask(task.id, { reason })).status).toBe('IN_PROGRESS');
    expect(await fixture.engine.getAttempt(attemptId)).toMatchObject({
      status: 'RUNNING',
      cancelRequestedAt: NOW,
    });
    const types = (await fixture.engine.listTaskEvents(task.id)).events.map(({ type }) => type);
    expect(types.filter((type) => type === 'task.cancel_requested')).toHaveLength(1);
    // Its slot stays held until the processes have ended.
    await fixture.engine.updateOrchestrator(orchestrator.id, { maxConcurrentTasks: 1 });
    expect((await fixture.engine.claimNextTask(orchestrator.id)).reason).toBe('AT_CAPACITY');
    await fixture.engine.confirmCancelled(attemptId);
    expect(await fixture.engine.getTask(task.id)).toMatchObject({
      status: 'CANCELLED',
      finishedAt: NOW,
      attempts: [{ status: 'CANCELLED', error: 'first' }],
    });
    expect((await fixture.engine.cancelTask(task.id)).status).toBe('CANCELLED');
  });

  test('of work in process races its completion: one of them wins, the other is told', async () => {
    for (let round = 0; round < 20; round += 1) {
      const id = await taskThatIs('IN_PROGRESS');
      const outcomes = await Promise.allSettled([
        fixture.engine.cancelTask(id),
        fixture.engine.completeTask(id, { status: 'completed' }),
      ]);
      const { status } = await fixture.engine.getTask(id);
      expect(outcomes.map((outcome) => outcome.status)).toEqual(
        status === 'DONE' ? ['rejected', 'fulfilled'] : ['fulfilled', 'rejected'],
      );
      for (const outcome of outcomes)
        if (outcome.status === 'rejected')
          expect(outcome.reason).toMatchObject({ code: 'INVALID_TRANSITION' });
    }
    await clean();
  });

  test('leaves dependents waiting, and says for what', async () => {
    const task = await fixture.task(orchestrator, { title: 'gone' });
    const dependent = await fixture.task(orchestrator, { dependsOn: [task.id] });
    await fixture.engine.cancelTask(task.id);
    expect(await fixture.engine.getTask(dependent.id)).toMatchObject({
      status: 'BLOCKED',
      waitsFor: [{ title: 'gone', status: 'CANCELLED' }],
    });
  });
});

describe('questions and answers', () => {
  test('a new report takes the place of the old; the answer becomes context and outlives the obstacle', async () => {
    const task = await fixture.task(orchestrator);
    await fixture.engine.executeTask(orchestrator.id, task.id);
    await fixture.engine.completeTask(task.id, {
      status: 'blocked',
      error: 'unsure',
      question: 'Which one?',
    });
    expect(await fixture.engine.getTask(task.id)).toMatchObject({
      status: 'BLOCKED',
      blockedReason: 'unsure',
      blockedQuestion: 'Which one?',
      blockReasons: ['REPORTED'],
    });
    await fixture.engine.blockTask(task.id, { reason: 'still unsure' });
    expect(await fixture.engine.getTask(task.id)).toMatchObject({
      blockedReason: 'still unsure',
      blockedQuestion: null,
    });
    const blocked = await fixture.engine.executeTask(orchestrator.id, task.id);
    expect(blocked).toEqual({
      taskId: task.id,
      status: 'blocked',
      error: `Task ${task.id} reported blocked: still unsure`,
      metrics: { startedAt: NOW },
    });
    const open = await fixture.engine.unblockTask(task.id, { answer: 'the \0 second' });
    expect(open).toMatchObject({ status: 'TODO', answer: 'the \ufffd second', blockedReason: null });
    const execution = await fixture.engine.executeTask(orchestrator.id, task.id);
    expect(execution).toMatchObject({
      status: 'in_progress',
      output: {
        task: { answer: 'the \ufffd second' },
        previousAttempts: [{ status: 'BLOCKED', error: 'unsure' }],
      },
    });
  });

  test('an obstacle needs a reason', async () => {
    const task = await fixture.task(orchestrator);
    expect((await refusal(fixture.engine.blockTask(task.id, { reason: '  ' }))).code).toBe('INVALID_INPUT');
    expect((await fixture.engine.getTask(task.id)).status).toBe('TODO');
  });

  test('a blocked progress report without a message still has a reason', async () => {
    const id = await taskThatIs('IN_PROGRESS');
    await fixture.engine.updateTaskProgress({ taskId: id, progress: 3, status: 'BLOCKED' });
    expect((await fixture.engine.getTask(id)).blockedReason).toBe('reported blocked without a reason');
  });
});

describe('reopen', () => {
  test('makes dependents wait again', async () => {
    const id = await taskThatIs('DONE');
    const waiting = await fixture.task(orchestrator, { dependsOn: [id] });
    const later = await fixture.task(orchestrator, {
      dependsOn: [id],
      availableAt: new Date(NOW.getTime() + 60_000),
    });
    const other = await fixture.task(orchestrator);
    const both = await fixture.task(orchestrator, { dependsOn: [id, other.id] });
    const cancelled = await fixture.task(orchestrator, { dependsOn: [id] });
    await fixture.engine.cancelTask(cancelled.id);
    expect(waiting.status).toBe('TODO');
    expect(await fixture.engine.reopenTask(id)).toMatchObject({
      status: 'TODO',
      progress: 0,
      finishedAt: null,
    });
    for (const task of [waiting, later, both])
      expect((await fixture.engine.getTask(task.id)).status).toBe('BLOCKED');
    await clean();
    expect((await fixture.engine.retryTask(cancelled.id)).status).toBe('BLOCKED');
    await fixture.engine.executeTask(orchestrator.id, id);
    const { unblocked } = await fixture.engine.completeTask(id, { status: 'completed' });
    expect(unblocked).toEqual([waiting.id, later.id, cancelled.id]);
    // It is available later still.
    expect(
      (await fixture.engine.rankTasks(orchestrator.id)).ranking.map(({ task }) => task.id),
    ).not.toContain(later.id);
    await clean();
  });

  test.each(['IN_PROGRESS', 'DONE', 'blocked after a start', 'waiting for its second try'])(
    'is refused while a dependent is %s, and changes nothing',
    async (what) => {
      const id = await taskThatIs('DONE');
      const dependent = await fixture.task(orchestrator, { dependsOn: [id] });
      await fixture.engine.executeTask(orchestrator.id, dependent.id);
      if (what === 'DONE') await fixture.engine.completeTask(dependent.id, { status: 'completed' });
      if (what === 'blocked after a start')
        await fixture.engine.completeTask(dependent.id, { status: 'blocked' });
      if (what === 'waiting for its second try')
        await fixture.engine.completeTask(dependent.id, { status: 'failed' });
      const error = await refusal(fixture.engine.reopenTask(id));
      expect(error).toMatchObject({
        code: 'DEPENDENT_STARTED',
        message: expect.stringContaining(dependent.id),
      });
      expect((await fixture.engine.getTask(id)).status).toBe('DONE');
      await clean();
    },
  );

  test('of a task whose own prerequisite was reopened waits for that one', async () => {
    const first = await taskThatIs('DONE');
    const second = await fixture.task(orchestrator, { dependsOn: [first] });
    await fixture.engine.cancelTask(second.id);
    await fixture.engine.reopenTask(first);
    expect((await fixture.engine.retryTask(second.id)).status).toBe('BLOCKED');
    await clean();
  });
});

describe('update', () => {
  test('moves a task in the order at once, and between orchestrators', async () => {
    const other = await fixture.orchestrator();
    const [a, b] = [await fixture.task(orchestrator, { tags: ['x', 'x'] }), await fixture.task(orchestrator)];
    expect(a.tags).toEqual(['x']);
    const first = async () => (await fixture.engine.selectNextTask(orchestrator.id))?.id;
    expect(await first()).toBe(a.id);
    await fixture.engine.updateTask(b.id, { priority: 'CRITICAL' });
    expect(await first()).toBe(b.id);
    await fixture.engine.updateTask(a.id, {
      dueAt: new Date(NOW.getTime() - 1),
      priority: 'CRITICAL',
      tags: ['y'],
    });
    expect(await first()).toBe(a.id);
    expect(
      (await fixture.engine.selectNextTask(orchestrator.id, { requireTags: ['x'] }))?.id,
    ).toBeUndefined();
    expect((await fixture.engine.selectNextTask(orchestrator.id, { requireTags: ['y'] }))?.id).toBe(a.id);
    await fixture.engine.updateTask(a.id, { orchestratorId: other.id });
    expect(await first()).toBe(b.id);
    expect((await fixture.engine.selectNextTask(other.id, { requireTags: ['y'] }))?.id).toBe(a.id);
    await fixture.engine.updateTask(a.id, { orchestratorId: null });
    expect(await fixture.engine.selectNextTask(other.id)).toBeNull();
    expect((await fixture.engine.listTasks({ unassigned: 'true' })).tasks.map(({ id }) => id)).toContain(
      a.id,
    );
    await clean();
  });

  test('of a running task is recorded and matters when it comes back; reassigning it is refused', async () => {
    const other = await fixture.orchestrator();
    const id = await taskThatIs('IN_PROGRESS');
    await fixture.engine.updateTask(id, {
      priority: 'CRITICAL',
      dueAt: null,
      maxAttempts: 5,
      orchestratorId: orchestrator.id,
    });
    for (const orchestratorId of [other.id, null])
      expect((await refusal(fixture.engine.updateTask(id, { orchestratorId }))).code).toBe(
        'TASK_HAS_ATTEMPT',
      );
    await fixture.engine.completeTask(id, { status: 'failed' });
    fixture.clock.advanceSeconds(700);
    expect((await fixture.engine.rankTasks(orchestrator.id)).ranking[0]).toMatchObject({
      task: { id },
      weight: 1000,
    });
  });

  test('of a BLOCKED task moves its count with it', async () => {
    const other = await fixture.orchestrator();
    const id = await taskThatIs('BLOCKED');
    await fixture.engine.updateTask(id, { orchestratorId: other.id, priority: 'HIGH' });
    const { backlog, blocked } = await fixture.engine.getOrchestratorExecutionStats(other.id);
    expect(backlog.byPriority.HIGH).toBe(1);
    expect(blocked).toBe(1);
    await clean();
  });

  test.each<[TaskPatch, string]>([
    [{}, 'INVALID_INPUT'],
    [{ title: undefined }, 'INVALID_INPUT'],
    [{ title: '' }, 'INVALID_INPUT'],
    [{ title: 'a\0b' }, 'INVALID_INPUT'],
    [{ dueAt: new Date(Number.NaN) }, 'INVALID_INPUT'],
    [{ priority: 'URGENT' as never }, 'INVALID_INPUT'],
    [{ maxAttempts: 0 }, 'INVALID_INPUT'],
    [{ metadata: { big: 'x'.repeat(66_000) } }, 'INVALID_INPUT'],
    [{ status: 'DONE' } as never, 'INVALID_INPUT'],
    [{ orchestratorId: 'orch_0198f1c2-0000-7000-8000-000000000000' }, 'ORCHESTRATOR_NOT_FOUND'],
    [{ channelId: 'chan_0198f1c2-0000-7000-8000-000000000000' }, 'CHANNEL_NOT_FOUND'],
  ])('refuses %j with %s', async (patch, code) => {
    const task = await fixture.task(orchestrator);
    expect((await refusal(fixture.engine.updateTask(task.id, patch))).code).toBe(code);
    expect(await fixture.engine.getTask(task.id)).toMatchObject({ ...task });
  });

  test('changes every field, and null takes one away', async () => {
    const channel = await fixture.engine.createChannel({ name: `c${Date.now()}`, purpose: 'talk' });
    const task = await fixture.task(orchestrator);
    const patch = {
      title: 't',
      description: 'd'.repeat(5_000),
      acceptanceCriteria: ['one'],
      channelId: channel.id,
      timeoutSeconds: 60,
      estimateMinutes: 5,
      metadata: { a: [1] },
    };
    expect(await fixture.engine.updateTask(task.id, patch)).toMatchObject(patch);
    expect(
      await fixture.engine.updateTask(task.id, {
        channelId: null,
        timeoutSeconds: null,
        estimateMinutes: null,
      }),
    ).toMatchObject({
      title: 't',
      channelId: null,
      timeoutSeconds: null,
      estimateMinutes: null,
    });
  });
});
