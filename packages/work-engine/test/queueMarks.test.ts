import fc from 'fast-check';
import pg from 'pg';
import { expect, test } from 'vitest';
import type { Claim, OrchestratorDetail, Task } from '../src/index.js';
import { createFixture, type EngineFixture } from './support/engineFixture.js';
import { STATISTICS, setStatistics } from './support/hotStatements.js';
import { watchPlans } from './support/plans.js';
import { expectNoDrift, independent } from './support/runs.js';

// One connection, so that plans can be watched on it; who disturbs has one of its own.
const fixture = createFixture({ poolSize: 1 });
const idOf = ({ id }: { id: string }): string => id.slice(id.indexOf('_') + 1);

/** As a claim would, of now and again; without waiting for rows to die. */
async function mark({ test: { database } }: EngineFixture, orchestrator: { id: string }): Promise<void> {
  await database.pool.query('SELECT mark_queues($1, m, now()) FROM usable_mark($1) m', [idOf(orchestrator)]);
}

async function readMark(orchestrator: { id: string }): Promise<{ queues: number; usable: boolean } | null> {
  const { rows } = await fixture.test.database.pool.query<{ queues: number; usable: boolean }>(
    `SELECT coalesce(cardinality(q.runs), 0) AS queues, m.xid IS NOT NULL AS usable
     FROM queue_marks q, usable_mark($1) m WHERE q.orchestrator_id = $1`,
    [idOf(orchestrator)],
  );
  return rows[0] ?? null;
}

/** What is handed out, what is counted, and which runs have something: from the mark on, and from the front. */
async function bothWays(orchestrator: { id: string }, requireTags: string[] | null, limit: number) {
  const { rows } = await fixture.test.database.pool.query<{ marked: unknown; unmarked: unknown }>(
    `WITH marks AS (SELECT m AS mark, true AS is_marked FROM usable_mark($1) m UNION ALL SELECT NULL, false)
     SELECT jsonb_agg(s.seen) FILTER (WHERE s.is_marked) AS marked, jsonb_agg(s.seen) FILTER (WHERE NOT s.is_marked) AS unmarked
     FROM (
       SELECT k.is_marked, jsonb_build_object(
         'heads', (SELECT jsonb_agg(h.task_id ORDER BY h.score DESC, h.due_at, h.created_at, h.task_id)
                   FROM ready_heads($1, $3, now(), $2, NULL, enum_range(NULL::task_priority), NULL, NULL, NULL, k.mark) h),
         'slots', slots_in_use($1, k.mark),
         'runs', (SELECT jsonb_agg(q ORDER BY q) FROM unnest(queued_runs($1, now(), NULL, k.mark)) q)) AS seen
       FROM marks k
     ) s`,
    [idOf(orchestrator), requireTags, limit],
  );
  return rows[0] as { marked: [{ heads: string[] | null }]; unmarked: unknown };
}

const PRIORITIES = ['CRITICAL', 'HIGH', 'MEDIUM', 'LOW'] as const;
const newTask = fc.record({
  priority: fc.constantFrom(...PRIORITIES),
  tags: fc.subarray(['api', 'web']),
  dueAt: fc.option(
    fc.integer({ min: -50, max: 500 }).map((hours) => new Date(Date.now() + hours * 3_600_000)),
  ),
});
const step = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('create' as const),
      tasks: fc.array(newTask, { minLength: 1, maxLength: 5 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('run' as const), count: fc.integer({ min: 1, max: 4 }) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('claim' as const), max: fc.integer({ min: 1, max: 6 }) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constantFrom('completed' as const, 'failed' as const),
      share: fc.double({ min: 0, max: 1, noNaN: true }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('raise' as const),
      at: fc.nat(20),
      priority: fc.constantFrom(...PRIORITIES),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('mark' as const) }) },
);

