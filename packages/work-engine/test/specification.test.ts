import { openDatabase } from '@neolith/database';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import {
  canTransitionToStatus,
  closeDefaultEngine,
  createWorkEngine,
  getDefaultEngine,
  getOrchestratorExecutionStats,
  getVPExecutionStats,
  NeolithError,
  type OrchestratorDetail,
  prepareTaskContext,
  STATUS_TRANSITIONS,
  selectNextTask,
  type WorkEngine,
} from '../src/index.js';
import { createFixture } from './support/engineFixture.js';
import { refusal } from './support/history.js';

const fixture = createFixture();
let orchestrator: OrchestratorDetail;
beforeEach(async () => {
  fixture.clock.now = null;
  orchestrator = await fixture.orchestrator();
});
const UNKNOWN = '0198f1c2-0000-7000-8000-000000000000';

describe("the original specification's verbs", () => {
  test('work a task from selection to statistics', async () => {
    const { engine } = fixture;
    const made = await fixture.task(orchestrator, { priority: 'HIGH', description: 'Do it' });
    const next = await engine.selectNextTask(orchestrator.id, { limit: 1 });
    expect(next?.id).toBe(made.id);
    const execution = await engine.executeTask(orchestrator.id, made.id);
    expect(execution).toMatchObject({
      taskId: made.id,
      status: 'in_progress',
      output: {
        task: { id: made.id, status: 'IN_PROGRESS', description: 'Do it' },
        orchestrator: { id: orchestrator.id },
      },
      attemptId: expect.stringMatching(/^att_/),
      metrics: { startedAt: expect.any(Date) },
    });
    const progressed = await engine.updateTaskProgress({
      taskId: made.id,
      progress: 50,
      status: 'IN_PROGRESS',
      message: 'Half way',
      metadata: { files: 3 },
    });
    expect(progressed).toMatchObject({ progress: 50, progressMessage: 'Half way', metadata: { files: 3 } });
    const startedAt = new Date();
    const completed = await engine.completeTask(made.id, {
      status: 'completed',
      output: { summary: 'done' },
      metrics: { startedAt, completedAt: new Date(), duration: 1_200 },
      artifacts: [{ type: 'diff', content: '+1' }],
    });
    expect(completed.status).toBe('DONE');
    const stats = await engine.getOrchestratorExecutionStats(orchestrator.id, {
      start: new Date(Date.now() - 3_600_000),
      end: new Date(Date.now() + 3_600_000),
    });
    expect(stats).toMatchObject({ completed: 1, failed: 0, successRate: 100, inProgress: 0 });
    expect(await engine.selectNextTask(orchestrator.id)).toBeNull();
  });

  test('executeTask answers blocked with the reason when prerequisites are unmet', async () => {
    const first = await fixture.task(orchestrator, { title: 'Foundation' });
    const second = await fixture.task(orchestrator, { dependsOn: [first.id] });
    const answer = await fixture.engine.executeTask(orchestrator.id, second.id);
    expect(answer).toEqual({
      taskId: second.id,
      status: 'blocked',
      error: `Task ${second.id} waits for ${first.id} "Foundation" (TODO)`,
      metrics: { startedAt: expect.any(Date) },
    });
    const error = await refusal(fixture.engine.completeTask(second.id, { status: 'completed' }));
    expect(error.code).toBe('PREREQUISITES_UNMET');
    expect(error.message).toContain(`${first.id} (TODO)`);
  });

  test('executeTask keeps to the limit, to leases that are asked for, and to known daemons', async () => {
    await fixture.engine.updateOrchestrator(orchestrator.id, { maxConcurrentTasks: 1 });
    const [first, second] = [await fixture.task(orchestrator), await fixture.task(orchestrator)];
    const daemonId = `daemon_${UNKNOWN}`;
    expect((await refusal(fixture.engine.executeTask(orchestrator.id, first.id, { daemonId }))).code).toBe(
      'DAEMON_NOT_FOUND',
    );
    const started = await fixture.engine.executeTask(orchestrator.id, first.id, {
      leaseSeconds: 60,
      agent: 'shell',
    });
    const attempt = await fixture.engine.getAttempt(
      started.status === 'in_progress' ? started.attemptId : '',
    );
    expect(attempt.leaseExpiresAt?.getTime()).toBe(attempt.claimedAt.getTime() + 60_000);
    const error = await refusal(fixture.engine.executeTask(orchestrator.id, second.id));
    expect(error).toMatchObject({ code: 'AT_CAPACITY', message: expect.stringContaining('limit of 1') });
    expect((await refusal(fixture.engine.executeTask(orchestrator.id, first.id))).code).toBe(
      'INVALID_TRANSITION',
    );
    expect(
      (await refusal(fixture.engine.executeTask(orchestrator.id, first.id, { leaseSeconds: 0 }))).code,
    ).toBe('INVALID_INPUT');
  });

  test('say exactly who was not found, or not assigned', async () => {
    const task = await fixture.task(orchestrator);
    const other = await fixture.orchestrator();
    const orch = `orch_${UNKNOWN}`;
    const { engine } = fixture;
    const noOrchestrator = [
      () => engine.selectNextTask(orch),
      () => engine.rankTasks(orch),
      () => engine.claimNextTask(orch),
      () => engine.waitForClaim(orch, { waitSeconds: 1 }),
      () => engine.explainSelection(orch),
      () => engine.executeTask(orch, task.id),
      () => engine.executeTask(orch, `task_${UNKNOWN}`),
      () => engine.prepareTaskContext(orch, task.id),
      () => engine.getOrchestratorExecutionStats(orch),
      () => engine.getOrchestrator(orch),
      () => engine.updateOrchestrator(orch, { name: 'x' }),
      () => engine.listAttempts(orch),
    ];
    for (const call of noOrchestrator)
      expect(await refusal(call())).toEqual({
        code: 'ORCHESTRATOR_NOT_FOUND',
        message: `Orchestrator not found: ${orch}`,
      });
    const id = `task_${UNKNOWN}`;
    for (const call of [
      () => engine.executeTask(orchestrator.id, id),
      () => engine.prepareTaskContext(orchestrator.id, id),
      () => engine.updateTaskProgress({ taskId: id, progress: 1 }),
      () => engine.completeTask(id, { status: 'completed' }),
      () => engine.getTask(id),
      () => engine.listTaskEvents(id),
      () => engine.explainSelection(orchestrator.id, id),
    ])
      expect(await refusal(call())).toEqual({ code: 'TASK_NOT_FOUND', message: `Task not found: ${id}` });
    for (const call of [
      () => engine.executeTask(other.id, task.id),
      () => engine.prepareTaskContext(other.id, task.id),
    ])
      expect(await refusal(call())).toEqual({
        code: 'TASK_NOT_ASSIGNED',
        message: `Task ${task.id} is not assigned to Orchestrator ${other.id}`,
      });
    // Ids without their prefix are what Prisma gives; they do as well.
    expect((await engine.getTask(task.id.slice(5).toUpperCase())).id).toBe(task.id);
  });
});

