import { beforeEach, describe, expect, test } from 'vitest';
import type { OrchestratorDetail } from '../src/index.js';
import { createFixture } from './support/engineFixture.js';
import { refusal } from './support/history.js';

const fixture = createFixture();
const NOW = new Date('2026-03-09T12:00:00Z');
let orchestrator: OrchestratorDetail;
beforeEach(async () => {
  fixture.clock.now = NOW;
  orchestrator = await fixture.orchestrator({
    maxConcurrentTasks: 100,
    capabilities: ['ts'],
    daemonEndpoint: 'here',
  });
});

/** Works a task from start to end, so many seconds long. */
async function work(
  taskId: string,
  status: 'completed' | 'failed',
  seconds: number,
  output?: number,
): Promise<void> {
  await fixture.engine.executeTask(orchestrator.id, taskId);
  fixture.clock.advanceSeconds(seconds);
  await fixture.engine.completeTask(taskId, { status, ...(output === undefined ? {} : { output }) });
}

describe('the context of a task', () => {
  test('has all that is needed, and nothing of others that is not', async () => {
    const { engine } = fixture;
    const channel = await engine.createChannel({ name: `talk-${orchestrator.id}`, purpose: 'p' });
    await engine.updateOrchestrator(orchestrator.id, {
      charter: { mission: 'Ship', vision: null, values: ['care'], expertise: ['db'] },
    });
    const [parent, done, open, child, sibling, tagged] = await engine.createTasks([
      { key: 'p', title: 'parent', orchestratorId: orchestrator.id, description: 'SECRET' },
      { title: 'done', orchestratorId: orchestrator.id, description: 'SECRET' },
      { title: 'open', orchestratorId: orchestrator.id, description: 'SECRET' },
      { title: 'child', orchestratorId: orchestrator.id, parentId: 'me', description: 'SECRET' },
      { title: 'sibling', orchestratorId: orchestrator.id, parentId: 'p', description: 'SECRET' },
      { title: 'tagged', orchestratorId: orchestrator.id, tags: ['x', 'q'], description: 'SECRET' },
      {
        key: 'me',
        title: 'me',
        orchestratorId: orchestrator.id,
        parentId: 'p',
        tags: ['x'],
        description: 'mine',
        channelId: channel.id,
        metadata: { a: 1 },
      },
      { title: 'unrelated', orchestratorId: orchestrator.id, tags: ['z'] },
    ]);
    const me = (await engine.listTasks({ orchestratorId: orchestrator.id })).tasks.find(
      ({ title }) => title === 'me',
    );
    const id = me?.id as string;
    await work(done?.id as string, 'completed', 3, 42);
    await engine.addDependency(id, done?.id as string);
    await engine.addDependency(id, open?.id as string);
    const context = await engine.prepareTaskContext(orchestrator.id, id);
    expect(context).toEqual({
      task: expect.objectContaining({ id, description: 'mine', metadata: { a: 1 }, status: 'BLOCKED' }),
      orchestrator: {
        id: orchestrator.id,
        name: orchestrator.name,
        role: 'Engineer',
        discipline: 'Engineering',
        capabilities: ['ts'],
        daemonEndpoint: 'here',
      },
      charter: { mission: 'Ship', vision: null, values: ['care'], expertise: ['db'] },
      dependencies: [
        {
          taskId: done?.id,
          title: 'done',
          status: 'DONE',
          finishedAt: new Date(NOW.getTime() + 3_000),
          result: { output: 42, artifacts: [], error: null },
        },
        { taskId: open?.id, title: 'open', status: 'TODO', finishedAt: null, result: null },
      ],
      relatedTasks: [
        {
          taskId: parent?.id,
          title: 'parent',
          status: 'TODO',
          priority: 'MEDIUM',
          relation: 'parent',
          sharedTags: [],
        },
        {
          taskId: child?.id,
          title: 'child',
          status: 'TODO',
          priority: 'MEDIUM',
          relation: 'child',
          sharedTags: [],
        },
        {
          taskId: sibling?.id,
          title: 'sibling',
          status: 'TODO',
          priority: 'MEDIUM',
          relation: 'sibling',
          sharedTags: [],
        },
        {
          taskId: tagged?.id,
          title: 'tagged',
          status: 'TODO',
          priority: 'MEDIUM',
          relation: 'tags',
          sharedTags: ['x'],
        },
      ],
      previousAttempts: [],
      workspace: { id: expect.stringMatching(/^ws_/), slug: 'test', name: 'Test' },
      channel: { id: channel.id, name: channel.name, purpose: 'p' },
    });
    expect(JSON.stringify(context)).not.toContain('SECRET');
    expect(await engine.getTaskContext(id)).toEqual(context);
    expect(await engine.prepareTaskContexts([id, open?.id as string, id])).toMatchObject([
      context,
      { task: { title: 'open' } },
      context,
    ]);
  });

  test('has at most ten related tasks, the nearest of them, and five attempts', async () => {
    const tasks = await fixture.engine.createTasks(
      Array.from({ length: 30 }, (_, n) => ({
        title: `t${n}`,
        orchestratorId: orchestrator.id,
        tags: n % 2 === 0 ? ['x', 'y'] : ['x'],
        maxAttempts: 50,
        createdAt: new Date(NOW.getTime() - n * 60_000),
      })),
    );
    const middle = tasks[15]?.id as string;
    for (let n = 0; n < 7; n += 1) {
      await work(middle, 'failed', 1);
      fixture.clock.advanceSeconds(700);
    }
    const { relatedTasks, previousAttempts } = await fixture.engine.prepareTaskContext(
      orchestrator.id,
      middle,
    );
    // All share one tag: those created nearest come first, before and after alike.
    expect(relatedTasks.map(({ title }) => title).sort()).toEqual([
      't10',
      't11',
      't12',
      't13',
      't14',
      't16',
      't17',
      't18',
      't19',
      't20',
    ]);
    expect(
      relatedTasks
        .slice(0, 2)
        .map(({ title }) => title)
        .sort(),
    ).toEqual(['t14', 't16']);
    expect(previousAttempts.map(({ number }) => number)).toEqual([7, 6, 5, 4, 3]);
  });

  test('belongs to the orchestrator that the task is assigned to', async () => {
    const other = await fixture.orchestrator();
    const task = await fixture.task(orchestrator);
    const nobody = 'orch_0198f1c2-0000-7000-8000-000000000000';
    const error = await refusal(fixture.engine.prepareTaskContext(other.id, task.id));
    expect(error).toEqual({
      code: 'TASK_NOT_ASSIGNED',
      message: `Task ${task.id} is not assigned to Orchestrator ${other.id}`,
    });
    expect(await refusal(fixture.engine.prepareTaskContext(nobody, task.id))).toEqual({
      code: 'ORCHESTRATOR_NOT_FOUND',
      message: `Orchestrator not found: ${nobody}`,
    });
    const unknown = 'task_0198f1c2-0000-7000-8000-000000000000';
    for (const call of [
      () => fixture.engine.prepareTaskContext(orchestrator.id, unknown),
      () => fixture.engine.getTaskContext(unknown),
      () => fixture.engine.prepareTaskContexts([task.id, unknown]),
    ])
      expect(await refusal(call())).toEqual({
        code: 'TASK_NOT_FOUND',
        message: `Task not found: ${unknown}`,
      });
    await fixture.engine.updateTask(task.id, { orchestratorId: null });
    for (const call of [
      () => fixture.engine.getTaskContext(task.id),
      () => fixture.engine.prepareTaskContexts([task.id]),
    ])
      expect((await refusal(call())).code).toBe('TASK_NOT_ASSIGNED');
  });
});

