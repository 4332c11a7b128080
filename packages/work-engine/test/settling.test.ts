import { beforeEach, describe, expect, test } from 'vitest';
import { createWorkEngine } from '../src/createWorkEngine.js';
import type { ClaimOptions, Completion, OrchestratorDetail } from '../src/index.js';
import { createFixture } from './support/engineFixture.js';
import { readHistory, refusal } from './support/history.js';

const fixture = createFixture({ poolSize: 8 });
const NOW = new Date('2026-03-09T12:00:00Z');
const NOBODY = 'att_0198f1c2-0000-7000-8000-000000000000';

beforeEach(() => {
  fixture.clock.now = NOW;
});

let orchestrator: OrchestratorDetail;
/** A task under a lease of 30 seconds, unless said otherwise. */
async function claimed(options: ClaimOptions = {}, task: Parameters<typeof fixture.task>[1] = {}) {
  orchestrator = await fixture.orchestrator();
  const made = await fixture.task(orchestrator, task);
  const { claims } = await fixture.engine.claimNextTask(orchestrator.id, options);
  return { taskId: made.id, attemptId: claims[0]?.attempt.id as string };
}
const again = async (taskId: string): Promise<string> => {
  const { claims } = await fixture.engine.claimNextTask(orchestrator.id);
  expect(claims[0]?.task.id).toBe(taskId);
  return claims[0]?.attempt.id as string;
};
const countEvents = async (taskId: string) => (await fixture.engine.listTaskEvents(taskId)).events.length;

describe('completion', () => {
  test('makes the task DONE, keeps the result and tells what it freed', async () => {
    const { taskId, attemptId } = await claimed({ agent: 'shell' });
    const waiting = await fixture.engine.createTasks([
      { title: 'one', orchestratorId: orchestrator.id, dependsOn: [taskId] },
      { title: 'two', orchestratorId: orchestrator.id, dependsOn: [taskId] },
    ]);
    fixture.clock.advanceSeconds(12);
    const startedAt = new Date('2026-03-09T12:00:01Z');
    const settlement = await fixture.engine.completeTask(taskId, {
      status: 'completed',
      attemptId,
      output: { answer: 42, at: startedAt as never },
      artifacts: [{ type: 'file', content: 'x' }],
      metrics: { startedAt, duration: 12_000, tokens: 5 },
    });
    expect(settlement).toEqual({
      taskId,
      attemptId,
      attemptStatus: 'SUCCEEDED',
      status: 'DONE',
      replayed: false,
      settledAt: fixture.clock.now,
      availableAt: null,
      unblocked: waiting.map(({ id }) => id),
    });
    const task = await fixture.engine.getTask(taskId);
    expect(task).toMatchObject({
      status: 'DONE',
      progress: 100,
      finishedAt: fixture.clock.now,
      result: {
        output: { answer: 42, at: startedAt.toISOString() },
        artifacts: [{ type: 'file', content: 'x' }],
        error: null,
      },
      attempts: [
        {
          status: 'SUCCEEDED',
          agent: 'shell',
          endedAt: fixture.clock.now,
          metrics: { duration: 12_000, tokens: 5 },
        },
      ],
    });
    const { events } = await fixture.engine.listTaskEvents(taskId);
    expect(events.map(({ type, from, to }) => [type, from, to])).toEqual([
      ['task.created', null, 'TODO'],
      ['task.claimed', 'TODO', 'IN_PROGRESS'],
      ['task.completed', 'IN_PROGRESS', 'DONE'],
    ]);
    expect(events[2]?.data).toMatchObject({ attempt: 1, ended: 'SUCCEEDED', seconds: 12 });
  });

  test('stores what an agent printed even where the database could not hold it', async () => {
    const { taskId, attemptId } = await claimed();
    await fixture.engine.updateTaskProgress({
      taskId,
      attemptId,
      progress: 10.9,
      message: `${'é'.repeat(1_500)}\0`,
      metadata: { 'k\0': 'v\ud800' },
    });
    await fixture.engine.completeTask(taskId, {
      status: 'completed',
      attemptId,
      output: { text: 'a\0b\udc00', nested: ['\0'], 'key\0': '\\u0000 is only text' },
      artifacts: [{ type: 'log', content: 'nul \0 here' }],
    });
    const task = await fixture.engine.getTask(taskId);
    expect(task.result?.output).toEqual({
      text: 'a\ufffdb\ufffd',
      nested: ['\ufffd'],
      'key\ufffd': '\\u0000 is only text',
    });
    expect(task.result?.artifacts).toEqual([{ type: 'log', content: 'nul \ufffd here' }]);
    expect(task.metadata).toEqual({ 'k\ufffd': 'v\ufffd' });
    expect(task.progressMessage).toBe('é'.repeat(1_024));
  });

  test.each<[Partial<Completion> & { [field: string]: unknown }, string]>([
    [{ status: 'done' as never }, 'status'],
    [{ status: 'failed', failureClass: 'gremlins' as never }, 'failureClass'],
    [{ status: 'completed', surprise: 1 }, 'surprise'],
    [{ status: 'completed', artifacts: [{ type: '', content: '' }] }, 'artifacts.0.type'],
    [{ status: 'completed', output: 1n as never }, 'JSON'],
  ])('refuses %o, naming what is wrong, and changes nothing', async (completion, named) => {
    const { taskId, attemptId } = await claimed();
    const before = await countEvents(taskId);
    const error = await refusal(
      fixture.engine.completeTask(taskId, { ...completion, attemptId } as Completion),
    );
    expect(error.code).toBe('INVALID_INPUT');
    expect(error.message).toContain(named);
    expect(await countEvents(taskId)).toBe(before);
    expect((await fixture.engine.getTask(taskId)).status).toBe('IN_PROGRESS');
  });
});

