import { beforeEach, describe, expect, test } from 'vitest';
import type { OrchestratorDetail, Task, WorkEngine } from '../src/index.js';
import { createFixture } from './support/engineFixture.js';
import { highestLoad, readHistory } from './support/history.js';

const fixture = createFixture({ poolSize: 8 });
const NOW = new Date('2026-03-09T12:00:00Z');
beforeEach(() => {
  fixture.clock.now = NOW;
});

/** A generator that can be started again from its seed (mulberry32). */
function dice(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** What a verb may answer to a client that knows nothing of what the others do; anything else is a fault. */
const REFUSALS = new Set([
  'INVALID_TRANSITION',
  'TASK_HAS_ATTEMPT',
  'DEPENDENCY_CYCLE',
  'DUPLICATE_DEPENDENCY',
  'DEPENDENCY_NOT_FOUND',
  'DEPENDENCY_ON_ITSELF',
  'DEPENDENT_STARTED',
  'AT_CAPACITY',
  'TASK_NOT_ASSIGNED',
  'LEASE_LOST',
  'ATTEMPT_REQUIRED',
  'CANCEL_NOT_REQUESTED',
  'PREREQUISITES_UNMET',
]);

interface World {
  orchestrators: OrchestratorDetail[];
  tasks: Task[];
  owned: { taskId: string; attemptId: string }[];
  done: Map<string, number>;
}

/** One random call of one client. */
async function act(engine: WorkEngine, world: World, random: () => number): Promise<string> {
  const one = <Item>(list: readonly Item[]) => list[Math.floor(random() * list.length)] as Item;
  const task = one(world.tasks);
  const orchestrator = one(world.orchestrators);
  const owned = world.owned.length === 0 ? undefined : one(world.owned);
  const verbs: Record<string, () => Promise<unknown>> = {
    claim: async () => {
      const { claims } = await engine.claimNextTask(orchestrator.id, {
        max: 1 + Math.floor(random() * 3),
        leaseSeconds: random() < 0.2 ? null : 20,
        ...(random() < 0.3 ? { criteria: { requireTags: ['x'] } } : {}),
        ...(random() < 0.3 ? { requestId: `r${Math.floor(random() * 20)}` } : {}),
      });
      world.owned.push(...claims.map((claim) => ({ taskId: claim.task.id, attemptId: claim.attempt.id })));
    },
    execute: async () => {
      const execution = await engine.executeTask(task.orchestratorId ?? orchestrator.id, task.id);
      if (execution.status === 'in_progress')
        world.owned.push({ taskId: task.id, attemptId: execution.attemptId });
    },
    complete: async () => {
      const status = random() < 0.7 ? 'completed' : random() < 0.7 ? 'failed' : 'blocked';
      if (owned !== undefined)
        await engine.completeTask(owned.taskId, { status, attemptId: owned.attemptId, error: 'e' });
    },
    progress: async () => {
      if (owned !== undefined)
        await engine.updateTaskProgress({ ...owned, progress: Math.floor(random() * 101) });
    },
    renew: async () => owned !== undefined && engine.renewLease(owned.attemptId),
    release: async () => owned !== undefined && engine.releaseAttempt(owned.attemptId),
    confirm: async () => owned !== undefined && engine.confirmCancelled(owned.attemptId),
    cancel: () => engine.cancelTask(task.id),
    block: () => engine.blockTask(task.id, { reason: 'r' }),
    unblock: () => engine.unblockTask(task.id, { answer: 'a' }),
    retry: () => engine.retryTask(task.id),
    reopen: () => engine.reopenTask(task.id),
    update: () =>
      engine.updateTask(task.id, {
        priority: one(['LOW', 'HIGH', 'CRITICAL'] as const),
        tags: random() < 0.5 ? ['x'] : ['y', 'z'],
        dueAt: random() < 0.3 ? null : new Date(NOW.getTime() + random() * 1e9),
      }),
    assign: () => engine.updateTask(task.id, { orchestratorId: random() < 0.2 ? null : orchestrator.id }),
    depend: () => engine.addDependency(task.id, one(world.tasks).id),
    undepend: async () => {
      const [prerequisite] = (await engine.getTask(task.id)).prerequisites;
      if (prerequisite !== undefined) await engine.removeDependency(task.id, prerequisite.id);
    },
    create: async () => {
      world.tasks.push(
        ...(await engine.createTasks([
          { key: 'a', title: 'a', orchestratorId: orchestrator.id, dependsOn: [task.id], tags: ['x'] },
          {
            title: 'b',
            orchestratorId: orchestrator.id,
            dependsOn: ['a'],
            availableAt: new Date(NOW.getTime() + 60_000),
          },
        ])),
      );
    },
    sweep: () => engine.sweepExpiredLeases(),
    repair: async () => expect((await engine.recalculateAllStatuses()).repaired).toEqual([]),
    tick: async () => fixture.clock.advanceSeconds(random() * 15),
  };
  const often = ['claim', 'claim', 'claim', 'complete', 'complete', 'complete', 'complete', 'depend'];
  const names = [...Object.keys(verbs), ...often];
  const name = one(names);
  try {
    await verbs[name]?.();
    world.done.set(name, (world.done.get(name) ?? 0) + 1);
    return name;
  } catch (error) {
    if (error instanceof Error && 'code' in error && REFUSALS.has(String(error.code))) return 'refused';
    throw error;
  }
}

test('after anything that several clients do at once, counts and places agree with the edges', async () => {
  const engines = [fixture.engine, ...fixture.others(3, 4)];
  const done = new Map<string, number>();
  for (let seed = 1; seed <= 24; seed += 1) {
    const orchestrators = [
      await fixture.orchestrator({ maxConcurrentTasks: 4 }),
      await fixture.orchestrator({ maxConcurrentTasks: 2 }),
    ];
    const tasks = await fixture.engine.createTasks(
      Array.from({ length: 14 }, (_, n) => ({
        title: `Task ${n}`,
        orchestratorId: orchestrators[n % 2]?.id ?? null,
        tags: n % 3 === 0 ? ['x', 'y'] : [],
        maxAttempts: 1 + (n % 3),
        availableAt: n % 5 === 0 ? new Date((fixture.clock.now as Date).getTime() + 10_000) : null,
      })),
    );
    const world: World = { orchestrators, tasks: [...tasks], owned: [], done };
    await Promise.all(
      engines.map(async (engine, client) => {
        const random = dice(seed * 1_000 + client);
        for (let step = 0; step < 30; step += 1) await act(engine, world, random);
      }),
    );
    const { checked, repaired } = await fixture.engine.recalculateAllStatuses();
    expect({ seed, repaired }).toEqual({ seed, repaired: [] });
    expect(checked).toBeGreaterThan(14);
  }
  // Every verb has done something, many times.
  expect([...done.keys()].sort()).toHaveLength(20);
  for (const name of ['claim', 'complete', 'cancel', 'depend', 'reopen', 'retry', 'block', 'unblock'])
    expect(done.get(name), name).toBeGreaterThan(3);
  const loads = highestLoad(await readHistory(fixture.engine));
  for (const [, load] of loads) expect(load).toBeLessThanOrEqual(4);
  expect(fixture.faults).toEqual([]);
});

describe('after sabotage', () => {
  let orchestrator: OrchestratorDetail;
  let other: OrchestratorDetail;
  const uuid = (id: string) => id.slice(id.indexOf('_') + 1);
  const sql = (text: string, ...values: unknown[]) => fixture.test.database.pool.query(text, values);

  interface Scene {
    todo: Task;
    delayed: Task;
    blocked: Task;
    reported: Task;
    running: Task;
    done: Task;
    failed: Task;
  }
  async function scene(): Promise<Scene> {
    orchestrator = await fixture.orchestrator({ maxConcurrentTasks: 5 });
    other = await fixture.orchestrator();
    const [running, done, failed] = await fixture.engine.createTasks(
      ['running', 'done', 'failed'].map((title) => ({
        title,
        orchestratorId: orchestrator.id,
        maxAttempts: 1,
      })),
    );
    for (const task of [running, done, failed])
      await fixture.engine.executeTask(orchestrator.id, (task as Task).id);
    await fixture.engine.completeTask((done as Task).id, { status: 'completed', output: 1 });
    await fixture.engine.completeTask((failed as Task).id, { status: 'failed' });
    const later = new Date((fixture.clock.now as Date).getTime() + 60_000);
    const [todo, delayed, blocked, reported] = await fixture.engine.createTasks([
      { title: 'todo', orchestratorId: orchestrator.id, tags: ['x', 'y'], dueAt: later },
      { title: 'delayed', orchestratorId: orchestrator.id, tags: ['x'], availableAt: later },
      {
        title: 'blocked',
        orchestratorId: orchestrator.id,
        dependsOn: [(running as Task).id, (failed as Task).id],
      },
      { title: 'reported', orchestratorId: orchestrator.id },
    ]);
    await fixture.engine.blockTask((reported as Task).id, { reason: 'r', question: 'q' });
    return { todo, delayed, blocked, reported, running, done, failed } as Scene;
  }

  type Kind = keyof Scene;
  const damages: [name: string, which: Kind, text: string, problem: RegExp, to: string][] = [
    ['nowhere, TODO', 'todo', 'DELETE FROM ready_tasks WHERE task_id = $1', /0 places|TODO|tags/, 'TODO'],
    ['nowhere, delayed', 'delayed', 'DELETE FROM delayed_tasks WHERE task_id = $1', /0 places/, 'TODO'],
    ['nowhere, BLOCKED', 'blocked', 'DELETE FROM blocked_tasks WHERE task_id = $1', /0 places/, 'BLOCKED'],
    ['nowhere, running', 'running', 'DELETE FROM leases WHERE task_id = $1', /0 places/, 'TODO'],
    ['nowhere, done', 'done', 'DELETE FROM task_outcomes WHERE task_id = $1', /0 places/, 'DONE'],
    [
      'ready while it runs',
      'running',
      `INSERT INTO ready_tasks SELECT id, workspace_id, orchestrator_id, 'infinity', created_at, priority, tags FROM tasks WHERE id = $1`,
      /2 places: ready, leased/,
      'IN_PROGRESS',
    ],
    [
      'ready while done',
      'done',
      `INSERT INTO ready_tasks SELECT id, workspace_id, orchestrator_id, 'infinity', created_at, priority, tags FROM tasks WHERE id = $1`,
      /2 places: ready, finished/,
      'DONE',
    ],
    [
      'leased while failed',
      'failed',
      `INSERT INTO leases (task_id, attempt_id, workspace_id, orchestrator_id, claimed_at, number) SELECT id, gen_random_uuid(), workspace_id, orchestrator_id, now(), 9 FROM tasks WHERE id = $1`,
      /2 places: leased, finished/,
      'FAILED',
    ],
    [
      'too many counted',
      'blocked',
      'UPDATE blocked_tasks SET unmet = 3 WHERE task_id = $1',
      /counts 3 unmet prerequisites and has 2/,
      'BLOCKED',
    ],
    [
      'too few counted',
      'blocked',
      'UPDATE blocked_tasks SET unmet = 1 WHERE task_id = $1',
      /counts 1 unmet prerequisites and has 2/,
      'BLOCKED',
    ],
    [
      'edges gone',
      'blocked',
      'DELETE FROM task_dependencies WHERE dependent_id = $1',
      /is BLOCKED and should be TODO/,
      'TODO',
    ],
    [
      'an edge more',
      'todo',
      `INSERT INTO task_dependencies SELECT $1::uuid, id FROM tasks WHERE title = 'running' ORDER BY id DESC LIMIT 1`,
      /is TODO and should be BLOCKED/,
      'BLOCKED',
    ],
    [
      'report mark lost',
      'reported',
      `UPDATE blocked_tasks SET reported = false, unmet = 1 WHERE task_id = $1`,
      /counts 1 unmet|marked/,
      'BLOCKED',
    ],
    [
      'report mark made up',
      'blocked',
      'UPDATE blocked_tasks SET reported = true WHERE task_id = $1',
      /marked as reported/,
      'BLOCKED',
    ],
    [
      'reason gone',
      'reported',
      'UPDATE tasks SET blocked_reason = NULL, blocked_question = NULL WHERE id = $1',
      /is BLOCKED and should be TODO/,
      'TODO',
    ],
    [
      'status TODO while leased',
      'running',
      `UPDATE tasks SET status = 'TODO' WHERE id = $1`,
      /is TODO and should be IN_PROGRESS/,
      'IN_PROGRESS',
    ],
    [
      'with another orchestrator',
      'todo',
      'UPDATE tasks SET orchestrator_id = $2 WHERE id = $1',
      /another orchestrator/,
      'TODO',
    ],
    [
      'leased by another orchestrator',
      'running',
      'UPDATE leases SET orchestrator_id = $2 WHERE task_id = $1',
      /another orchestrator/,
      'IN_PROGRESS',
    ],
    [
      'blocked at another orchestrator',
      'blocked',
      'UPDATE blocked_tasks SET orchestrator_id = $2 WHERE task_id = $1',
      /another orchestrator/,
      'BLOCKED',
    ],
    [
      'another priority',
      'todo',
      `UPDATE tasks SET priority = 'LOW' WHERE id = $1`,
      /another priority/,
      'TODO',
    ],
    [
      'blocked with another priority',
      'blocked',
      `UPDATE blocked_tasks SET priority = 'LOW' WHERE task_id = $1`,
      /another priority/,
      'BLOCKED',
    ],
    ['another due date', 'todo', 'UPDATE tasks SET due_at = NULL WHERE id = $1', /another due date/, 'TODO'],
    [
      'another time',
      'delayed',
      `UPDATE delayed_tasks SET available_at = available_at + interval '1 hour' WHERE task_id = $1`,
      /another due date/,
      'TODO',
    ],
    [
      'a tag gone',
      'todo',
      `DELETE FROM ready_task_tags WHERE task_id = $1 AND tag = 'x'`,
      /other tags/,
      'TODO',
    ],
    [
      'a tag more',
      'delayed',
      `INSERT INTO ready_task_tags SELECT orchestrator_id, 'q', priority, due_at, created_at, task_id FROM delayed_tasks WHERE task_id = $1`,
      /other tags/,
      'TODO',
    ],
    [
      'a tag elsewhere in the order',
      'todo',
      `UPDATE ready_task_tags SET priority = 'LOW' WHERE task_id = $1 AND tag = 'x'`,
      /other tags/,
      'TODO',
    ],
    [
      'outcome of another status',
      'done',
      `UPDATE task_outcomes SET status = 'FAILED' WHERE task_id = $1`,
      /stands elsewhere/,
      'DONE',
    ],
  ];

  test.each(damages)('%s: that task alone is found, told and mended', async (_, which, text, problem, to) => {
    const made = await scene();
    expect((await fixture.engine.recalculateAllStatuses()).repaired).toEqual([]);
    const task = made[which];
    const values = [uuid(task.id), ...(text.includes('$2') ? [uuid(other.id)] : [])];
    expect((await sql(text, ...values)).rowCount).toBeGreaterThan(0);

    const { repaired } = await fixture.engine.recalculateAllStatuses();
    expect(repaired).toEqual([
      { taskId: task.id, problem: expect.stringMatching(problem), from: expect.any(String), to },
    ]);
    expect((await fixture.engine.getTask(task.id)).status).toBe(to);
    const { events } = await fixture.engine.listTaskEvents(task.id);
    expect(events.at(-1)).toMatchObject({
      type: 'task.repaired',
      actor: 'engine',
      to,
      data: { problem: expect.stringMatching(problem) },
    });
    // It stays mended, and what was right before still works.
    expect((await fixture.engine.recalculateAllStatuses()).repaired).toEqual([]);
    await fixture.engine.completeTask(made.running.id, { status: 'completed' }).catch(() => {});
    await fixture.engine.claimNextTask(orchestrator.id, { max: 5 });
    expect((await fixture.engine.recalculateAllStatuses()).repaired).toEqual([]);
  });

  test('many at once, in one workspace only where the engine is of one', async () => {
    const made = await scene();
    const foreign = await fixture.foreign();
    await sql('DELETE FROM ready_tasks WHERE task_id = ANY ($1)', [
      uuid(made.todo.id),
      uuid(foreign.task.id),
    ]);
    await sql('UPDATE blocked_tasks SET unmet = unmet + 7 WHERE task_id = $1', uuid(made.blocked.id));
    const { repaired } = await fixture.engine.recalculateAllStatuses();
    expect(repaired.map(({ taskId }) => taskId)).toEqual([made.todo.id, made.blocked.id].sort());
    expect((await foreign.engine.recalculateAllStatuses()).repaired).toMatchObject([
      { taskId: foreign.task.id },
    ]);
  });
});