test('whatever was marked when, the same is handed out and counted as without', async () => {
  const seen = { marked: 0, heads: 0, runs: 0, leases: 0 };
  const { engine } = fixture;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 14 }), fc.boolean(), async (steps, tagged) => {
      const orchestrator = await fixture.orchestrator({ maxConcurrentTasks: 40 });
      const open: Task[] = [];
      let held: { taskId: string; attemptId: string }[] = [];
      for (const given of steps) {
        if (given.do === 'create')
          open.push(
            ...(await engine.createTasks(
              given.tasks.map((task) => ({ title: 'A task', orchestratorId: orchestrator.id, ...task })),
            )),
          );
        if (given.do === 'run') {
          const run = await engine.createRun({
            name: 'A run',
            orchestratorId: orchestrator.id,
            tasks: independent(given.count),
          });
          await engine.startRun(run.id);
          seen.runs += 1;
        }
        if (given.do === 'claim') {
          const { claims } = await engine.claimNextTask(orchestrator.id, { max: given.max });
          held.push(...claims.map(({ task, attempt }) => ({ taskId: task.id, attemptId: attempt.id })));
          seen.leases += claims.length;
        }
        if (given.do === 'completed' || given.do === 'failed') {
          // Any of them, so that some that began early go on.
          const ending = held.filter((_, index) => (index * 7) % 10 < given.share * 10);
          held = held.filter((lease) => !ending.includes(lease));
          for (const { taskId, attemptId } of ending) {
            await engine.completeTask(taskId, { status: given.do, attemptId });
          }
        }
        const raised = given.do === 'raise' ? open[given.at] : undefined;
        if (given.do === 'raise' && raised !== undefined)
          await engine.updateTask(raised.id, { priority: given.priority }).catch(() => undefined);
        if (given.do === 'mark') await mark(fixture, orchestrator);

        const { marked, unmarked } = await bothWays(orchestrator, tagged ? ['api'] : null, 7);
        expect(marked).toEqual(unmarked);
        if ((await readMark(orchestrator))?.usable === true) {
          seen.marked += 1;
          seen.heads += marked[0].heads?.length ?? 0;
        }
      }
    }),
    { numRuns: 60 },
  );
  // It would prove nothing without marks, or with nothing to hand out.
  expect(seen.marked).toBeGreaterThan(100);
  expect(seen.heads).toBeGreaterThan(200);
  expect(Math.min(seen.runs, seen.leases)).toBeGreaterThan(20);
  await expectNoDrift(fixture);
});

test('a task that was on its way when the mark was made is handed out in its turn', async () => {
  const orchestrator = await fixture.orchestrator();
  await fixture.task(orchestrator, { title: 'Behind' });
  const other = new pg.Client(fixture.test.url);
  await other.connect();
  try {
    // In front of everything, and seen by no snapshot until it is committed.
    await other.query('BEGIN');
    await other.query(
      `WITH made AS (
         INSERT INTO tasks (id, workspace_id, orchestrator_id, created_at, updated_at, priority, status, tags, title)
         SELECT gen_random_uuid(), workspace_id, id, now(), now(), 'CRITICAL', 'TODO', '{}', 'In front' FROM orchestrators WHERE id = $1 RETURNING *
       )
       SELECT count(*) FROM made`,
      [idOf(orchestrator)],
    );
    await other.query(
      `INSERT INTO ready_tasks (task_id, workspace_id, orchestrator_id, due_at, created_at, priority, tags)
       SELECT id, workspace_id, orchestrator_id, 'infinity', created_at, priority, tags FROM tasks WHERE orchestrator_id = $1 AND title = 'In front'`,
      [idOf(orchestrator)],
    );
    // Others begin and end meanwhile, so that the mark's own transaction is a later one.
    await fixture.task(orchestrator, { title: 'Behind, too' });
    await mark(fixture, orchestrator);
    await other.query('COMMIT');
  } finally {
    await other.end();
  }
  expect(await readMark(orchestrator)).toMatchObject({ usable: true });
  expect((await fixture.engine.selectNextTask(orchestrator.id))?.title).toBe('In front');
  const { claims } = await fixture.engine.claimNextTask(orchestrator.id, { max: 5 });
  expect(claims.map(({ task }) => task.title)).toEqual(['In front', 'Behind', 'Behind, too']);
});