describe('who may settle', () => {
  type Case = [
    name: string,
    prepare: () => Promise<{ taskId: string; attemptId?: string | undefined }>,
    code: string,
  ];
  const cases: Case[] = [
    ['an attempt that never was', async () => ({ ...(await claimed()), attemptId: NOBODY }), 'LEASE_LOST'],
    ['what is no attempt id at all', async () => ({ ...(await claimed()), attemptId: 'mine' }), 'LEASE_LOST'],
    [
      "another task's live attempt",
      async () => {
        const { attemptId } = await claimed();
        return { taskId: (await claimed()).taskId, attemptId };
      },
      'LEASE_LOST',
    ],
    [
      'nobody named, of an attempt that can run out',
      async () => ({ taskId: (await claimed()).taskId, attemptId: undefined }),
      'ATTEMPT_REQUIRED',
    ],
    [
      'the attempt before the sweep',
      async () => {
        const lost = await claimed();
        fixture.clock.advanceSeconds(30);
        expect((await fixture.engine.sweepExpiredLeases()).lost).toContainEqual(lost);
        return lost;
      },
      'LEASE_LOST',
    ],
    [
      'the attempt before the one that runs',
      async () => {
        const lost = await claimed();
        fixture.clock.advanceSeconds(31);
        await fixture.engine.sweepExpiredLeases();
        await again(lost.taskId);
        return lost;
      },
      'LEASE_LOST',
    ],
    [
      'the attempt of a cancelled task',
      async () => {
        const owned = await claimed();
        await fixture.engine.cancelTask(owned.taskId);
        await fixture.engine.confirmCancelled(owned.attemptId);
        return owned;
      },
      'LEASE_LOST',
    ],
    [
      'the attempt before the retry',
      async () => {
        const owned = await claimed({}, { maxAttempts: 1 });
        await fixture.engine.completeTask(owned.taskId, { status: 'failed', attemptId: owned.attemptId });
        await fixture.engine.retryTask(owned.taskId);
        return owned;
      },
      'LEASE_LOST',
    ],
    [
      'nobody named, of a task that waits',
      async () => {
        orchestrator = await fixture.orchestrator();
        return { taskId: (await fixture.task(orchestrator)).id };
      },
      'INVALID_TRANSITION',
    ],
    [
      'nobody named, of a task that is done',
      async () => {
        const owned = await claimed({ leaseSeconds: null });
        await fixture.engine.completeTask(owned.taskId, { status: 'completed' });
        return { taskId: owned.taskId };
      },
      'INVALID_TRANSITION',
    ],
    [
      'nobody named, of a task with unmet prerequisites',
      async () => {
        const { taskId } = await claimed();
        return { taskId: (await fixture.task(orchestrator, { dependsOn: [taskId] })).id };
      },
      'PREREQUISITES_UNMET',
    ],
    ['a task that does not exist', async () => ({ taskId: NOBODY.replace('att', 'task') }), 'TASK_NOT_FOUND'],
    ['what is no task id', async () => ({ taskId: 'x' }), 'TASK_NOT_FOUND'],
  ];
  test.each(cases)('%s: refused, nothing changed', async (_, prepare, code) => {
    const { taskId, attemptId } = await prepare();
    const exists = code !== 'TASK_NOT_FOUND';
    const before = exists ? await fixture.engine.getTask(taskId) : null;
    const events = exists ? await countEvents(taskId) : 0;
    expect(
      (await refusal(fixture.engine.completeTask(taskId, { status: 'completed', attemptId }))).code,
    ).toBe(code);
    if (exists) {
      expect(await fixture.engine.getTask(taskId)).toEqual(before);
      expect(await countEvents(taskId)).toBe(events);
    }
    if (attemptId !== undefined && code === 'LEASE_LOST') {
      expect(
        (await refusal(fixture.engine.updateTaskProgress({ taskId, progress: 5, attemptId }))).code,
      ).toBe('LEASE_LOST');
    }
  });

  test('an attempt without expiry needs no name, whatever the call', async () => {
    const { taskId } = await claimed({ leaseSeconds: null });
    expect(
      (await fixture.engine.updateTaskProgress({ taskId, progress: 40, message: 'half' })).progress,
    ).toBe(40);
    fixture.clock.advanceSeconds(1_000_000);
    expect((await fixture.engine.sweepExpiredLeases()).lost.map((lost) => lost.taskId)).not.toContain(taskId);
    expect((await fixture.engine.completeTask(taskId, { status: 'completed' })).status).toBe('DONE');
  });

  test('a completion after the lease ran out counts while nobody has taken the task back', async () => {
    const { taskId, attemptId } = await claimed();
    fixture.clock.advanceSeconds(3_600);
    expect((await fixture.engine.completeTask(taskId, { status: 'completed', attemptId })).status).toBe(
      'DONE',
    );
    expect((await fixture.engine.sweepExpiredLeases()).lost).toEqual([]);
  });
});

