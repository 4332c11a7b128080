import { beforeEach, describe, expect, test } from 'vitest';
import type { OrchestratorDetail, Task } from '../src/index.js';
import { lockTask } from '../src/store/lockTask.js';
import { moveTask } from '../src/store/moveTask.js';
import { createFixture } from './support/engineFixture.js';
import { readHistory, refusal, until } from './support/history.js';

const fixture = createFixture({ poolSize: 10 });
let orchestrator: OrchestratorDetail;
beforeEach(async () => {
  fixture.clock.now = null;
  orchestrator = await fixture.orchestrator({ maxConcurrentTasks: 1_000 });
});

const many = (count: number, more: (n: number) => object = () => ({})): Promise<Task[]> =>
  fixture.engine.createTasks(
    Array.from({ length: count }, (_, n) => ({
      title: `Task ${n}`,
      orchestratorId: orchestrator.id,
      ...more(n),
    })),
  );

async function claimAll(): Promise<{ taskId: string; attemptId: string }[]> {
  const owned: { taskId: string; attemptId: string }[] = [];
  for (;;) {
    const { claims } = await fixture.engine.claimNextTask(orchestrator.id, { max: 100, leaseSeconds: 600 });
    if (claims.length === 0) return owned;
    owned.push(...claims.map(({ task, attempt }) => ({ taskId: task.id, attemptId: attempt.id })));
  }
}

/** Each task of the list became claimable exactly once, and nothing drifted. */
async function expectFreedOnce(tasks: readonly Task[]): Promise<void> {
  const freed = (await readHistory(fixture.engine))
    .filter(({ type, to }) => type === 'task.unblocked' && to === 'TODO')
    .map(({ taskId }) => taskId);
  const ids = new Set(tasks.map(({ id }) => id));
  expect(freed.filter((id) => ids.has(id as string)).sort()).toEqual([...ids].sort());
  expect((await fixture.engine.recalculateAllStatuses()).repaired).toEqual([]);
}

