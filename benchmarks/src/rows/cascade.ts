import { migrate, openDatabase } from '@neolith/database';
import { createWorkEngine, type WorkEngine } from '@neolith/work-engine';
import pg from 'pg';
import type { Benchmark, Verdict } from '../harness/benchmark.js';
import { interleave } from '../harness/interleave.js';
import { median } from '../harness/statistics.js';

const DEPENDENTS = [10_000, 100_000];
const SIBLINGS = 64;
const SHARED = [1, 500];

const BARE_UPDATE = `UPDATE tasks SET status = 'TODO', updated_at = now() WHERE id = ANY ($1)`;

/** What a completion has to leave behind, as plain statements over ids that are known beforehand, in one transaction. */
const BARE_WRITES = [
  BARE_UPDATE,
  'DELETE FROM blocked_tasks WHERE task_id = ANY ($1)',
  `INSERT INTO events (workspace_id, task_id, orchestrator_id, run_id, at, type, actor, "from", "to", data)
   SELECT workspace_id, id, orchestrator_id, run_id, now(), 'task.unblocked', 'bench', 'BLOCKED', 'TODO', '{"reason": "DEPENDENCIES"}'
   FROM tasks WHERE id = ANY ($1)`,
  `INSERT INTO ready_tasks (task_id, workspace_id, orchestrator_id, due_at, created_at, priority, tags)
   SELECT id, workspace_id, orchestrator_id, coalesce(due_at, 'infinity'), created_at, priority, tags
   FROM tasks WHERE id = ANY ($1)`,
];