describe('the same call again', () => {
  test.each([
    ['completed', { status: 'completed' }, 'DONE'],
    ['failed', { status: 'failed', error: 'no' }, 'TODO'],
    ['timed out', { status: 'failed', timedOut: true }, 'TODO'],
    ['blocked', { status: 'blocked', error: 'why' }, 'BLOCKED'],
  ] as const)(
    '%s: gets the same answer and does nothing twice, whatever happened since',
    async (_, completion, status) => {
      const { taskId, attemptId } = await claimed();
      const dependent = await fixture.task(orchestrator, { dependsOn: [taskId] });
      const first = await fixture.engine.completeTask(taskId, { ...completion, attemptId });
      expect(first).toMatchObject({
        status,
        replayed: false,
        unblocked: status === 'DONE' ? [dependent.id] : [],
      });
      // The world moves on: the task (or its dependent) is claimed again.
      fixture.clock.advanceSeconds(700);
      if (status === 'BLOCKED') await fixture.engine.unblockTask(taskId);
      await fixture.engine.claimNextTask(orchestrator.id);
      const before = (await readHistory(fixture.engine)).length;
      const second = await fixture.engine.completeTask(taskId, { ...completion, attemptId });
      expect(second).toEqual({ ...first, replayed: true });
      expect((await readHistory(fixture.engine)).length).toBe(before);
      // Another state than the one that was settled is refused.
      const other = completion.status === 'completed' ? 'failed' : 'completed';
      expect((await refusal(fixture.engine.completeTask(taskId, { status: other, attemptId }))).code).toBe(
        'LEASE_LOST',
      );
    },
  );

  test('a progress report that blocks, repeated, answers as the first', async () => {
    const { taskId, attemptId } = await claimed();
    const report = { taskId, attemptId, progress: 30, status: 'BLOCKED', message: 'need a key' } as const;
    const first = await fixture.engine.updateTaskProgress(report);
    expect(first).toMatchObject({ status: 'BLOCKED', blockedReason: 'need a key', progress: 30 });
    expect(await fixture.engine.updateTaskProgress(report)).toEqual(first);
  });

  test('releases and confirmations too', async () => {
    const owned = await claimed();
    const first = await fixture.engine.releaseAttempt(owned.attemptId);
    expect(first).toMatchObject({ status: 'TODO', attemptStatus: 'CANCELLED', availableAt: null });
    expect(await fixture.engine.releaseAttempt(owned.attemptId)).toEqual({ ...first, replayed: true });
    const attemptId = await again(owned.taskId);
    expect((await refusal(fixture.engine.confirmCancelled(attemptId))).code).toBe('CANCEL_NOT_REQUESTED');
    await fixture.engine.cancelTask(owned.taskId, { reason: 'changed my mind' });
    const confirmed = await fixture.engine.confirmCancelled(attemptId);
    expect(confirmed).toMatchObject({ status: 'CANCELLED' });
    expect(await fixture.engine.confirmCancelled(attemptId)).toEqual({ ...confirmed, replayed: true });
    expect((await fixture.engine.getAttempt(attemptId)).error).toBe('changed my mind');
    expect((await refusal(fixture.engine.releaseAttempt(NOBODY))).code).toBe('ATTEMPT_NOT_FOUND');
  });
});