describe('canTransitionToStatus', () => {
  const STATUSES = ['BLOCKED', 'TODO', 'IN_PROGRESS', 'MERGING', 'DONE', 'FAILED', 'CANCELLED'] as const;
  /** The state table of the design, once more: rows from, columns to. */
  const TABLE: Record<(typeof STATUSES)[number], string> = {
    BLOCKED: '.x....x',
    TODO: 'x.x...x',
    IN_PROGRESS: 'xx.xxxx',
    MERGING: 'xx..xxx',
    DONE: 'xx.....',
    FAILED: 'xx.....',
    CANCELLED: 'xx.....',
  };
  test.each(STATUSES.flatMap((from) => STATUSES.map((to, n) => [from, to, TABLE[from][n] === 'x'] as const)))(
    '%s to %s: %s',
    (status, to, allowed) => {
      const verdict = canTransitionToStatus({ id: 'task_1', status }, to);
      expect(verdict.allowed).toBe(allowed);
      expect(STATUS_TRANSITIONS[status].includes(to)).toBe(allowed);
      if (allowed) expect(verdict).not.toHaveProperty('reason');
      else if (status === to) expect(verdict.reason).toBe(`Task task_1 is ${to} already`);
      else expect(verdict.reason).toContain(`is ${status} and can't become ${to}; it can become `);
    },
  );
});