describe('fan-in', () => {
  test('two prerequisites that complete at once free their dependent once, each time', async () => {
    const engines = [fixture.engine, ...fixture.others(1, 10)] as const;
    const dependents: Task[] = [];
    const pairs: string[][] = [];
    for (let round = 0; round < 40; round += 1) {
      const [first, second] = await many(2);
      const [dependent] = await many(1, () => ({ dependsOn: [first?.id, second?.id] }));
      dependents.push(dependent as Task);
      pairs.push([first?.id as string, second?.id as string]);
    }
    const attemptOf = new Map((await claimAll()).map(({ taskId, attemptId }) => [taskId, attemptId]));
    for (const [first, second] of pairs as [string, string][]) {
      const settled = await Promise.all(
        [first, second].map((id, n) =>
          (engines[n] as typeof fixture.engine).completeTask(id, {
            status: 'completed',
            attemptId: attemptOf.get(id),
          }),
        ),
      );
      expect(settled.flatMap(({ unblocked }) => unblocked)).toHaveLength(1);
    }
    await expectFreedOnce(dependents);
  });

  test('64 siblings completing at once free one shared and 500 shared dependents once, without a deadlock', async () => {
    const engines = [fixture.engine, ...fixture.others(3, 10)];
    const prerequisites = await many(64);
    const dependsOn = prerequisites.map(({ id }) => id);
    const dependents = await many(501, (n) => ({ dependsOn: n === 0 ? dependsOn : dependsOn.slice(n % 8) }));
    const owned = await claimAll();
    expect(owned).toHaveLength(64);
    const { rows: before } = await fixture.test.database.pool.query(
      'SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()',
    );
    const settled = await Promise.all(
      owned.map(({ taskId, attemptId }, n) =>
        engines[n % 4]?.completeTask(taskId, { status: 'completed', attemptId }),
      ),
    );
    // Who finished last freed all that still waited.
    expect(settled.flatMap((settlement) => settlement?.unblocked ?? []).sort()).toEqual(
      dependents.map(({ id }) => id).sort(),
    );
    await expectFreedOnce(dependents);
    const { rows: after } = await fixture.test.database.pool.query(
      'SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()',
    );
    expect(after).toEqual(before);
  });

  test('one task with 3,000 dependents frees them all', async () => {
    const [root] = await many(1);
    const dependents = await many(3_000, () => ({ dependsOn: [root?.id] }));
    const [owned] = await claimAll();
    const settled = await fixture.engine.completeTask(root?.id as string, {
      status: 'completed',
      attemptId: owned?.attemptId,
    });
    expect(settled.unblocked).toHaveLength(3_000);
    await expectFreedOnce(dependents);
  });

  test('a dependent that is also reported blocked waits for both, in either order', async () => {
    const [a, b] = await many(2);
    const [first, second] = await many(2, (n) => ({ dependsOn: [[a, b][n]?.id] }));
    for (const task of [first, second]) {
      const blocked = await fixture.engine.blockTask(task?.id as string, {
        reason: 'no key',
        question: 'Which key?',
      });
      expect(blocked).toMatchObject({ status: 'BLOCKED', blockedReason: 'no key' });
    }
    expect((await fixture.engine.getTask(first?.id as string)).blockReasons).toEqual([
      'DEPENDENCIES',
      'REPORTED',
    ]);
    const owned = await claimAll();
    // Prerequisite first, then the answer.
    const of = (task: Task | undefined) => owned.find(({ taskId }) => taskId === task?.id)?.attemptId;
    const settled = await fixture.engine.completeTask(a?.id as string, {
      status: 'completed',
      attemptId: of(a),
    });
    expect(settled.unblocked).toEqual([]);
    expect((await fixture.engine.getTask(first?.id as string)).blockReasons).toEqual(['REPORTED']);
    expect(await fixture.engine.unblockTask(first?.id as string, { answer: 'the blue one' })).toMatchObject({
      status: 'TODO',
      answer: 'the blue one',
    });
    // The answer first, then the prerequisite.
    expect(await fixture.engine.unblockTask(second?.id as string)).toMatchObject({
      status: 'BLOCKED',
      blockedReason: null,
    });
    const error = await refusal(fixture.engine.unblockTask(second?.id as string));
    expect(error).toMatchObject({
      code: 'INVALID_TRANSITION',
      message: expect.stringContaining('waits for 1 prerequisite'),
    });
    expect(
      (await fixture.engine.completeTask(b?.id as string, { status: 'completed', attemptId: of(b) }))
        .unblocked,
    ).toEqual([second?.id]);
    expect((await fixture.engine.recalculateAllStatuses()).repaired).toEqual([]);
  });
});