describe('failures', () => {
  /** An engine whose dice always show the same. */
  const engineWith = (random: number) =>
    createWorkEngine({
      ...fixture.test.database,
      clock: () => fixture.clock.now as Date,
      random: () => random,
    });

  test('wait twice as long each time, within the jitter, then park the task', async () => {
    orchestrator = await fixture.orchestrator();
    const task = await fixture.task(orchestrator, { maxAttempts: 4 });
    const engine = engineWith(0.5);
    for (const seconds of [5, 10, 20]) {
      const attemptId = await again(task.id);
      const settled = await engine.completeTask(task.id, { status: 'failed', attemptId, error: 'no' });
      const availableAt = new Date((fixture.clock.now as Date).getTime() + seconds * 1_000);
      expect(settled).toMatchObject({ status: 'TODO', attemptStatus: 'FAILED', availableAt });
      expect((await fixture.engine.claimNextTask(orchestrator.id)).reason).toBe('NOTHING_ELIGIBLE');
      fixture.clock.now = availableAt;
    }
    const attemptId = await again(task.id);
    const parked = await engine.completeTask(task.id, {
      status: 'failed',
      attemptId,
      error: 'never',
      failureClass: 'agent',
    });
    expect(parked).toMatchObject({ status: 'FAILED', availableAt: null });
    expect(await fixture.engine.getTask(task.id)).toMatchObject({
      status: 'FAILED',
      failureCount: 4,
      attemptCount: 4,
      result: { error: 'never' },
    });
    const { events } = await fixture.engine.listTaskEvents(task.id);
    expect(events.at(-1)?.data).not.toHaveProperty('availableAt');
    await engine.close();
  });

  test('without jitter come back at once, and never wait longer than ten minutes', async () => {
    const engine = engineWith(0);
    const { taskId, attemptId } = await claimed({}, { maxAttempts: 100 });
    const settled = await engine.completeTask(taskId, { status: 'failed', attemptId });
    expect(settled.availableAt).toEqual(NOW);
    const late = engineWith(0.999);
    for (let n = 0; n < 12; n += 1) {
      const next = await again(taskId);
      const { availableAt } = await late.completeTask(taskId, { status: 'failed', attemptId: next });
      expect((availableAt as Date).getTime()).toBeLessThan((fixture.clock.now as Date).getTime() + 600_000);
      fixture.clock.now = availableAt;
    }
    await engine.close();
    await late.close();
  });

  test.each(['provider', 'infrastructure'] as const)(
    'of the %s have a budget of their own',
    async (failureClass) => {
      orchestrator = await fixture.orchestrator();
      const task = await fixture.task(orchestrator, { maxAttempts: 1 });
      for (const status of ['TODO', 'TODO', 'FAILED']) {
        const attemptId = await again(task.id);
        const settled = await fixture.engine.completeTask(task.id, {
          status: 'failed',
          attemptId,
          failureClass,
        });
        expect(settled.status).toBe(status);
        fixture.clock.advanceSeconds(700);
      }
      expect(await fixture.engine.getTask(task.id)).toMatchObject({ failureCount: 0, attemptCount: 3 });
    },
  );

  test('a third lost lease parks the task, which tells why', async () => {
    orchestrator = await fixture.orchestrator();
    const task = await fixture.task(orchestrator);
    for (const status of ['TODO', 'TODO', 'FAILED']) {
      await again(task.id);
      fixture.clock.advanceSeconds(31);
      expect((await fixture.engine.sweepExpiredLeases()).lost).toHaveLength(1);
      expect((await fixture.engine.getTask(task.id)).status).toBe(status);
    }
    const parked = await fixture.engine.getTask(task.id);
    expect(parked).toMatchObject({ lostCount: 3, failureCount: 0 });
    expect(parked.result?.error).toMatch(/^The lease ran out at 2026-03-09T12:01:32.000Z/);
    // A person gives it another chance: with all budgets afresh.
    expect(await fixture.engine.retryTask(task.id)).toMatchObject({
      status: 'TODO',
      lostCount: 0,
      finishedAt: null,
    });
  });

  test('leave dependents BLOCKED, and they say what they wait for', async () => {
    const { taskId, attemptId } = await claimed({}, { title: 'the cause', maxAttempts: 1 });
    const dependent = await fixture.task(orchestrator, { dependsOn: [taskId] });
    const settled = await fixture.engine.completeTask(taskId, { status: 'failed', attemptId });
    expect(settled).toMatchObject({ status: 'FAILED', unblocked: [] });
    expect(await fixture.engine.getTask(dependent.id)).toMatchObject({
      status: 'BLOCKED',
      blockReasons: ['DEPENDENCIES'],
      waitsFor: [{ id: taskId, title: 'the cause', status: 'FAILED' }],
    });
    await fixture.engine.retryTask(taskId);
    const next = await again(taskId);
    expect(
      (await fixture.engine.completeTask(taskId, { status: 'completed', attemptId: next })).unblocked,
    ).toEqual([dependent.id]);
  });

  test.each(['failed', 'blocked'] as const)(
    'a running task that is to be cancelled and reports %s is cancelled',
    async (status) => {
      const { taskId, attemptId } = await claimed();
      await fixture.engine.cancelTask(taskId);
      expect((await fixture.engine.completeTask(taskId, { status, attemptId, error: 'killed' })).status).toBe(
        'CANCELLED',
      );
      expect((await fixture.engine.recalculateAllStatuses()).repaired).toEqual([]);
    },
  );

  test('a running task that is to be cancelled and completes is done; one that is lost is cancelled', async () => {
    const first = await claimed();
    await fixture.engine.cancelTask(first.taskId);
    expect(
      (await fixture.engine.completeTask(first.taskId, { status: 'completed', attemptId: first.attemptId }))
        .status,
    ).toBe('DONE');
    const second = await claimed();
    await fixture.engine.cancelTask(second.taskId);
    fixture.clock.advanceSeconds(31);
    await fixture.engine.sweepExpiredLeases();
    expect((await fixture.engine.getTask(second.taskId)).status).toBe('CANCELLED');
  });
});