test('a mark that was copied from another database is none', async () => {
  const orchestrator = await fixture.orchestrator();
  await mark(fixture, orchestrator);
  expect(await readMark(orchestrator)).toEqual({ queues: 0, usable: true });
  // As a restored dump has it: written by one who is not its writer, of a time far ahead of this database's.
  await fixture.test.database.pool.query(
    'UPDATE queue_marks SET xid = xid + 1000000, lease_xid = lease_xid + 1000000 WHERE orchestrator_id = $1',
    [idOf(orchestrator)],
  );
  await fixture.task(orchestrator);
  expect(await readMark(orchestrator)).toEqual({ queues: 0, usable: false });
  expect((await fixture.engine.claimNextTask(orchestrator.id)).claims).toHaveLength(1);
});

test('what is put elsewhere by hand or by a repair is found where it was put', async () => {
  const [from, to] = [await fixture.orchestrator(), await fixture.orchestrator()];
  await fixture.task(from, { title: 'Runs' });
  await fixture.engine.claimNextTask(from.id);
  await fixture.task(from, { title: 'Waits', priority: 'LOW' });
  for (const orchestrator of [from, to]) await mark(fixture, orchestrator);
  for (const table of ['leases', 'ready_tasks'])
    await fixture.test.database.pool.query(
      `UPDATE ${table} SET orchestrator_id = $2 WHERE orchestrator_id = $1`,
      [from, to].map(idOf),
    );
  const { marked, unmarked } = await bothWays(to, null, 7);
  expect(marked).toMatchObject([{ heads: [expect.any(String)], slots: 1 }]);
  expect(marked).toEqual(unmarked);
});

const addTasks = (orchestrator: { id: string }, count: number) =>
  fixture.engine.createTasks(
    Array.from({ length: count }, (_, n) => ({ title: `Task ${n}`, orchestratorId: orchestrator.id })),
  );

test('after a large import the mark is made anew by the next claim', async () => {
  const orchestrator = await fixture.orchestrator({ maxConcurrentTasks: 10 });
  await mark(fixture, orchestrator);
  await addTasks(orchestrator, 5_001);
  expect(await readMark(orchestrator)).toEqual({ queues: 0, usable: false });
  const { claims } = await fixture.engine.claimNextTask(orchestrator.id);
  expect(claims[0]?.task.title).toBe('Task 0');
  // Few rows are dead here, so the claim takes it away instead.
  expect(await readMark(orchestrator)).toBeNull();
});

test('a mark is used whatever has entered since, and made anew soon', async () => {
  let claims = 0;
  for (let trial = 0; trial < 10; trial += 1) {
    const orchestrator = await fixture.orchestrator({ maxConcurrentTasks: 1_000 });
    await mark(fixture, orchestrator);
    await addTasks(orchestrator, 1_000);
    expect(await readMark(orchestrator)).toEqual({ queues: 0, usable: true });
    for (; (await readMark(orchestrator)) !== null; claims += 1)
      expect((await fixture.engine.claimNextTask(orchestrator.id)).claims).toHaveLength(1);
  }
  // By chance: one in sixteen, where otherwise it would be one in 256.
  expect(claims / 10).toBeLessThan(80);
});