describe('another workspace', () => {
  test('does not exist, for any verb', async () => {
    const foreign = await fixture.foreign();
    const theirs = foreign.engine;
    await theirs.executeTask(foreign.orchestrator.id, foreign.task.id, { leaseSeconds: 600 });
    const attemptId = (await theirs.getTask(foreign.task.id)).attempts[0]?.id as string;
    const daemon = await theirs.registerDaemon({
      name: 'd',
      host: 'h',
      version: '1',
      slots: 1,
      orchestratorIds: [foreign.orchestrator.id],
    });
    const channel = await theirs.createChannel({ name: 'c' });
    const mine = await fixture.task(orchestrator);
    const before = JSON.stringify([
      await theirs.getTask(foreign.task.id),
      await theirs.getOrchestrator(foreign.orchestrator.id),
      await theirs.listDaemons(),
    ]);
    const [orch, task] = [foreign.orchestrator.id, foreign.task.id];
    const { engine } = fixture;
    const calls: [code: string, call: () => Promise<unknown>][] = [
      ['ORCHESTRATOR_NOT_FOUND', () => engine.selectNextTask(orch)],
      ['ORCHESTRATOR_NOT_FOUND', () => engine.rankTasks(orch)],
      ['ORCHESTRATOR_NOT_FOUND', () => engine.explainSelection(orch)],
      ['ORCHESTRATOR_NOT_FOUND', () => engine.claimNextTask(orch)],
      ['ORCHESTRATOR_NOT_FOUND', () => engine.waitForClaim(orch, { waitSeconds: 1 })],
      ['ORCHESTRATOR_NOT_FOUND', () => engine.executeTask(orch, task)],
      ['ORCHESTRATOR_NOT_FOUND', () => engine.prepareTaskContext(orch, task)],
      ['ORCHESTRATOR_NOT_FOUND', () => engine.getOrchestratorExecutionStats(orch)],
      ['ORCHESTRATOR_NOT_FOUND', () => engine.getOrchestrator(orch)],
      ['ORCHESTRATOR_NOT_FOUND', () => engine.updateOrchestrator(orch, { name: 'mine' })],
      ['ORCHESTRATOR_NOT_FOUND', () => engine.listAttempts(orch)],
      ['ORCHESTRATOR_NOT_FOUND', () => engine.createTask({ title: 'a', orchestratorId: orch })],
      ['ORCHESTRATOR_NOT_FOUND', () => engine.updateTask(mine.id, { orchestratorId: orch })],
      [
        'ORCHESTRATOR_NOT_FOUND',
        () =>
          engine.registerDaemon({ name: 'x', host: 'h', version: '1', slots: 1, orchestratorIds: [orch] }),
      ],
      ['CHANNEL_NOT_FOUND', () => engine.createTask({ title: 'a', channelId: channel.id })],
      ['CHANNEL_NOT_FOUND', () => engine.updateTask(mine.id, { channelId: channel.id })],
      ['DAEMON_NOT_FOUND', () => engine.heartbeatDaemon(daemon.id, {})],
      ['DAEMON_NOT_FOUND', () => engine.claimNextTask(orchestrator.id, { daemonId: daemon.id })],
      ['DAEMON_NOT_FOUND', () => engine.executeTask(orchestrator.id, mine.id, { daemonId: daemon.id })],
      ['TASK_NOT_FOUND', () => engine.executeTask(orchestrator.id, task)],
      ['TASK_NOT_FOUND', () => engine.explainSelection(orchestrator.id, task)],
      ['TASK_NOT_FOUND', () => engine.prepareTaskContext(orchestrator.id, task)],
      ['TASK_NOT_FOUND', () => engine.getTaskContext(task)],
      ['TASK_NOT_FOUND', () => engine.prepareTaskContexts([task])],
      ['TASK_NOT_FOUND', () => engine.getTask(task)],
      ['TASK_NOT_FOUND', () => engine.listTaskEvents(task)],
      ['TASK_NOT_FOUND', () => engine.updateTask(task, { title: 'mine' })],
      ['TASK_NOT_FOUND', () => engine.updateTaskProgress({ taskId: task, progress: 9, attemptId })],
      ['TASK_NOT_FOUND', () => engine.completeTask(task, { status: 'completed', attemptId })],
      ['TASK_NOT_FOUND', () => engine.cancelTask(task)],
      ['TASK_NOT_FOUND', () => engine.blockTask(task, { reason: 'r' })],
      ['TASK_NOT_FOUND', () => engine.unblockTask(task)],
      ['TASK_NOT_FOUND', () => engine.retryTask(task)],
      ['TASK_NOT_FOUND', () => engine.reopenTask(task)],
      ['TASK_NOT_FOUND', () => engine.addDependency(task, mine.id)],
      ['TASK_NOT_FOUND', () => engine.addDependency(mine.id, task)],
      ['TASK_NOT_FOUND', () => engine.removeDependency(task, mine.id)],
      ['DEPENDENCY_NOT_FOUND', () => engine.removeDependency(mine.id, task)],
      ['TASK_NOT_FOUND', () => engine.createTask({ title: 'a', dependsOn: [task] })],
      ['TASK_NOT_FOUND', () => engine.createTask({ title: 'a', parentId: task })],
      ['ATTEMPT_NOT_FOUND', () => engine.getAttempt(attemptId)],
      ['ATTEMPT_NOT_FOUND', () => engine.confirmCancelled(attemptId)],
      ['ATTEMPT_NOT_FOUND', () => engine.releaseAttempt(attemptId)],
      ['LEASE_LOST', () => engine.renewLease(attemptId)],
    ];
    for (const [code, call] of calls)
      expect(`${(await refusal(call())).code} ${call}`).toBe(`${code} ${call}`);
    const lists = JSON.stringify([
      await engine.listTasks(),
      await engine.listOrchestrators(),
      await engine.listDaemons(),
      await engine.listChannels(),
      await engine.getOverview(),
      await engine.readEvents(),
    ]);
    for (const id of [orch, task, attemptId, daemon.id, channel.id]) expect(lists).not.toContain(id);
    expect((await engine.sweepExpiredLeases()).lost).toEqual([]);
    expect(
      JSON.stringify([
        await theirs.getTask(task),
        await theirs.getOrchestrator(orch),
        await theirs.listDaemons(),
      ]),
    ).toBe(before);
  });
});