describe('statistics', () => {
  test('are what a person computes by hand, over a day of 23 hours', async () => {
    // Berlin's clocks go forward on 29 March 2026 at 01:00Z: the day is 28th 23:00Z to 29th 22:00Z.
    orchestrator = await fixture.orchestrator({ maxConcurrentTasks: 100, timeZone: 'Europe/Berlin' });
    const at = (text: string) => new Date(`2026-03-${text}Z`);
    interface Line {
      start: string;
      seconds: number;
      status: 'completed' | 'failed';
      priority?: 'HIGH' | 'LOW';
      due?: string;
    }
    const lines: Line[] = [
      { start: '28T22:58:00', seconds: 60, status: 'completed', priority: 'HIGH', due: '28T22:59:00' }, // 28th, on time to the second
      { start: '28T22:59:30', seconds: 30, status: 'completed', due: '28T22:00:00' }, // 29th at 00:00 sharp, late
      { start: '29T00:30:00', seconds: 3_600, status: 'completed', priority: 'LOW' }, // 29th, across the change
      { start: '29T21:59:00', seconds: 59, status: 'failed' }, // 29th, its last second
      { start: '29T21:59:00', seconds: 60, status: 'failed', priority: 'HIGH' }, // 30th
      { start: '31T21:00:00', seconds: 10, status: 'completed' }, // the end itself: out of the range
    ];
    for (const line of lines) {
      fixture.clock.now = at('28T12:00:00');
      const task = await fixture.task(orchestrator, {
        priority: line.priority ?? 'MEDIUM',
        maxAttempts: 1,
        dueAt: line.due === undefined ? null : at(line.due),
      });
      fixture.clock.now = at(line.start);
      await work(task.id, line.status, line.seconds);
    }
    // A retry: one attempt lost, one that succeeded, counted once as completed, from its last claim.
    fixture.clock.now = at('30T08:00:00');
    const again = await fixture.task(orchestrator, { title: 'again' });
    await fixture.engine.claimNextTask(orchestrator.id);
    fixture.clock.advanceSeconds(100);
    await fixture.engine.sweepExpiredLeases();
    await work(again.id, 'completed', 90);
    // Cancelled; still open; still running.
    const dropped = await fixture.task(orchestrator);
    await fixture.engine.cancelTask(dropped.id);
    const running = await fixture.task(orchestrator);
    await fixture.engine.executeTask(orchestrator.id, running.id);
    await fixture.engine.createTasks([
      { title: 'waits', orchestratorId: orchestrator.id, dependsOn: [running.id] },
      { title: 'later', orchestratorId: orchestrator.id, availableAt: at('31T00:00:00'), priority: 'LOW' },
      { title: 'now', orchestratorId: orchestrator.id },
    ]);

    const range = { start: at('28T12:00:00'), end: at('31T21:00:10') };
    expect(await fixture.engine.getOrchestratorExecutionStats(orchestrator.id, range)).toEqual({
      orchestratorId: orchestrator.id,
      range: { ...range, timeZone: 'Europe/Berlin' },
      completed: 4,
      failed: 2,
      cancelled: 1,
      successRate: (4 / 6) * 100,
      // 30, 60, 90 and 3,600 seconds.
      averageCompletionTime: 945,
      p50CompletionTime: 75,
      p95CompletionTime: expect.closeTo(90 + 0.85 * 3_510, 6),
      onTimeRate: 50,
      retries: 1,
      // None of them told it.
      usage: null,
      byPriority: {
        CRITICAL: { completed: 0, failed: 0, cancelled: 0 },
        HIGH: { completed: 1, failed: 1, cancelled: 0 },
        MEDIUM: { completed: 2, failed: 1, cancelled: 1 },
        LOW: { completed: 1, failed: 0, cancelled: 0 },
      },
      byDay: [
        { date: '2026-03-28', completed: 1, failed: 0, cancelled: 0 },
        { date: '2026-03-29', completed: 2, failed: 1, cancelled: 0 },
        { date: '2026-03-30', completed: 1, failed: 1, cancelled: 1 },
        { date: '2026-03-31', completed: 0, failed: 0, cancelled: 0 },
      ],
      blocked: 1,
      inProgress: 1,
      backlog: {
        total: 3,
        ready: 1,
        delayed: 1,
        blocked: 1,
        byPriority: { CRITICAL: 0, HIGH: 0, MEDIUM: 2, LOW: 1 },
      },
    });

    // The overview shows the same week, today last, in the orchestrator's time zone.
    fixture.clock.now = at('31T22:30:00');
    const { orchestrators } = await fixture.engine.getOverview();
    const line = orchestrators.find((one) => one.orchestrator.id === orchestrator.id);
    expect(line?.throughput).toEqual([
      { date: '2026-03-26', completed: 0, failed: 0 },
      { date: '2026-03-27', completed: 0, failed: 0 },
      { date: '2026-03-28', completed: 1, failed: 0 },
      { date: '2026-03-29', completed: 2, failed: 1 },
      { date: '2026-03-30', completed: 1, failed: 1 },
      { date: '2026-03-31', completed: 1, failed: 0 },
      { date: '2026-04-01', completed: 0, failed: 0 },
    ]);
    expect(line).toMatchObject({
      successRate: (5 / 7) * 100,
      averageCompletionTime: (945 * 4 + 10) / 5,
      daemonAlive: false,
      running: [
        { task: { id: running.id, status: 'IN_PROGRESS' }, attempt: { status: 'RUNNING' }, progress: 0 },
      ],
      backlog: { total: 3 },
    });
  });

  test.each(['Asia/Tokyo', 'America/Los_Angeles', 'Pacific/Kiritimati'])(
    'count the days of %s, whatever the session says',
    async (timeZone) => {
      orchestrator = await fixture.orchestrator({ timeZone, maxConcurrentTasks: 100 });
      const local = (at: Date) =>
        new Intl.DateTimeFormat('en-CA', { timeZone, dateStyle: 'short' }).format(at);
      const expected = new Map<string, number>();
      for (let hours = 0; hours < 48; hours += 5) {
        fixture.clock.now = new Date(Date.UTC(2026, 4, 4, hours));
        const task = await fixture.task(orchestrator);
        await work(task.id, 'completed', 0);
        expected.set(local(fixture.clock.now), (expected.get(local(fixture.clock.now)) ?? 0) + 1);
      }
      const { pool } = fixture.test.database;
      await pool.query(
        `ALTER DATABASE ${(await pool.query('SELECT current_database() AS d')).rows[0].d} SET timezone = 'Asia/Kolkata'`,
      );
      const [other] = fixture.others(1, 2);
      const { byDay } = await (other as typeof fixture.engine).getOrchestratorExecutionStats(
        orchestrator.id,
        {
          start: new Date(Date.UTC(2026, 4, 3)),
          end: new Date(Date.UTC(2026, 4, 8)),
        },
      );
      expect(byDay.filter((day) => day.completed > 0).map((day) => [day.date, day.completed])).toEqual([
        ...expected,
      ]);
      const { orchestrators } = await (other as typeof fixture.engine).getOverview();
      const line = orchestrators.find((one) => one.orchestrator.id === orchestrator.id);
      expect(
        line?.throughput.filter((day) => day.completed > 0).map((day) => [day.date, day.completed]),
      ).toEqual([...expected]);
    },
  );

  test('of nothing are zeros and nulls', async () => {
    const stats = await fixture.engine.getOrchestratorExecutionStats(orchestrator.id);
    expect(stats).toMatchObject({
      completed: 0,
      successRate: null,
      averageCompletionTime: null,
      p95CompletionTime: null,
      onTimeRate: null,
      retries: 0,
      inProgress: 0,
    });
    expect(stats.range.end).toEqual(NOW);
    expect(stats.byDay).toHaveLength(31);
  });

  test.each([
    [{ start: NOW, end: NOW }],
    [{ start: new Date(NOW.getTime() + 1), end: NOW }],
    [{ start: new Date(Number.NaN), end: NOW }],
    [{ start: new Date(0), end: NOW }],
  ])('refuse the range %o', async (range) => {
    expect((await refusal(fixture.engine.getOrchestratorExecutionStats(orchestrator.id, range))).code).toBe(
      'INVALID_INPUT',
    );
  });
});