describe('leases', () => {
  test('are renewed by as long as they were given, and say when a cancel was asked for', async () => {
    const { taskId, attemptId } = await claimed({ leaseSeconds: 45 });
    fixture.clock.advanceSeconds(44);
    expect(await fixture.engine.renewLease(attemptId)).toEqual({
      attemptId,
      owned: true,
      leaseExpiresAt: new Date(NOW.getTime() + 89_000),
      cancelRequested: false,
      gaveWay: false,
      runPaused: false,
    });
    await fixture.engine.cancelTask(taskId);
    expect((await fixture.engine.renewLease(attemptId)).cancelRequested).toBe(true);
    // Without an expiry a renewal says nothing new.
    const forever = await claimed({ leaseSeconds: null });
    expect((await fixture.engine.renewLease(forever.attemptId)).leaseExpiresAt).toBeNull();
    for (const id of [NOBODY, 'nonsense'])
      expect((await refusal(fixture.engine.renewLease(id))).code).toBe('LEASE_LOST');
  });

  test('a heartbeat renews many at once and tells of each whether it is still owned', async () => {
    const first = await claimed();
    const daemon = await fixture.engine.registerDaemon({
      name: 'd1',
      host: 'h',
      version: '1',
      slots: 2,
      orchestratorIds: [orchestrator.id],
    });
    const renewals = await fixture.engine.heartbeatDaemon(daemon.id, {
      attemptIds: [NOBODY, first.attemptId, 'x'],
    });
    expect(renewals.map(({ attemptId, owned }) => [attemptId, owned])).toEqual([
      [NOBODY, false],
      [first.attemptId, true],
      ['x', false],
    ]);
    expect(await fixture.engine.heartbeatDaemon(daemon.id, { state: 'STOPPED' })).toEqual([]);
    expect((await fixture.engine.listDaemons()).find(({ id }) => id === daemon.id)?.state).toBe('STOPPED');
    expect((await refusal(fixture.engine.heartbeatDaemon(NOBODY.replace('att', 'daemon'), {}))).code).toBe(
      'DAEMON_NOT_FOUND',
    );
  });

  test('a heartbeat or a completion that races the sweep has one winner', async () => {
    const engines = fixture.others(2, 6);
    const outcomes = { renewed: 0, completed: 0, lost: 0 };
    orchestrator = await fixture.orchestrator({ maxConcurrentTasks: 200 });
    await fixture.engine.createTasks(
      Array.from({ length: 120 }, (_, n) => ({ title: `${n}`, orchestratorId: orchestrator.id })),
    );
    const { claims } = await fixture.engine.claimNextTask(orchestrator.id, { max: 100 });
    fixture.clock.advanceSeconds(30);
    const sweeping = (async () => {
      for (let n = 0; n < 4; n += 1) await engines[n % 2]?.sweepExpiredLeases();
    })();
    await Promise.all(
      claims.map(async ({ task, attempt }, n) => {
        const call =
          n % 2 === 0
            ? fixture.engine.renewLease(attempt.id)
            : fixture.engine.completeTask(task.id, { status: 'completed', attemptId: attempt.id });
        const won = await call.then(
          () => true,
          (error: { code?: string }) => {
            if (error.code !== 'LEASE_LOST') throw error;
            return false;
          },
        );
        outcomes[won ? (n % 2 === 0 ? 'renewed' : 'completed') : 'lost'] += 1;
        await sweeping;
        const ended = await fixture.engine.getAttempt(attempt.id);
        const expected = won ? (n % 2 === 0 ? 'RUNNING' : 'SUCCEEDED') : 'LOST';
        expect(ended.status).toBe(expected);
      }),
    );
    expect(outcomes.renewed + outcomes.completed + outcomes.lost).toBe(100);
    expect((await fixture.engine.recalculateAllStatuses()).repaired).toEqual([]);
  });

  test('many that ran out are taken back in batches', async () => {
    orchestrator = await fixture.orchestrator({ maxConcurrentTasks: 1_000 });
    await fixture.engine.createTasks(
      Array.from({ length: 700 }, (_, n) => ({ title: `${n}`, orchestratorId: orchestrator.id })),
    );
    for (let n = 0; n < 7; n += 1) await fixture.engine.claimNextTask(orchestrator.id, { max: 100 });
    fixture.clock.advanceSeconds(31);
    const reports = await Promise.all([1, 2, 3].map(() => fixture.engine.sweepExpiredLeases()));
    const lost = reports.flatMap((report) => report.lost).filter(({ taskId }) => taskId !== '');
    expect(new Set(lost.map(({ attemptId }) => attemptId)).size).toBe(lost.length);
    expect(lost.length).toBeGreaterThanOrEqual(700);
    expect((await fixture.engine.rankTasks(orchestrator.id, { limit: 500 })).ranking).toHaveLength(500);
  });
});