describe('the default engine', () => {
  afterAll(async () => {
    delete process.env.DATABASE_URL;
    await closeDefaultEngine();
  });

  test('is made from DATABASE_URL at first use, once, and again after it was closed or failed', async () => {
    process.env.DATABASE_URL = 'postgresql://nobody:x@127.0.0.1:1/nothing';
    await expect(selectNextTask(orchestrator.id)).rejects.toThrow();
    process.env.DATABASE_URL = fixture.test.url;
    const task = await fixture.task(orchestrator);
    expect((await selectNextTask(orchestrator.id))?.id).toBe(task.id);
    const [first, second] = await Promise.all([getDefaultEngine(), getDefaultEngine()]);
    expect(first).toBe(second);
    expect((await prepareTaskContext(orchestrator.id, task.id)).task.id).toBe(task.id);
    expect(getVPExecutionStats).toBe(getOrchestratorExecutionStats);
    expect((await getVPExecutionStats(orchestrator.id)).backlog.ready).toBe(1);
    await closeDefaultEngine();
    await closeDefaultEngine();
    expect(await getDefaultEngine()).not.toBe(first);
  });
});

describe('a database that does not answer', () => {
  let away: WorkEngine;
  const database = openDatabase('postgresql://nobody:x@127.0.0.1:1/nothing');
  beforeEach(() => {
    away = createWorkEngine(database).as({ workspaceId: `ws_${UNKNOWN}` });
  });
  afterAll(() => database.close());

  const verbs: [name: string, call: (engine: WorkEngine) => Promise<unknown>][] = [
    ['selectNextTask', (engine) => engine.selectNextTask(orchestrator.id)],
    ['claimNextTask', (engine) => engine.claimNextTask(orchestrator.id)],
    ['completeTask', (engine) => engine.completeTask(`task_${UNKNOWN}`, { status: 'completed' })],
    ['renewLease', (engine) => engine.renewLease(`att_${UNKNOWN}`)],
    ['releaseAttempt', (engine) => engine.releaseAttempt(`att_${UNKNOWN}`)],
    ['cancelTask', (engine) => engine.cancelTask(`task_${UNKNOWN}`)],
    ['getTask', (engine) => engine.getTask(`task_${UNKNOWN}`)],
    ['listTasks', (engine) => engine.listTasks()],
    ['listAttempts', (engine) => engine.listAttempts(orchestrator.id)],
    ['getAttempt', (engine) => engine.getAttempt(`att_${UNKNOWN}`)],
    ['createTask', (engine) => engine.createTask({ title: 'a' })],
    ['createOrchestrator', (engine) => engine.createOrchestrator({ name: 'a', role: 'r', discipline: 'd' })],
    ['updateOrchestrator', (engine) => engine.updateOrchestrator(orchestrator.id, { name: 'a' })],
    ['listOrchestrators', (engine) => engine.listOrchestrators()],
    ['getWorkspace', (engine) => engine.getWorkspace()],
    ['listChannels', (engine) => engine.listChannels()],
    ['createWorkspace', (engine) => engine.createWorkspace({ slug: 's', name: 'n' })],
    ['createChannel', (engine) => engine.createChannel({ name: 'n' })],
    [
      'registerDaemon',
      (engine) =>
        engine.registerDaemon({
          name: 'd',
          host: 'h',
          version: '1',
          slots: 1,
          orchestratorIds: [orchestrator.id],
        }),
    ],
    ['listDaemons', (engine) => engine.listDaemons()],
    ['heartbeatDaemon', (engine) => engine.heartbeatDaemon(`daemon_${UNKNOWN}`, {})],
    ['getOverview', (engine) => engine.getOverview()],
    ['getOrchestratorExecutionStats', (engine) => engine.getOrchestratorExecutionStats(orchestrator.id)],
    ['prepareTaskContext', (engine) => engine.prepareTaskContext(orchestrator.id, `task_${UNKNOWN}`)],
    ['executeTask', (engine) => engine.executeTask(orchestrator.id, `task_${UNKNOWN}`)],
    ['updateTaskProgress', (engine) => engine.updateTaskProgress({ taskId: `task_${UNKNOWN}`, progress: 1 })],
    ['explainSelection', (engine) => engine.explainSelection(orchestrator.id)],
    ['readEvents', (engine) => engine.readEvents()],
    ['listTaskEvents', (engine) => engine.listTaskEvents(`task_${UNKNOWN}`)],
    ['waitForClaim', (engine) => engine.waitForClaim(orchestrator.id, { waitSeconds: 1 })],
    ['sweepExpiredLeases', (engine) => engine.sweepExpiredLeases()],
    ['recalculateAllStatuses', (engine) => engine.recalculateAllStatuses()],
    ['currentCursor', (engine) => engine.currentCursor()],
  ];
  test.each(verbs)('%s says so, with a code for 503', async (_, call) => {
    const error = await call(away).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(NeolithError);
    expect(error).toMatchObject({ code: 'DATABASE_UNAVAILABLE', status: 503, cause: expect.anything() });
  });
});