describe('explanations', () => {
  test('say why this task, and of any other why not', async () => {
    const { engine } = fixture;
    const [first, second, delayed, cancelled] = await engine.createTasks([
      {
        title: 'First',
        orchestratorId: orchestrator.id,
        priority: 'HIGH',
        dueAt: new Date(NOW.getTime() - 1),
      },
      { title: 'Second', orchestratorId: orchestrator.id },
      { title: 'Delayed', orchestratorId: orchestrator.id, availableAt: new Date(NOW.getTime() + 1) },
      { title: 'Cancelled', orchestratorId: orchestrator.id },
    ]);
    const blocked = await fixture.task(orchestrator, {
      dependsOn: [first, second, delayed, cancelled].map((task) => task?.id as string),
    });
    await engine.cancelTask(cancelled?.id as string);
    await engine.blockTask(blocked.id, { reason: 'also this' });
    const elsewhere = await fixture.task(await fixture.orchestrator());
    const unassigned = await engine.createTask({ title: 'nobody' });
    const of = async (id: string | undefined, criteria = {}) =>
      (await engine.explainSelection(orchestrator.id, id, criteria)).asked;
    const codes = async (id: string | undefined, criteria = {}) =>
      (await of(id, criteria))?.whyNot.map(({ code }) => code);

    const plain = await engine.explainSelection(orchestrator.id);
    expect(plain).toMatchObject({
      selected: { rank: 1, score: 1000, task: { id: first?.id } },
      asked: null,
      runningTasks: 0,
      maxConcurrentTasks: 100,
      at: NOW.toISOString(),
    });
    expect(plain.because).toBe(
      '"First" has the highest score: HIGH 100 × overdue 10 = 1000; ties go to the earlier due date, then the older task',
    );
    expect(await of(first?.id)).toMatchObject({ ahead: 0, whyNot: [], score: { score: 1000 } });
    expect(await of(second?.id)).toMatchObject({
      ahead: 1,
      whyNot: [{ code: 'OTHERS_SCORE_HIGHER', message: '1 claimable task(s) come before it' }],
    });
    expect(await codes(delayed?.id)).toEqual(['NOT_YET_AVAILABLE']);
    expect(await codes(cancelled?.id)).toEqual(['FINISHED']);
    expect(await codes(elsewhere.id)).toEqual(['OTHER_ORCHESTRATOR']);
    expect(await codes(unassigned.id)).toEqual(['UNASSIGNED']);
    expect(await codes(second?.id, { minPriority: 'HIGH' })).toEqual(['EXCLUDED_BY_CRITERIA']);
    const why = (await of(blocked.id))?.whyNot;
    expect(why?.map(({ code }) => code)).toEqual(['BLOCKED_BY_DEPENDENCIES', 'BLOCKED_BY_REPORT']);
    expect(why?.[0]?.message).toBe(
      'It waits for "First" (TODO), "Second" (TODO), "Delayed" (TODO) and 1 more',
    );

    await engine.executeTask(orchestrator.id, first?.id as string);
    expect(await codes(first?.id)).toEqual(['RUNNING']);
    await engine.updateOrchestrator(orchestrator.id, { maxConcurrentTasks: 1 });
    expect((await engine.explainSelection(orchestrator.id)).because).toContain('at its limit: 1 of 1');
    expect(await codes(second?.id)).toEqual(['AT_CAPACITY']);
    await engine.updateOrchestrator(orchestrator.id, { status: 'AWAY' });
    expect((await engine.explainSelection(orchestrator.id)).because).toContain('is AWAY');
    expect(await codes(second?.id)).toEqual(['ORCHESTRATOR_NOT_AVAILABLE']);
    const empty = await fixture.orchestrator();
    expect((await engine.explainSelection(empty.id)).because).toBe(`${empty.name} has no eligible task`);
    expect((await refusal(engine.explainSelection(empty.id, 'x'))).code).toBe('TASK_NOT_FOUND');
  });

  test('many at once get by with a pool of two', async () => {
    const [small] = fixture.others(1, 2);
    const task = await fixture.task(orchestrator);
    const answers = await Promise.all(
      Array.from({ length: 12 }, () => small?.explainSelection(orchestrator.id, task.id)),
    );
    expect(answers.every((answer) => answer?.selected?.task.id === task.id)).toBe(true);
  });
});

