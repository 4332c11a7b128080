import { fillTasks } from '../fills/fillTasks.js';
import { type BenchEngine, FILL_TIMEOUT_MS, openEngine } from '../fills/openEngine.js';
import type { Benchmark } from '../harness/benchmark.js';
import { interleave } from '../harness/interleave.js';
import { median } from '../harness/statistics.js';

const TASKS = 6_000;
const IN_FLIGHT = 32;

/** What the decision about the tables' layout was taken against: each undoes one part of it. */
const LAYOUTS: readonly { name: string; sql: string }[] = [
  { name: 'as shipped', sql: '' },
  { name: 'full pages for tasks', sql: 'ALTER TABLE tasks SET (fillfactor = 100)' },
  { name: 'full pages for leases', sql: 'ALTER TABLE leases SET (fillfactor = 100)' },
  { name: 'an index on the status', sql: 'CREATE INDEX ON tasks (orchestrator_id, status)' },
  {
    name: 'a partial index of what is claimable',
    sql: `CREATE INDEX ON tasks (orchestrator_id, priority, due_at, created_at, id) WHERE status = 'TODO'`,
  },
  {
    name: 'queues vacuumed by the defaults',
    sql: ['ready_tasks', 'ready_task_tags', 'delayed_tasks', 'blocked_tasks', 'leases']
      .map(
        (table) =>
          `ALTER TABLE ${table} RESET (autovacuum_vacuum_scale_factor, autovacuum_vacuum_threshold, autovacuum_vacuum_cost_delay)`,
      )
      .join(';'),
  },
];

interface Sample {
  rate: number;
  walBytes: number;
  hotShare: number;
}

export const storage: Benchmark = {
  name: 'storage',
  title: 'What the layout of the tables is worth',
  about: `${TASKS.toLocaleString('en-US')} tasks with two tags and a short description are claimed, their leases renewed once, and completed, one per call,
${IN_FLIGHT} calls in flight, in a database of its own for each layout: ours as shipped, and ours with one part of the layout undone.
*WAL* is what the server wrote to its log meanwhile, by its own count, for each task; *HOT* the share of the updates of task rows
that wrote no index.`,
  async run({ rounds, startPostgres, say }) {
    // No checkpoint meanwhile: the full-page images after one would fall into somebody's turn.
    const server = await startPostgres({ max_wal_size: '8GB', checkpoint_timeout: '1h' });
    const opened: (BenchEngine & { name: string; orchestratorId: string })[] = [];
    try {
      for (const [index, { name, sql }] of LAYOUTS.entries()) {
        const at = await openEngine(await server.createDatabase(`layout_${index}`), {
          poolSize: 8,
          statementTimeoutMs: FILL_TIMEOUT_MS,
        });
        if (sql !== '') await at.pool.query(sql);
        const { id } = await at.engine.createOrchestrator({
          name,
          role: 'Runner',
          discipline: 'Nothing',
          maxConcurrentTasks: 1_000,
        });
        opened.push({ ...at, name, orchestratorId: id });
      }
      say(`${LAYOUTS.length} layouts`);
      const samples = await interleave(opened, rounds, measure);
      const column = (index: number, which: keyof Sample): number[] =>
        (samples[index] ?? []).map((sample) => sample[which]);
      const shipped = median(column(0, 'walBytes'));
      return {
        tables: (
          [
            ['Claim, renew and complete', 'tasks/s', 'rate'],
            ['WAL of a task', 'bytes', 'walBytes'],
            ['HOT updates of task rows', '%', 'hotShare'],
          ] as const
        ).map(([title, unit, which]) => ({
          title,
          unit,
          along: 'layout',
          points: [unit],
          plot: 'none' as const,
          rows: LAYOUTS.map(({ name }, index) => ({ name, samples: [column(index, which)] })),
        })),
        verdicts: [
          {
            what: 'HOT updates of task rows, as shipped',
            value: median(column(0, 'hotShare')),
            unit: '%',
            aim: { at: 'least', bound: 90 },
          },
          ...LAYOUTS.slice(1).map(({ name }, index) => ({
            what: `WAL of a task ÷ as shipped, ${name}`,
            value: median(column(index + 1, 'walBytes')) / shipped,
            aim: null,
          })),
        ],
      };
    } finally {
      for (const one of opened) await one.close();
    }
  },
};

async function measure(at: BenchEngine & { orchestratorId: string }): Promise<Sample> {
  const { engine, pool, orchestratorId } = at;
  await fillTasks(pool, { orchestratorId, count: TASKS, kind: 'claimable', tag: 'front' });
  const before = await counters(at);
  const start = performance.now();
  let done = 0;
  await Promise.all(
    Array.from({ length: IN_FLIGHT }, async () => {
      for (;;) {
        const { claims } = await engine.claimNextTask(orchestratorId);
        const [claim] = claims;
        if (claim === undefined) return;
        await engine.renewLease(claim.attempt.id);
        await engine.completeTask(claim.task.id, { status: 'completed', attemptId: claim.attempt.id });
        done += 1;
      }
    }),
  );
  const seconds = (performance.now() - start) / 1_000;
  if (done !== TASKS) throw new Error(`${done} of ${TASKS} tasks were done`);
  const after = await counters(at);
  return {
    rate: TASKS / seconds,
    walBytes: (after.wal - before.wal) / TASKS,
    hotShare: (100 * (after.hot - before.hot)) / (after.updated - before.updated),
  };
}

async function counters({ pool }: BenchEngine): Promise<{ wal: number; updated: number; hot: number }> {
  // Each connection tells its counts when it likes; asked on every one of them, they have.
  await Promise.all(
    Array.from({ length: 8 }, () => pool.query('SELECT pg_stat_force_next_flush(), pg_sleep(0.05)')),
  );
  const { rows } = await pool.query<{ wal: number; updated: number; hot: number }>(
    `SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::float8 AS wal, n_tup_upd::float8 AS updated, n_tup_hot_upd::float8 AS hot
     FROM pg_stat_user_tables WHERE relname = 'tasks'`,
  );
  return rows[0] ?? { wal: 0, updated: 0, hot: 0 };
}