describe('progress', () => {
  test.each([-1, 101, Number.NaN, '50' as never])('%s is refused', async (progress) => {
    const { taskId, attemptId } = await claimed();
    const error = await refusal(fixture.engine.updateTaskProgress({ taskId, attemptId, progress }));
    expect(error).toEqual({ code: 'INVALID_PROGRESS', message: 'Progress must be between 0 and 100' });
    expect((await fixture.engine.getTask(taskId)).progress).toBe(0);
  });

  test('merges metadata key by key, and refuses too much of it', async () => {
    const { taskId, attemptId } = await claimed({}, { metadata: { a: 1, b: 1 } });
    await fixture.engine.updateTaskProgress({ taskId, attemptId, progress: 0, metadata: { b: 2, c: 3 } });
    const task = await fixture.engine.updateTaskProgress({
      taskId,
      attemptId,
      progress: 100,
      message: 'almost',
    });
    expect(task).toMatchObject({
      metadata: { a: 1, b: 2, c: 3 },
      progress: 100,
      progressMessage: 'almost',
      status: 'IN_PROGRESS',
    });
    const metadata = { big: 'x'.repeat(70_000) };
    expect(
      (await refusal(fixture.engine.updateTaskProgress({ taskId, attemptId, progress: 1, metadata }))).code,
    ).toBe('METADATA_TOO_LARGE');
    expect(
      (
        await refusal(
          fixture.engine.updateTaskProgress({ taskId, attemptId, progress: 1, metadata: [] as never }),
        )
      ).code,
    ).toBe('INVALID_INPUT');
    expect((await fixture.engine.getTask(taskId)).progress).toBe(100);
  });

  test('says why a task can not be reported on', async () => {
    const waiting = await fixture.task(await fixture.orchestrator());
    const held = await claimed();
    const report = (taskId: string, more: object = {}) =>
      refusal(fixture.engine.updateTaskProgress({ taskId, progress: 1, ...more }));
    expect(await report(waiting.id)).toMatchObject({
      code: 'INVALID_TRANSITION',
      message: expect.stringContaining('claim or execute it first'),
    });
    expect((await report(held.taskId)).code).toBe('ATTEMPT_REQUIRED');
    expect((await report(held.taskId, { attemptId: held.attemptId, status: 'DONE' })).code).toBe(
      'INVALID_TRANSITION',
    );
    expect((await report(NOBODY.replace('att', 'task'))).code).toBe('TASK_NOT_FOUND');
    expect((await report('x')).code).toBe('TASK_NOT_FOUND');
  });
});