describe('lists', () => {
  test('of tasks go page by page, newest first, by filter', async () => {
    const tasks = await fixture.engine.createTasks(
      Array.from({ length: 7 }, (_, n) => ({
        title: `${n}`,
        orchestratorId: orchestrator.id,
        ...(n < 3 ? { source: 's', sourceId: `${orchestrator.id}${n}` } : {}),
      })),
    );
    await fixture.engine.cancelTask(tasks[2]?.id as string);
    const pages: string[][] = [];
    let cursor: string | undefined;
    do {
      const page = await fixture.engine.listTasks({ orchestratorId: orchestrator.id, limit: 3, cursor });
      pages.push(page.tasks.map(({ title }) => title));
      cursor = page.nextCursor ?? undefined;
    } while (cursor !== undefined);
    expect(pages).toEqual([['6', '5', '4'], ['3', '2', '1'], ['0']]);
    const titles = async (filter: object) =>
      (await fixture.engine.listTasks({ orchestratorId: orchestrator.id, ...filter })).tasks.map(
        ({ title }) => title,
      );
    expect(await titles({ status: 'CANCELLED' })).toEqual(['2']);
    expect(await titles({ source: 's' })).toEqual(['2', '1', '0']);
    expect(await titles({ limit: -3 })).toEqual(['6']);
    expect((await refusal(fixture.engine.listTasks({ cursor: 'x' }))).code).toBe('INVALID_CURSOR');
    expect((await refusal(fixture.engine.listTasks({ orchestratorId: 'x' }))).code).toBe(
      'ORCHESTRATOR_NOT_FOUND',
    );
  });

  test('of attempts have all that run first, then the ended page by page, and miss none', async () => {
    const tasks = await fixture.engine.createTasks(
      Array.from({ length: 8 }, (_, n) => ({ title: `${n}`, orchestratorId: orchestrator.id })),
    );
    for (const [n, { id }] of tasks.entries()) {
      await fixture.engine.executeTask(orchestrator.id, id);
      if (n < 5) await fixture.engine.completeTask(id, { status: 'completed' });
      // Two end at the same moment: the id decides.
      if (n !== 2) fixture.clock.advanceSeconds(1);
    }
    const pages: string[][] = [];
    let cursor: string | undefined;
    do {
      const page = await fixture.engine.listAttempts(orchestrator.id, { limit: 2, cursor });
      pages.push(page.attempts.map(({ taskTitle, status }) => `${taskTitle} ${status}`));
      cursor = page.nextCursor ?? undefined;
    } while (cursor !== undefined);
    expect(pages[0]?.slice(0, 3).sort()).toEqual(['5 RUNNING', '6 RUNNING', '7 RUNNING']);
    expect([pages[0]?.slice(3), ...pages.slice(1)]).toEqual([
      ['4 SUCCEEDED', '3 SUCCEEDED'],
      ['2 SUCCEEDED', '1 SUCCEEDED'],
      ['0 SUCCEEDED'],
    ]);
    const place = 'att_0198f1c2-0000-7000-8000-000000000000';
    for (const bad of [
      'x',
      'x~y',
      `${NOW.toISOString()}~x`,
      // Dates that JavaScript reads: PostgreSQL's end at 4713 BC.
      `-200000-01-01T00:00:00.000Z~${place}`,
      `+275000-01-01T00:00:00.000Z~${place}`,
      `2026-03-09~${place}`,
      `2026-02-31T00:00:00.000Z~${place}`,
      `${NOW.toISOString()}~${place}~x`,
    ])
      expect((await refusal(fixture.engine.listAttempts(orchestrator.id, { cursor: bad }))).code).toBe(
        'INVALID_CURSOR',
      );
    const nobody = '0198f1c2-0000-7000-8000-000000000000';
    expect((await refusal(fixture.engine.listAttempts(`orch_${nobody}`))).code).toBe(
      'ORCHESTRATOR_NOT_FOUND',
    );
    expect((await refusal(fixture.engine.getAttempt(`att_${nobody}`))).code).toBe('ATTEMPT_NOT_FOUND');
  });
});