test.each(['of the backlog', 'of runs'])(
  'while an old snapshot keeps everything that was claimed %s, neither a claim nor an ending reads it',
  async (where) => {
    const orchestrator: OrchestratorDetail = await fixture.orchestrator({ maxConcurrentTasks: 1_000 });
    const { engine } = fixture;
    const { pool } = fixture.test.database;
    const old = new pg.Client(fixture.test.url);
    await old.connect();
    const add = async (titles: string[]): Promise<void> => {
      const tasks = titles.map((title, n) => ({
        title,
        tags: ['all'],
        priority: PRIORITIES[n % 4] as (typeof PRIORITIES)[number],
      }));
      if (where === 'of runs') {
        const run = await engine.createRun({
          name: 'A run',
          orchestratorId: orchestrator.id,
          config: { maxConcurrentTasks: 1_000 },
          tasks: tasks.map((task, n) => ({ ...task, sourceId: `t${n}` })),
        });
        await engine.startRun(run.id);
      } else await engine.createTasks(tasks.map((task) => ({ ...task, orchestratorId: orchestrator.id })));
    };
    const pass = async (): Promise<void> => {
      await add(Array.from({ length: 1_000 }, (_, n) => `Task ${n}`));
      for (let left = 1_000; left > 0; ) {
        const { claims } = await engine.claimNextTask(orchestrator.id, { max: 100 });
        left -= claims.length;
        await Promise.all(
          claims.map(({ task, attempt }) =>
            engine.completeTask(task.id, { status: 'completed', attemptId: attempt.id }),
          ),
        );
      }
    };
    try {
      // What runs for long beside all that comes and goes.
      await fixture.task(orchestrator, { title: 'Long' });
      await engine.claimNextTask(orchestrator.id);
      await old.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
      await old.query('SELECT count(*) FROM workspaces');
      for (let passed = 0; (await readMark(orchestrator)) === null; passed += 1) {
        expect(passed, 'thousand tasks done and nothing marked').toBeLessThan(30);
        await pass();
      }
      for (let more = 0; more < 3; more += 1) await pass();
      for (const statistics of STATISTICS) {
        await setStatistics(pool, statistics);
        await add(['Now']);
        for (let n = 0; n < 6; n += 1) await engine.selectNextTask(orchestrator.id);
        // Its first plans read catalogues.
        await engine.cancelTask((await fixture.task(orchestrator, { title: 'Gone' })).id);
        let claimed: Claim | undefined;
        for (const call of [
          async () => [await engine.selectNextTask(orchestrator.id)],
          async () => [await engine.selectNextTask(orchestrator.id, { requireTags: ['all'] })],
          async () => {
            const gone = await fixture.task(orchestrator, { title: 'Now', tags: ['all'] });
            await engine.cancelTask(gone.id);
            return [gone];
          },
          async () => {
            [claimed] = (await engine.claimNextTask(orchestrator.id)).claims;
            return [claimed?.task];
          },
          async () => {
            const { task, attempt } = claimed as Claim;
            await engine.renewLease(attempt.id);
            return [task];
          },
          async () => {
            const { task, attempt } = claimed as Claim;
            await engine.updateTaskProgress({ taskId: task.id, attemptId: attempt.id, progress: 50 });
            return [task];
          },
          async () => {
            const { task, attempt } = claimed as Claim;
            await engine.completeTask(task.id, { status: 'completed', attemptId: attempt.id });
            return [task];
          },
        ]) {
          const { plans, done } = await watchPlans(pool);
          const tasks = await call();
          await done();
          expect(tasks.map((task) => task?.title)).toEqual(['Now']);
          if (plans === null) return; // auto_explain is not on this server; the embedded one has it.
          const pages = plans.map((plan) =>
            Math.max(0, ...[...plan.matchAll(/Buffers: shared hit=(\d+)/g)].map(([, hit]) => Number(hit))),
          );
          expect(plans.length).toBeGreaterThan(0);
          // The first plan of a function reads catalogues, too; from the front there are several hundred in a single step.
          const most = pages.indexOf(Math.max(...(pages.length > 3 ? pages.slice(0, -1) : pages)));
          expect(pages[most], `statistics ${statistics}: ${plans[most]}`).toBeLessThan(220);
        }
      }
    } finally {
      await old.end();
    }
  },
);