describe('edges that change while a prerequisite completes', () => {
  const ROUNDS = 100;

  test('added to a task, or made with a new one, they are met or counted, never lost', async () => {
    const [other] = fixture.others(1, 10);
    const prerequisites = await many(ROUNDS);
    const owned = await claimAll();
    // Half of the dependents wait for something else already: there the count itself is changed.
    const holdUps = await many(1, () => ({ priority: 'LOW' }));
    const dependents = await many(ROUNDS, (n) => ({ dependsOn: n % 2 === 0 ? [] : [holdUps[0]?.id] }));
    const created: Task[] = [];
    const statuses = { met: 0, waiting: 0 };
    for (let round = 0; round < ROUNDS; round += 1) {
      const { taskId, attemptId } = owned[round] as { taskId: string; attemptId: string };
      const dependent = dependents[round] as Task;
      const [, , [made]] = await Promise.all([
        fixture.engine.completeTask(taskId, { status: 'completed', attemptId }),
        other?.addDependency(dependent.id, taskId),
        other?.createTasks([
          { title: 'new', orchestratorId: orchestrator.id, dependsOn: [taskId] },
        ]) as Promise<Task[]>,
      ]);
      created.push(made as Task);
      statuses[(made as Task).status === 'TODO' ? 'met' : 'waiting'] += 1;
    }
    expect(prerequisites).toHaveLength(statuses.met + statuses.waiting);
    for (const [n, { id }] of dependents.entries())
      expect((await fixture.engine.getTask(id)).status).toBe(n % 2 === 0 ? 'TODO' : 'BLOCKED');
    for (const { id } of created) expect((await fixture.engine.getTask(id)).status).toBe('TODO');
    expect((await fixture.engine.recalculateAllStatuses()).repaired).toEqual([]);
  });

  test('reports, answers, removals and second prerequisites keep the count right', async () => {
    const [other] = fixture.others(1, 12);
    const prerequisites = await many(ROUNDS);
    const seconds = await many(ROUNDS, () => ({ availableAt: new Date(Date.now() + 3_600_000) }));
    const owned = await claimAll();
    const attemptOf = new Map(owned.map(({ taskId, attemptId }) => [taskId, attemptId]));
    const dependents = await many(ROUNDS, (n) => ({
      dependsOn: [prerequisites[n]?.id, ...(n % 5 === 4 ? [] : [seconds[n]?.id])],
    }));
    for (let round = 0; round < ROUNDS; round += 1) {
      const id = (dependents[round] as Task).id;
      const first = (prerequisites[round] as Task).id;
      const second = (seconds[round] as Task).id;
      const racing: Promise<unknown>[] = [
        fixture.engine.completeTask(first, { status: 'completed', attemptId: attemptOf.get(first) }),
      ];
      const engine = other as typeof fixture.engine;
      if (round % 5 === 0)
        racing.push(engine.blockTask(id, { reason: 'r' }).then(() => engine.unblockTask(id)));
      if (round % 5 === 1) racing.push(engine.removeDependency(id, second));
      if (round % 5 === 2) racing.push(engine.removeDependency(id, first).catch(() => {}));
      if (round % 5 === 3) racing.push(engine.cancelTask(id).then(() => engine.retryTask(id)));
      if (round % 5 === 4) racing.push(engine.addDependency(id, second));
      await Promise.all(racing);
    }
    const statuses = await Promise.all(
      dependents.map(async ({ id }) => (await fixture.engine.getTask(id)).status),
    );
    expect(statuses.filter((status) => status === 'TODO')).toHaveLength(ROUNDS / 5);
    expect((await fixture.engine.recalculateAllStatuses()).repaired).toEqual([]);
  });

  test('a completion that waits for a dependent which is being reported keeps its share of the count', async () => {
    const { pool } = fixture.test.database;
    const [prerequisite] = await many(1);
    const [owned] = await claimAll();
    const [dependent] = await many(1, () => ({ dependsOn: [prerequisite?.id] }));
    const id = (dependent as Task).id.slice('task_'.length);
    // As blockTask does it, stopped between the lock and the change.
    const client = await pool.connect();
    try {
      await client.query('BEGIN');
      const row = await lockTask(client, id, null, id);
      const completing = fixture.engine.completeTask(prerequisite?.id as string, {
        status: 'completed',
        attemptId: owned?.attemptId,
      });
      await until(async () => {
        const { rows } = await pool.query(
          `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
        );
        return rows.length > 0;
      });
      const now = new Date();
      await moveTask(client, row, { to: 'BLOCKED', event: 'task.blocked', actor: 'test', now, reason: 'r' });
      await client.query('COMMIT');
      expect((await completing).unblocked).toEqual([]);
    } finally {
      client.release();
    }
    expect((await fixture.engine.getTask((dependent as Task).id)).blockReasons).toEqual(['REPORTED']);
    expect((await fixture.engine.recalculateAllStatuses()).repaired).toEqual([]);
  });

  test('a prerequisite that is reopened while another dependent edge is made is waited for', async () => {
    const [other] = fixture.others(1, 10);
    const prerequisites = await many(30);
    for (const { taskId, attemptId } of await claimAll())
      await fixture.engine.completeTask(taskId, { status: 'completed', attemptId });
    const dependents = await many(30);
    for (const [n, { id }] of dependents.entries()) {
      await Promise.all([
        fixture.engine.reopenTask(prerequisites[n]?.id as string),
        other?.addDependency(id, prerequisites[n]?.id as string),
        other?.createTasks([
          { title: 'new', orchestratorId: orchestrator.id, dependsOn: [prerequisites[n]?.id as string] },
        ]),
      ]);
      expect((await fixture.engine.getTask(id)).status).toBe('BLOCKED');
    }
    expect((await fixture.engine.recalculateAllStatuses()).repaired).toEqual([]);
  });
});

describe('cycles', () => {
  test('are refused, naming the way round', async () => {
    const [a, b, c] = (await many(3)) as [Task, Task, Task];
    await fixture.engine.addDependency(b.id, a.id);
    await fixture.engine.addDependency(c.id, b.id);
    const error = await refusal(fixture.engine.addDependency(a.id, c.id));
    expect(error).toMatchObject({ code: 'DEPENDENCY_CYCLE' });
    expect(error.message).toContain([a.id, c.id, b.id, a.id].join(' → '));
    expect((await refusal(fixture.engine.addDependency(a.id, a.id))).code).toBe('DEPENDENCY_ON_ITSELF');
    expect((await refusal(fixture.engine.addDependency(b.id, a.id))).code).toBe('DUPLICATE_DEPENDENCY');
    expect((await refusal(fixture.engine.removeDependency(a.id, b.id))).code).toBe('DEPENDENCY_NOT_FOUND');
    const nobody = 'task_0198f1c2-0000-7000-8000-000000000000';
    for (const call of [
      () => fixture.engine.addDependency(a.id, nobody),
      () => fixture.engine.addDependency(nobody, a.id),
      () => fixture.engine.addDependency(a.id, 'x'),
      () => fixture.engine.removeDependency(nobody, a.id),
    ])
      expect((await refusal(call())).code).toBe('TASK_NOT_FOUND');
    expect((await fixture.engine.getTask(a.id)).prerequisites).toEqual([]);
    expect((await fixture.engine.listTaskEvents(a.id)).events).toHaveLength(1);
  });

  test('two writers adding opposite edges at once: one is refused', async () => {
    const [other] = fixture.others(1, 4);
    const tasks = await many(60);
    for (let n = 0; n < 60; n += 2) {
      const [a, b] = [tasks[n]?.id as string, tasks[n + 1]?.id as string];
      const outcomes = await Promise.allSettled([
        fixture.engine.addDependency(a, b),
        other?.addDependency(b, a),
      ]);
      const refused = outcomes.filter((outcome) => outcome.status === 'rejected');
      expect(refused).toHaveLength(1);
      expect(refused[0]?.reason).toMatchObject({ code: 'DEPENDENCY_CYCLE' });
    }
  });

  test('two writers closing a longer cycle from both sides at once, with no task in common: one is refused', async () => {
    // No row is locked by both: only that a workspace's edges are made one after another keeps the two apart.
    const [other] = fixture.others(1, 4);
    const tasks = await many(160);
    for (let n = 0; n < tasks.length; n += 4) {
      const [a, b, c, d] = tasks.slice(n, n + 4).map(({ id }) => id) as [string, string, string, string];
      await fixture.engine.addDependency(b, c);
      await fixture.engine.addDependency(d, a);
      const outcomes = await Promise.allSettled([
        fixture.engine.addDependency(a, b),
        other?.addDependency(c, d),
      ]);
      const refused = outcomes.filter((outcome) => outcome.status === 'rejected');
      expect(refused).toHaveLength(1);
      expect(refused[0]?.reason).toMatchObject({ code: 'DEPENDENCY_CYCLE' });
    }
  });

  test('are found at the end of a chain of 5,000, in time, whose tasks run one after another', async () => {
    const made = performance.now();
    const chain = await fixture.engine.createTasks(
      Array.from({ length: 5_000 }, (_, n) => ({
        key: `k${n}`,
        title: `Link ${n}`,
        orchestratorId: orchestrator.id,
        dependsOn: n === 0 ? [] : [`k${n - 1}`],
      })),
    );
    expect(chain.map(({ status }) => status)).toEqual([
      'TODO',
      ...Array.from({ length: 4_999 }, () => 'BLOCKED'),
    ]);
    expect(chain[4_999]?.title).toBe('Link 4999');
    const [first, last] = [chain[0]?.id as string, chain.at(-1)?.id as string];
    const error = await refusal(fixture.engine.addDependency(first, last));
    expect(error.code).toBe('DEPENDENCY_CYCLE');
    expect(performance.now() - made).toBeLessThan(20_000);
    const { claims } = await fixture.engine.claimNextTask(orchestrator.id, { max: 10 });
    expect(claims.map(({ task }) => task.id)).toEqual([first]);
    await fixture.engine.completeTask(first, { status: 'completed', attemptId: claims[0]?.attempt.id });
    expect((await fixture.engine.selectNextTask(orchestrator.id))?.title).toBe('Link 1');
  });
});

describe('a dependency', () => {
  test('is refused once its task has started, and met at once where the prerequisite is done', async () => {
    const [done, running, waiting] = (await many(3)) as [Task, Task, Task];
    const execution = await fixture.engine.executeTask(orchestrator.id, done.id);
    expect(execution.status).toBe('in_progress');
    await fixture.engine.completeTask(done.id, { status: 'completed' });
    await fixture.engine.executeTask(orchestrator.id, running.id);
    expect((await refusal(fixture.engine.addDependency(running.id, waiting.id))).code).toBe(
      'INVALID_TRANSITION',
    );
    expect((await refusal(fixture.engine.addDependency(done.id, waiting.id))).code).toBe(
      'INVALID_TRANSITION',
    );
    await fixture.engine.addDependency(waiting.id, done.id);
    expect((await fixture.engine.getTask(waiting.id)).status).toBe('TODO');
    await fixture.engine.addDependency(waiting.id, running.id);
    expect((await fixture.engine.getTask(waiting.id)).status).toBe('BLOCKED');
    // Removing the met one changes nothing, removing the unmet one frees it, removing one of a final task is allowed.
    await fixture.engine.removeDependency(waiting.id, done.id);
    expect((await fixture.engine.getTask(waiting.id)).status).toBe('BLOCKED');
    await fixture.engine.removeDependency(waiting.id, running.id);
    expect((await fixture.engine.getTask(waiting.id)).status).toBe('TODO');
    expect((await fixture.engine.listTaskEvents(waiting.id)).events.map(({ type }) => type)).toEqual([
      'task.created',
      'dependency.added',
      'dependency.added',
      'task.blocked',
      'dependency.removed',
      'dependency.removed',
      'task.unblocked',
    ]);
  });
});

test('what one batch of completions frees is told once, also when the call is repeated', async () => {
  const prerequisites = await many(6);
  const dependents = await many(4, () => ({ dependsOn: prerequisites.map(({ id }) => id) }));
  const owned = await claimAll();
  // Asked for in one turn, they go to the database together.
  const settle = () =>
    Promise.all(
      owned.map(({ taskId, attemptId }) =>
        fixture.engine.completeTask(taskId, { status: 'completed', attemptId }),
      ),
    );
  const first = await settle();
  expect(first.flatMap(({ unblocked }) => unblocked).sort()).toEqual(dependents.map(({ id }) => id).sort());
  expect(await settle()).toEqual(first.map((settlement) => ({ ...settlement, replayed: true })));
});