export const cascade: Benchmark = {
  name: 'cascade',
  title: 'What a completion sets free',
  about: `**One task with many dependents.** An operation is one \`completeTask\` through the engine, from the call to its answer, which
names every task that it freed: counts down, statuses, one event and one row in the queue for each dependent. Beside it,
in the same rounds, on as many other blocked tasks of the same table:

- the bare update, \`${BARE_UPDATE}\`, committed by itself;
- the bare writes: that update, \`DELETE FROM blocked_tasks\`, \`INSERT INTO events … SELECT\` and \`INSERT INTO ready_tasks … SELECT\`
  of the same ids, in one transaction: what PostgreSQL needs to leave behind the same rows when nothing has to be found,
  counted, locked in order or answered.

Each gets the same ids as the engine numbers them, in order. Before each operation the tables are emptied, filled with the same
rows, vacuumed and analysed, and a checkpoint is made; none of that is measured.

**Siblings.** ${SIBLINGS} running tasks, each a prerequisite of the same dependents, are completed at once: by one process, where the
calls of one moment go together, and by ${SIBLINGS} engines with a connection each, where every call is a transaction of its own.
After each round the tables are asked: every dependent is TODO, in the queue once, told once and waits for nothing; and the server's
own count of deadlocks has not moved.`,
  async run({ rounds, quick, startPostgres, say }) {
    const server = await startPostgres();
    const url = await server.createDatabase('cascade');
    await migrate(url);
    const database = openDatabase(url, { poolSize: 4 });
    const unscoped = createWorkEngine(database);
    const control = new pg.Client(url);
    await control.connect();
    const solo = await openMany(url, SIBLINGS);
    try {
      const workspace = await unscoped.createWorkspace({ slug: 'cascade', name: 'Cascade' });
      const engine = unscoped.as({ workspaceId: workspace.id });
      const { id: orchestratorId } = await engine.createOrchestrator({
        name: 'Benchmark',
        role: 'Runner',
        discipline: 'Nothing',
        maxConcurrentTasks: 1_000,
      });
      const place = { engine, control, orchestratorId };

      const sizes = quick ? [10_000] : DEPENDENTS;
      const ways = [
        { name: 'completeTask', measure: completeRoot },
        { name: 'the bare writes', measure: bareWrites },
        { name: 'the bare update', measure: bareUpdate },
      ];
      const fans = ways.map(({ name }) => ({ name, samples: [] as number[][] }));
      for (const size of sizes) {
        say(`${size} dependents`);
        await empty(control);
        const root = await startTasks(place, 1);
        await addDependents(
          place,
          root.map(({ taskId }) => taskId),
          size,
        );
        await keep(control);
        const samples = await interleave(ways, rounds, async ({ measure }) => {
          await restore(control);
          return measure(place, root, size);
        });
        samples.forEach((values, index) => {
          fans[index]?.samples.push(values);
        });
      }

      const together = [
        { name: 'one process', engines: [engine] },
        {
          name: `${SIBLINGS} connections`,
          engines: solo.map(({ engine: other }) => other.as({ workspaceId: workspace.id })),
        },
      ];
      const siblings = together.map(({ name }) => ({ name, samples: [] as number[][] }));
      let lost = 0;
      const deadlocksBefore = await countDeadlocks(control);
      for (const shared of SHARED) {
        say(`${SIBLINGS} siblings into ${shared}`);
        const samples = await interleave(together, rounds, async ({ engines }) => {
          await empty(control);
          const running = await startTasks(place, SIBLINGS);
          await addDependents(
            place,
            running.map(({ taskId }) => taskId),
            shared,
          );
          await settle(control);
          const start = performance.now();
          await Promise.all(
            running.map(({ taskId, attemptId }, index) =>
              (engines[index % engines.length] as WorkEngine).completeTask(taskId, {
                status: 'completed',
                attemptId,
              }),
            ),
          );
          const took = performance.now() - start;
          lost += shared - (await countFreed(control));
          return took;
        });
        samples.forEach((values, index) => {
          siblings[index]?.samples.push(values);
        });
      }
      const deadlocks = (await countDeadlocks(control)) - deadlocksBefore;

      const [ours = [], writes = [], update = []] = fans.map(({ samples }) => samples.map(median));
      const verdicts: Verdict[] = sizes.flatMap((size, index) => [
        {
          what: `completeTask ÷ the bare update, ${size.toLocaleString('en-US')} dependents`,
          value: (ours[index] ?? 0) / (update[index] ?? 0),
          // Between checks other work shares the machine; the quick subset asks for what can't be missed by chance.
          aim: { at: 'most' as const, bound: quick ? 6 : 2 },
        },
        {
          what: `completeTask ÷ the bare writes, ${size.toLocaleString('en-US')} dependents`,
          value: (ours[index] ?? 0) / (writes[index] ?? 0),
          aim: null,
        },
      ]);
      if (sizes.length > 1) {
        verdicts.push({
          what: 'time per dependent, 100,000 ÷ 10,000',
          value: (ours[1] ?? 0) / (ours[0] ?? 0) / 10,
          aim: { at: 'most', bound: 1.25 },
        });
      }
      verdicts.push(
        { what: 'dependents lost or told twice', value: lost, aim: { at: 'most', bound: 0 } },
        { what: 'deadlocks', value: deadlocks, aim: { at: 'most', bound: 0 } },
      );
      return {
        tables: [
          {
            title: 'One task with many dependents',
            unit: 'ms',
            along: 'dependents',
            points: sizes,
            rows: fans,
            plot: 'bars',
            logarithmic: true,
          },
          {
            title: `${SIBLINGS} siblings completing at once`,
            unit: 'ms',
            along: 'shared dependents',
            points: SHARED,
            rows: siblings,
            plot: 'none',
          },
        ],
        verdicts,
        notes: [
          `Freed tasks go through more than their row: each is taken out of \`blocked_tasks\`, put into \`ready_tasks\` (three indexes) and told in
\`events\` (two indexes, one more within runs). The bare writes show what that costs PostgreSQL by itself; what \`completeTask\` adds to it is finding the edges,
locking the counts in order, and the answer. To come nearer to the bare update a completion would have to leave out the event of each
freed task or its row in the queue.`,
        ],
      };
    } finally {
      for (const { close } of solo) await close();
      await control.end();
      await unscoped.close();
      await database.close();
    }
  },
};

interface Place {
  engine: WorkEngine;
  control: pg.Client;
  orchestratorId: string;
}

interface Running {
  taskId: string;
  attemptId: string;
}

/** Engines that share nothing: each with its own pool of one connection, and so with lanes of its own. */
async function openMany(
  url: string,
  count: number,
): Promise<{ engine: WorkEngine; close(): Promise<void> }[]> {
  return Array.from({ length: count }, () => {
    const database = openDatabase(url, { poolSize: 1 });
    const engine = createWorkEngine(database);
    return {
      engine,
      async close() {
        await engine.close();
        await database.close();
      },
    };
  });
}

async function empty(control: pg.Client): Promise<void> {
  await control.query(
    'TRUNCATE tasks, task_dependencies, blocked_tasks, ready_tasks, ready_task_tags, delayed_tasks, leases, attempts, task_outcomes, events CASCADE',
  );
}

const KEPT = ['tasks', 'task_dependencies', 'blocked_tasks', 'leases', 'events'];

