import { beforeEach, describe, expect, test } from 'vitest';
import type { NewTask, Task } from '../src/index.js';
import { createFixture } from './support/engineFixture.js';
import { highestLoad, readHistory, refusal, until } from './support/history.js';

const fixture = createFixture({ poolSize: 8 });

const NOW = new Date('2026-03-09T12:00:00Z');
beforeEach(() => {
  fixture.clock.now = null;
});

describe('64 concurrent claimers', () => {
  test('on one task have one winner', async () => {
    const engines = [fixture.engine, ...fixture.others(3, 8)];
    for (let round = 0; round < 5; round += 1) {
      const orchestrator = await fixture.orchestrator({ maxConcurrentTasks: 64 });
      const task = await fixture.task(orchestrator);
      const results = await Promise.all(
        Array.from({ length: 64 }, (_, n) =>
          engines[n % engines.length]?.claimNextTask(orchestrator.id, { requestId: `${round}.${n}` }),
        ),
      );
      const claims = results.flatMap((result) => result?.claims ?? []);
      expect(claims.map((claim) => claim.task.id)).toEqual([task.id]);
      expect(results.filter((result) => result?.reason === 'NOTHING_ELIGIBLE')).toHaveLength(63);
    }
  });

  test('on 10,000 tasks get each once, in the order of scores, and never exceed the limit', async () => {
    const COUNT = 10_000;
    const engines = [fixture.engine, ...fixture.others(3, 6)];
    const orchestrator = await fixture.orchestrator({ maxConcurrentTasks: 20 });
    const priorities = ['LOW', 'HIGH', 'CRITICAL', 'MEDIUM'] as const;
    await fixture.engine.createTasks(
      Array.from({ length: COUNT }, (_, n) => ({
        title: `Task ${n}`,
        orchestratorId: orchestrator.id,
        priority: priorities[(n * 7) % 4] as (typeof priorities)[number],
        // Far from any border, so that no score changes while they are claimed.
        dueAt:
          n % 3 === 0 ? null : new Date(Date.now() + ((n * 13) % 50) * 86_400_000 * 10 - 86_400_000 * 100),
      })),
    );
    const expected: string[] = [];
    const wholeRanking = await fixture.test.database.pool.query<{ task_id: string }>(
      `SELECT task_id FROM ready_heads($1::uuid, 10001, now(), NULL, NULL, enum_range(NULL::task_priority), NULL, NULL, NULL, NULL)`,
      [orchestrator.id.slice('orch_'.length)],
    );
    expected.push(...wholeRanking.rows.map((row) => `task_${row.task_id}`));
    expect(expected).toHaveLength(COUNT);

    const done: string[] = [];
    const sizes = [1, 2, 3];
    async function work(n: number): Promise<void> {
      const engine = engines[n % engines.length] as (typeof engines)[number];
      for (;;) {
        const { claims, reason } = await engine.claimNextTask(orchestrator.id, {
          max: sizes[n % 3] as number,
        });
        if (reason === 'NOTHING_ELIGIBLE') return;
        for (const { task, attempt } of claims) {
          await engine.completeTask(task.id, { status: 'completed', attemptId: attempt.id });
          done.push(task.id);
        }
        if (claims.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
      }
    }
    await Promise.all(Array.from({ length: 64 }, (_, n) => work(n)));

    expect(new Set(done).size).toBe(COUNT);
    expect(done).toHaveLength(COUNT);
    const history = (await readHistory(fixture.engine)).filter(
      (event) => event.orchestratorId === orchestrator.id,
    );
    const claimed = history.filter(({ type }) => type === 'task.claimed').map(({ taskId }) => taskId);
    expect(claimed).toEqual(expected);
    const load = highestLoad(history).get(orchestrator.id) as number;
    expect(load).toBeLessThanOrEqual(20);
    expect(load).toBeGreaterThan(10);
  });
});

describe('a repeated requestId', () => {
  test('gets the same attempts and takes nothing more, also all at once', async () => {
    const [other] = fixture.others(1, 8);
    const orchestrator = await fixture.orchestrator({ maxConcurrentTasks: 50 });
    await fixture.engine.createTasks(
      Array.from({ length: 20 }, () => ({ title: 'A task', orchestratorId: orchestrator.id })),
    );
    const results = await Promise.all(
      Array.from({ length: 16 }, (_, n) =>
        (n % 2 === 0 ? fixture.engine : other)?.claimNextTask(orchestrator.id, {
          requestId: 'again',
          max: 3,
        }),
      ),
    );
    const ids = results.map((result) => result?.claims.map(({ attempt }) => attempt.id).sort());
    expect(new Set(ids.map(String)).size).toBe(1);
    expect(ids[0]).toHaveLength(3);
    // The first answer has the scores; the others say that they are repetitions by having none.
    expect(results.filter((result) => result?.claims[0]?.score !== null)).toHaveLength(1);
    const { rows } = await fixture.test.database.pool.query(
      'SELECT count(*)::int AS n FROM leases WHERE orchestrator_id = $1',
      [orchestrator.id.slice(5)],
    );
    expect(rows).toEqual([{ n: 3 }]);
  });

  test('tells what has become of the attempt since', async () => {
    const orchestrator = await fixture.orchestrator();
    const task = await fixture.task(orchestrator);
    const first = await fixture.engine.claimNextTask(orchestrator.id, { requestId: 'late', agent: 'shell' });
    const attemptId = first.claims[0]?.attempt.id as string;
    await fixture.engine.completeTask(task.id, { status: 'completed', attemptId });
    const again = await fixture.engine.claimNextTask(orchestrator.id, { requestId: 'late' });
    expect(again.claims[0]?.attempt).toMatchObject({
      id: attemptId,
      status: 'SUCCEEDED',
      agent: 'shell',
      leaseExpiresAt: null,
    });
    expect(again.claims[0]?.attempt.endedAt).toBeInstanceOf(Date);
    expect(again).toMatchObject({ reason: null, claims: [{ score: null, task: { status: 'DONE' } }] });
  });

  test('that got nothing is free to get something later', async () => {
    const orchestrator = await fixture.orchestrator();
    expect(await fixture.engine.claimNextTask(orchestrator.id, { requestId: 'empty' })).toEqual({
      claims: [],
      reason: 'NOTHING_ELIGIBLE',
    });
    await fixture.task(orchestrator);
    const { claims } = await fixture.engine.claimNextTask(orchestrator.id, { requestId: 'empty' });
    expect(claims).toHaveLength(1);
  });

  test('is forgotten after a day', async () => {
    fixture.clock.now = NOW;
    const orchestrator = await fixture.orchestrator();
    await fixture.task(orchestrator);
    await fixture.task(orchestrator);
    const first = await fixture.engine.claimNextTask(orchestrator.id, {
      requestId: 'old',
      leaseSeconds: null,
    });
    fixture.clock.advanceSeconds(86_401);
    await fixture.engine.sweepExpiredLeases();
    const second = await fixture.engine.claimNextTask(orchestrator.id, { requestId: 'old' });
    expect(second.claims[0]?.attempt.id).not.toBe(first.claims[0]?.attempt.id);
  });
});

describe('what a claim gives', () => {
  test('as many as there is room for, best first, with their scores and leases', async () => {
    fixture.clock.now = NOW;
    const orchestrator = await fixture.orchestrator({ maxConcurrentTasks: 3 });
    const [low, , critical, high] = await fixture.engine.createTasks(
      (['LOW', 'LOW', 'CRITICAL', 'HIGH'] as const).map((priority) => ({
        title: priority,
        orchestratorId: orchestrator.id,
        priority,
        tags: ['a', 'b'],
      })),
    );
    const { claims, reason } = await fixture.engine.claimNextTask(orchestrator.id, {
      max: 100,
      leaseSeconds: 90,
    });
    expect(reason).toBeNull();
    expect(claims.map(({ task }) => task.id)).toEqual([critical?.id, high?.id, low?.id]);
    expect(claims[0]).toMatchObject({
      score: { weight: 1000, boost: 1, score: 1000 },
      task: { status: 'IN_PROGRESS', attemptCount: 1, claimedAt: NOW },
      attempt: {
        number: 1,
        status: 'RUNNING',
        claimedAt: NOW,
        leaseExpiresAt: new Date(NOW.getTime() + 90_000),
        daemonId: null,
      },
    });
    expect(await fixture.engine.claimNextTask(orchestrator.id)).toEqual({
      claims: [],
      reason: 'AT_CAPACITY',
    });
    expect(await fixture.engine.selectNextTask(orchestrator.id)).toBeNull();
    expect((await fixture.engine.rankTasks(orchestrator.id)).reason).toBe('AT_CAPACITY');
    expect((await fixture.engine.recalculateAllStatuses()).repaired).toEqual([]);
  });

  test('several calls at once each get their share, and those that got none the right reason', async () => {
    const orchestrator = await fixture.orchestrator({ maxConcurrentTasks: 3 });
    for (let n = 0; n < 5; n += 1) await fixture.task(orchestrator);
    const claim = () => Promise.all([1, 2, 3, 4, 5].map(() => fixture.engine.claimNextTask(orchestrator.id)));
    const first = await claim();
    expect(first.map(({ claims }) => claims.length).sort()).toEqual([0, 0, 1, 1, 1]);
    expect(first.filter(({ claims }) => claims.length === 0).map(({ reason }) => reason)).toEqual([
      'AT_CAPACITY',
      'AT_CAPACITY',
    ]);
    await fixture.engine.updateOrchestrator(orchestrator.id, { maxConcurrentTasks: 50 });
    const second = await claim();
    expect(second.map(({ reason }) => reason).sort()).toEqual(
      ['NOTHING_ELIGIBLE', 'NOTHING_ELIGIBLE', 'NOTHING_ELIGIBLE', null, null].sort(),
    );
  });

  test('fewer when the backlog is exhausted, then the reason', async () => {
    const orchestrator = await fixture.orchestrator({ maxConcurrentTasks: 10 });
    await fixture.task(orchestrator);
    await fixture.task(orchestrator);
    expect((await fixture.engine.claimNextTask(orchestrator.id, { max: 5 })).claims).toHaveLength(2);
    expect((await fixture.engine.claimNextTask(orchestrator.id, { max: 5 })).reason).toBe('NOTHING_ELIGIBLE');
  });

  test.each(['AWAY', 'OFFLINE'] as const)('nothing for an orchestrator that is %s', async (status) => {
    const orchestrator = await fixture.orchestrator({ status });
    await fixture.task(orchestrator);
    expect(await fixture.engine.claimNextTask(orchestrator.id)).toEqual({
      claims: [],
      reason: 'ORCHESTRATOR_NOT_AVAILABLE',
    });
    await fixture.engine.updateOrchestrator(orchestrator.id, { status: 'BUSY' });
    expect((await fixture.engine.claimNextTask(orchestrator.id)).claims).toHaveLength(1);
  });

  test('a delayed task exactly when its time has come', async () => {
    fixture.clock.now = NOW;
    const orchestrator = await fixture.orchestrator();
    const availableAt = new Date(NOW.getTime() + 1_000);
    const task = await fixture.task(orchestrator, { availableAt });
    fixture.clock.now = new Date(availableAt.getTime() - 1);
    expect((await fixture.engine.claimNextTask(orchestrator.id)).reason).toBe('NOTHING_ELIGIBLE');
    fixture.clock.now = availableAt;
    expect((await fixture.engine.selectNextTask(orchestrator.id))?.id).toBe(task.id);
    expect((await fixture.engine.claimNextTask(orchestrator.id)).claims[0]?.task.id).toBe(task.id);
  });

  test.each([
    [{ max: 0 }, 'INVALID_INPUT'],
    [{ max: 101 }, 'INVALID_INPUT'],
    [{ max: 1.5 }, 'INVALID_INPUT'],
    [{ leaseSeconds: 0 }, 'INVALID_INPUT'],
    [{ leaseSeconds: 86_401 }, 'INVALID_INPUT'],
    [{ criteria: { limit: 0 } }, 'INVALID_INPUT'],
    [{ criteria: { minPriority: 'URGENT' as never } }, 'INVALID_INPUT'],
    [{ criteria: { requireTags: ['\0'] } }, 'INVALID_INPUT'],
    [{ requestId: '\0' }, 'INVALID_INPUT'],
    [{ agent: 'a\0' }, 'INVALID_INPUT'],
    [{ daemonId: 'daemon_0198f1c2-0000-7000-8000-000000000000' }, 'DAEMON_NOT_FOUND'],
    [{ daemonId: 'nonsense' }, 'DAEMON_NOT_FOUND'],
  ])('refuses %j with %s', async (options, code) => {
    const orchestrator = await fixture.orchestrator();
    await fixture.task(orchestrator);
    expect((await refusal(fixture.engine.claimNextTask(orchestrator.id, options))).code).toBe(code);
    expect((await fixture.engine.rankTasks(orchestrator.id)).ranking).toHaveLength(1);
  });
});

test('a run that is resumed while a claim waits for another hands nothing out to it, for it may be paused again', async () => {
  const orchestrator = await fixture.orchestrator({ maxConcurrentTasks: 10 });
  const { engine } = fixture;
  const start = async (name: string) => {
    const run = await engine.createRun({
      name,
      orchestratorId: orchestrator.id,
      tasks: [{ key: 'a', title: name }],
    });
    return engine.startRun(run.id);
  };
  const [paused, running] = [await start('Paused'), await start('Running')];
  await engine.pauseRun(paused.id);
  const client = await fixture.test.database.pool.connect();
  try {
    await client.query('BEGIN');
    await client.query('SELECT 1 FROM runs WHERE id = $1 FOR UPDATE', [running.id.slice('run_'.length)]);
    const claiming = engine.claimNextTask(orchestrator.id, { max: 5 });
    await until(
      async () =>
        (
          await fixture.test.database.pool.query(
            `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%claim_tasks%'`,
          )
        ).rowCount === 1,
    );
    await engine.resumeRun(paused.id);
    await client.query('COMMIT');
    expect((await claiming).claims.map(({ task }) => task.title)).toEqual(['Running']);
  } finally {
    await client.query('ROLLBACK');
    client.release();
  }
  expect((await engine.claimNextTask(orchestrator.id)).claims.map(({ task }) => task.title)).toEqual([
    'Paused',
  ]);
});

test('a tag that has drifted from its task hands nothing out, and holds no claim up', async () => {
  const orchestrator = await fixture.orchestrator();
  const task = await fixture.task(orchestrator, { tags: ['drifted'] });
  await fixture.test.database.pool.query(
    `UPDATE ready_task_tags SET due_at = now() WHERE orchestrator_id = $1`,
    [orchestrator.id.slice('orch_'.length)],
  );
  const criteria = { requireTags: ['drifted'] };
  expect((await fixture.engine.claimNextTask(orchestrator.id, { criteria })).reason).toBe('NOTHING_ELIGIBLE');
  expect((await fixture.engine.recalculateAllStatuses()).repaired).toMatchObject([{ taskId: task.id }]);
  expect((await fixture.engine.claimNextTask(orchestrator.id, { criteria })).claims).toHaveLength(1);
});

describe('a claim that meets somebody who changes the head of the queue', () => {
  /** Holds the head's row as another verb would, until the claim waits for it; then lets that verb commit. */
  async function meet(
    change: (head: Task) => string,
    headIs: Partial<NewTask> = {},
  ): Promise<{ claimed: string | undefined; head: string; second: string }> {
    fixture.clock.now = null;
    const orchestrator = await fixture.orchestrator();
    const head = await fixture.task(orchestrator, { priority: 'CRITICAL', ...headIs });
    const second = await fixture.task(orchestrator, { priority: 'LOW' });
    if (head.availableAt !== null) await until(async () => Date.now() > (head.availableAt as Date).getTime());
    const [first] = await claimHeldUpAt(head, { until: async (holder) => void (await holder(change(head))) });
    return { claimed: first?.task.id, head: head.id, second: second.id };
  }

  /** Claims while somebody holds the head's row; what is to be done by then is done while the claim waits. */
  async function claimHeldUpAt(
    head: Task,
    options: { max?: number; until: (holder: (sql: string) => Promise<unknown>) => Promise<void> },
  ) {
    const { pool } = fixture.test.database;
    const holder = await pool.connect();
    try {
      await holder.query('BEGIN');
      await holder.query('SELECT * FROM lock_task($1, NULL)', [head.id.slice(5)]);
      const claim = fixture.engine.claimNextTask(head.orchestratorId as string, { max: options.max ?? 1 });
      await until(async () => {
        const { rows } = await pool.query<{ n: number }>(
          `SELECT count(*)::int AS n FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
        );
        return (rows[0]?.n ?? 0) > 0;
      });
      await options.until((sql) => holder.query(sql));
      await holder.query('COMMIT');
      return (await claim).claims;
    } finally {
      holder.release();
    }
  }

  test('takes the next one when the head is cancelled', async () => {
    const { claimed, second } = await meet(
      ({ id }) => `SELECT dequeue_tasks(ARRAY['${id.slice(5)}'::uuid]);
        UPDATE tasks SET status = 'CANCELLED', finished_at = now() WHERE id = '${id.slice(5)}';
        INSERT INTO task_outcomes (task_id, workspace_id, finished_at, attempts, status, priority)
        SELECT id, workspace_id, now(), 0, 'CANCELLED', priority FROM tasks WHERE id = '${id.slice(5)}'`,
    );
    expect(claimed).toBe(second);
  });

  test('enters a delayed task once whose time has come and that is being changed', async () => {
    const { claimed, head } = await meet(
      ({ id }) => `SELECT dequeue_tasks(ARRAY['${id.slice(5)}'::uuid]);
        UPDATE tasks SET title = 'changed' WHERE id = '${id.slice(5)}';
        SELECT enqueue_tasks(ARRAY['${id.slice(5)}'::uuid], now())`,
      { availableAt: new Date(Date.now() + 40) },
    );
    expect(claimed).toBe(head);
    expect((await fixture.engine.recalculateAllStatuses()).repaired).toEqual([]);
  });

  test('judges anew when the head loses its priority', async () => {
    const { claimed, second } = await meet(
      ({ id }) => `SELECT dequeue_tasks(ARRAY['${id.slice(5)}'::uuid]);
        UPDATE tasks SET priority = 'LOW', created_at = created_at + interval '1 hour' WHERE id = '${id.slice(5)}';
        SELECT enqueue_tasks(ARRAY['${id.slice(5)}'::uuid], now())`,
    );
    expect(claimed).toBe(second);
  });

  test('goes on with the others in their order where one of several is gone', async () => {
    fixture.clock.now = null;
    const orchestrator = await fixture.orchestrator({ maxConcurrentTasks: 10 });
    const head = await fixture.task(orchestrator, { priority: 'CRITICAL' });
    const others: Task[] = [];
    for (const priority of ['LOW', 'MEDIUM', 'HIGH'] as const)
      others.unshift(await fixture.task(orchestrator, { priority }));
    const claims = await claimHeldUpAt(head, {
      max: 3,
      until: async (holder) =>
        void (await holder(`SELECT dequeue_tasks(ARRAY['${head.id.slice(5)}'::uuid]);
          UPDATE tasks SET priority = 'LOW', created_at = now() + interval '1 hour' WHERE id = '${head.id.slice(5)}';
          SELECT enqueue_tasks(ARRAY['${head.id.slice(5)}'::uuid], now())`)),
    });
    expect(claims.map(({ task }) => task.id)).toEqual(others.map(({ id }) => id));
    const live = await Promise.all(
      claims.map(async ({ task }) => (await fixture.engine.getTask(task.id)).attempts.map(({ id }) => id)),
    );
    expect(live).toEqual(claims.map(({ attempt }) => [attempt.id]));
    expect((await fixture.engine.recalculateAllStatuses()).repaired).toEqual([]);
  });

  test.each([
    [
      'instead of the head, when that has lost its priority',
      1,
      `SELECT dequeue_tasks(ARRAY[$id]);
      UPDATE tasks SET priority = 'LOW' WHERE id = $id;
      SELECT enqueue_tasks(ARRAY[$id], now())`,
    ],
    ['after the head', 2, 'SELECT 1'],
  ])(
    'is dated after the end of what it waited for: a task freed meanwhile and taken %s',
    async (_, max, change) => {
      fixture.clock.now = null;
      const orchestrator = await fixture.orchestrator({ maxConcurrentTasks: 10 });
      const first = await fixture.task(orchestrator);
      const freed = await fixture.task(orchestrator, { priority: 'HIGH', dependsOn: [first.id] });
      await fixture.engine.executeTask(orchestrator.id, first.id);
      const head = await fixture.task(orchestrator, { priority: 'MEDIUM' });

      const claims = await claimHeldUpAt(head, {
        max,
        async until(holder) {
          const waitsSince = Date.now();
          await until(async () => Date.now() > waitsSince + 5);
          await fixture.engine.completeTask(first.id, { status: 'completed' });
          await holder(change.replaceAll('$id', `'${head.id.slice(5)}'::uuid`));
        },
      });

      expect(claims.map(({ task }) => task.id)).toEqual(max === 1 ? [freed.id] : [head.id, freed.id]);
      const finishedAt = (await fixture.engine.getTask(first.id)).finishedAt as Date;
      const claim = claims.at(-1);
      expect(claim?.task.claimedAt?.getTime()).toBeGreaterThanOrEqual(finishedAt.getTime());
      expect(claim?.attempt.claimedAt).toEqual(claim?.task.claimedAt);
      expect(claim?.attempt.leaseExpiresAt?.getTime()).toBe((claim?.task.claimedAt?.getTime() ?? 0) + 30_000);
      const told = (await readHistory(fixture.engine)).filter(({ taskId }) => taskId === freed.id);
      expect(told.map(({ type }) => type)).toEqual(['task.created', 'task.unblocked', 'task.claimed']);
      const times = told.map(({ at }) => new Date(at).getTime());
      expect(times).toEqual([...times].sort((a, b) => a - b));
    },
  );
});

test('claims race cancels, changes, new dependencies, executions and the sweep, and nobody sees a deadlock', async () => {
  fixture.clock.now = null;
  const engines = [fixture.engine, ...fixture.others(3, 6)];
  const [a, b] = [
    await fixture.orchestrator({ maxConcurrentTasks: 12 }),
    await fixture.orchestrator({ maxConcurrentTasks: 12 }),
  ];
  const tasks = await fixture.engine.createTasks(
    Array.from({ length: 240 }, (_, n) => ({
      title: `Task ${n}`,
      orchestratorId: (n % 2 === 0 ? a : b).id,
      tags: n % 3 === 0 ? ['x'] : [],
      availableAt: n % 5 === 0 ? new Date(Date.now() + (n % 7) * 40) : null,
    })),
  );
  let next = 0;
  const random = () => {
    // A small generator of our own, so that a failure can be run again.
    next = (next * 1_103_515_245 + 12_345) % 2_147_483_648;
    return next / 2_147_483_648;
  };
  const some = () => tasks[Math.floor(random() * tasks.length)] as Task;
  const EXPECTED = new Set([
    'INVALID_TRANSITION',
    'TASK_HAS_ATTEMPT',
    'DEPENDENCY_CYCLE',
    'DUPLICATE_DEPENDENCY',
    'DEPENDENCY_ON_ITSELF',
    'AT_CAPACITY',
    'TASK_NOT_ASSIGNED',
    'LEASE_LOST',
  ]);
  const made = { claims: 0, changes: 0, refused: 0 };
  async function churn(n: number): Promise<void> {
    const engine = engines[n % engines.length] as (typeof engines)[number];
    for (let step = 0; step < 22; step += 1) {
      const task = some();
      const orchestrator = random() < 0.5 ? a : b;
      try {
        switch (n % 8) {
          case 0:
          case 1: {
            const { claims } = await engine.claimNextTask(orchestrator.id, {
              max: 1 + Math.floor(random() * 4),
            });
            made.claims += claims.length;
            for (const claim of claims)
              await engine.completeTask(claim.task.id, {
                status: random() < 0.6 ? 'completed' : 'failed',
                attemptId: claim.attempt.id,
              });
            break;
          }
          case 2:
            await engine.cancelTask(task.id);
            await engine.retryTask(task.id);
            break;
          case 3:
            await engine.updateTask(task.id, {
              priority: random() < 0.5 ? 'LOW' : 'CRITICAL',
              dueAt: new Date(Date.now() + random() * 1e9),
              tags: random() < 0.5 ? ['x', 'y'] : [],
            });
            break;
          case 4:
            await engine.updateTask(task.id, { orchestratorId: orchestrator.id });
            break;
          case 5:
            await engine.addDependency(task.id, some().id);
            break;
          case 6: {
            const execution = await engine.executeTask(orchestrator.id, task.id);
            if (execution.status === 'in_progress')
              await engine.completeTask(task.id, { status: 'blocked', error: 'why' });
            break;
          }
          default:
            await engine.sweepExpiredLeases();
            if (random() < 0.5) await engine.unblockTask(task.id);
            else await engine.blockTask(task.id, { reason: 'because' });
        }
        made.changes += 1;
      } catch (error) {
        const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
        if (!EXPECTED.has(code)) throw error;
        made.refused += 1;
      }
    }
  }
  await Promise.all(Array.from({ length: 32 }, (_, n) => churn(n)));
  expect(made.claims).toBeGreaterThan(30);
  expect(made.changes).toBeGreaterThan(200);
  expect(await fixture.engine.recalculateAllStatuses()).toMatchObject({ repaired: [] });
  for (const [id, load] of highestLoad(await readHistory(fixture.engine)))
    if (id === a.id || id === b.id) expect(load).toBeLessThanOrEqual(12);
});