/** Copies the filled tables, so that every round begins with the same rows. */
async function keep(control: pg.Client): Promise<void> {
  for (const table of KEPT) {
    await control.query(`DROP TABLE IF EXISTS kept_${table}`);
    await control.query(`CREATE UNLOGGED TABLE kept_${table} AS SELECT * FROM ${table}`);
  }
}

async function restore(control: pg.Client): Promise<void> {
  await empty(control);
  for (const table of KEPT) await control.query(`INSERT INTO ${table} SELECT * FROM kept_${table}`);
  await settle(control);
}

async function settle(control: pg.Client): Promise<void> {
  await control.query(
    'VACUUM ANALYZE tasks, task_dependencies, blocked_tasks, ready_tasks, leases, attempts, events',
  );
  await control.query('CHECKPOINT');
}

async function startTasks({ engine, orchestratorId }: Place, count: number): Promise<Running[]> {
  await engine.createTasks(
    Array.from({ length: count }, (_, index) => ({ title: `Prerequisite ${index}`, orchestratorId })),
  );
  const { claims } = await engine.claimNextTask(orchestratorId, { max: count });
  if (claims.length !== count) throw new Error(`${claims.length} of ${count} prerequisites were claimed`);
  return claims.map(({ task, attempt }) => ({ taskId: task.id, attemptId: attempt.id }));
}

async function addDependents(
  { engine, orchestratorId }: Place,
  dependsOn: string[],
  count: number,
): Promise<void> {
  for (let made = 0; made < count; made += 5_000) {
    await engine.createTasks(
      Array.from({ length: Math.min(5_000, count - made) }, (_, index) => ({
        title: `Dependent ${made + index}`,
        orchestratorId,
        dependsOn,
      })),
    );
  }
}

async function completeRoot(place: Place, [root]: readonly Running[], size: number): Promise<number> {
  const { taskId, attemptId } = root as Running;
  const start = performance.now();
  const { unblocked } = await place.engine.completeTask(taskId, { status: 'completed', attemptId });
  const took = performance.now() - start;
  const freed = await countFreed(place.control);
  if (freed !== size || unblocked.length !== size)
    throw new Error(`${freed} of ${size} dependents were freed, and ${unblocked.length} named`);
  return took;
}

async function bareUpdate({ control }: Place, _root: readonly Running[], size: number): Promise<number> {
  const ids = await blockedIds(control);
  const start = performance.now();
  const { rowCount } = await control.query(BARE_UPDATE, [ids]);
  const took = performance.now() - start;
  if (rowCount !== size) throw new Error(`${rowCount} of ${size} rows were updated`);
  return took;
}

async function bareWrites({ control }: Place, _root: readonly Running[], size: number): Promise<number> {
  const ids = await blockedIds(control);
  const start = performance.now();
  await control.query('BEGIN');
  for (const statement of BARE_WRITES) {
    const { rowCount } = await control.query(statement, [ids]);
    if (rowCount !== size) throw new Error(`${rowCount} of ${size} rows were written`);
  }
  await control.query('COMMIT');
  return performance.now() - start;
}

async function blockedIds(control: pg.Client): Promise<string[]> {
  const { rows } = await control.query<{ task_id: string }>(
    'SELECT task_id FROM blocked_tasks ORDER BY task_id',
  );
  return rows.map(({ task_id }) => task_id);
}

/** Dependents that are TODO, in the queue, wait for nothing and were told so exactly once; says what doesn't fit as a difference. */
async function countFreed(control: pg.Client): Promise<number> {
  const { rows } = await control.query<{ freed: number }>(`
    SELECT (SELECT count(*) FROM (
              SELECT t.id FROM tasks t JOIN ready_tasks r ON r.task_id = t.id
              JOIN events e ON e.task_id = t.id AND e.type = 'task.unblocked'
              WHERE t.status = 'TODO' AND EXISTS (SELECT FROM task_dependencies d WHERE d.dependent_id = t.id)
              GROUP BY t.id HAVING count(*) = 1) freed)::int
           - (SELECT count(*) FROM blocked_tasks)::int AS freed`);
  return rows[0]?.freed ?? 0;
}

async function countDeadlocks(control: pg.Client): Promise<number> {
  await control.query('SELECT pg_stat_clear_snapshot()');
  const { rows } = await control.query<{ deadlocks: string }>(
    'SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()',
  );
  return Number(rows[0]?.deadlocks);
}
