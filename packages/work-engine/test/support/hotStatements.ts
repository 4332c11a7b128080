import type { Pool } from 'pg';
import { expect } from 'vitest';
import type { EngineFixture } from './engineFixture.js';
import { watchPlans } from './plans.js';
import { writeUnwatched } from './writeUnwatched.js';

/** Tables that grow with the backlog or with time: nothing hot may read one from end to end. */
const GROWING = [
  'tasks',
  'task_dependencies',
  'ready_tasks',
  'ready_task_tags',
  'delayed_tasks',
  'blocked_tasks',
  'attempts',
  'task_outcomes',
  'outcome_days',
  'outcome_sums',
  'events',
  'claim_requests',
];

/**
 * An open backlog and its history by SQL, as fast as the machine writes: of every eight tasks two are claimable, one is
 * delayed, five wait for the first; a fifth as many have ended within the last year. Triggers are off and nothing is
 * told to the planner. The second orchestrator has nothing of it.
 */
export async function fillHouse(pool: Pool, orchestratorId: string, count: number): Promise<void> {
  const id = orchestratorId.slice('orch_'.length);
  await writeUnwatched(pool, async (client) => {
    for (const statement of HOUSE) await client.query(statement, [id, count]);
  });
}

const idOf = (n: string) =>
  `(lpad(to_hex(1700000000000 + $2::bigint * 10 + ${n}), 12, '0') || '70008' || substr(md5((${n})::text), 1, 15))::uuid`;
const DUE = `CASE WHEN n % 5 <> 0 THEN now() + (hashint4(n) % 31536000) * interval '1 second' END`;
const CREATED = `now() - ($2::int - n) * interval '1 second'`;
const PRIORITY = '(enum_range(NULL::task_priority))[1 + abs(hashint4(n + 7)) % 4]';
const NO_RUN = `'00000000-0000-0000-0000-000000000000'::uuid`;
const OF = (where: string) =>
  `FROM orchestrators o, generate_series(1, $2::int) n WHERE o.id = $1 AND ${where}`;
const TAG = `'t' || n % 16`;

const HOUSE = [
  `INSERT INTO tasks (id, workspace_id, orchestrator_id, created_at, updated_at, due_at, available_at, priority, status, tags, title)
   SELECT ${idOf('n')}, o.workspace_id, o.id, ${CREATED}, now(), ${DUE}, CASE WHEN n % 8 = 2 THEN now() + interval '1 day' END, ${PRIORITY},
          CASE WHEN n % 8 < 3 THEN 'TODO' ELSE 'BLOCKED' END::task_status, ARRAY[${TAG}, 'all'], 'Task ' || n ${OF('true')}`,
  `INSERT INTO ready_tasks (task_id, workspace_id, orchestrator_id, due_at, created_at, priority, tags)
   SELECT ${idOf('n')}, o.workspace_id, o.id, coalesce(${DUE}, 'infinity'), ${CREATED}, ${PRIORITY}, ARRAY[${TAG}, 'all'] ${OF('n % 8 < 2')}`,
  `INSERT INTO ready_task_tags (orchestrator_id, tag, run_id, priority, due_at, created_at, task_id)
   SELECT o.id, unnest(ARRAY[${TAG}, 'all']), ${NO_RUN}, ${PRIORITY}, coalesce(${DUE}, 'infinity'), ${CREATED}, ${idOf('n')} ${OF('n % 8 < 2')}`,
  `INSERT INTO delayed_tasks (task_id, workspace_id, orchestrator_id, available_at, due_at, created_at, priority, tags)
   SELECT ${idOf('n')}, o.workspace_id, o.id, now() + interval '1 day', coalesce(${DUE}, 'infinity'), ${CREATED}, ${PRIORITY}, ARRAY[${TAG}, 'all'] ${OF('n % 8 = 2')}`,
  `INSERT INTO blocked_tasks (task_id, workspace_id, orchestrator_id, unmet, priority)
   SELECT ${idOf('n')}, o.workspace_id, o.id, 1, ${PRIORITY} ${OF('n % 8 > 2')}`,
  `INSERT INTO task_dependencies (dependent_id, prerequisite_id) SELECT ${idOf('n')}, ${idOf('(n - n % 8)')} ${OF('n % 8 > 2')} AND n >= 8`,
  `INSERT INTO task_outcomes (task_id, workspace_id, orchestrator_id, attempt_id, finished_at, claimed_at, attempts, status, priority)
   SELECT ${idOf('(n + 2000000000)')}, o.workspace_id, o.id, ${idOf('(n + 3000000000)')}, f.at, f.at - interval '1 minute', 1, 'DONE', ${PRIORITY}
   FROM orchestrators o, generate_series(1, $2::int / 5) n CROSS JOIN LATERAL (SELECT now() - interval '1 year' * (1 - n / ($2::int / 5 + 1.0)) AS at) f WHERE o.id = $1`,
  `INSERT INTO attempts (id, task_id, workspace_id, orchestrator_id, claimed_at, ended_at, number, status)
   SELECT x.attempt_id, x.task_id, x.workspace_id, x.orchestrator_id, x.claimed_at, x.finished_at, 1, 'SUCCEEDED' FROM task_outcomes x WHERE x.orchestrator_id = $1 AND $2::int > 0`,
  `INSERT INTO events (xid, workspace_id, task_id, attempt_id, orchestrator_id, at, type, actor)
   SELECT 1 + row_number() OVER (ORDER BY a.id) / 1000, a.workspace_id, a.task_id, a.id, a.orchestrator_id, a.ended_at, 'task.completed', 'system'
   FROM attempts a WHERE a.orchestrator_id = $1 AND $2::int > 0`,
  `INSERT INTO claim_requests (orchestrator_id, request_id, created_at, attempt_ids)
   SELECT o.id, n::text, now() - interval '1 hour', ARRAY[${idOf('(n + 3000000000)')}] ${OF('n % 20 = 0')}`,
];

/** Tables of so many rows may as well be read. */
const SMALL = 1_100;

/** What the planner is told: nothing yet; of the time when all was empty, or nearly; the truth. */
export const STATISTICS = [
  'never gathered',
  'gathered when all was empty',
  'gathered when there was one of each',
  'gathered now',
] as const;

export async function setStatistics(pool: Pool, which: (typeof STATISTICS)[number]): Promise<void> {
  if (which === 'gathered now') {
    await pool.query('ANALYZE');
    return;
  }
  // As a table and its indexes are before their first ANALYZE, or after one of an empty table.
  await pool.query(
    `DELETE FROM pg_statistic WHERE starelid IN (SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace)`,
  );
  await pool.query(
    `UPDATE pg_class SET reltuples = $1::int, relpages = greatest($1::int, 0), relallvisible = 0 WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'i')`,
    [which === 'never gathered' ? -1 : which === 'gathered when all was empty' ? 0 : 1],
  );
}

/** Sweeps until no old event is left: a sweep goes on with them for a quarter of a second only. */
export async function sweepUp(engine: EngineFixture['engine']): Promise<void> {
  for (;;) {
    const { trimmed, faults } = await engine.sweepExpiredLeases();
    expect(faults).toEqual([]);
    if (trimmed === 0) return;
  }
}

/** A hot call, and what its statements may touch: rows of any step, and pages of 8 KiB of any statement. */
interface HotCall {
  name: string;
  rows: number;
  pages: number;
  call(): Promise<unknown>;
}

export interface Touched {
  name: string;
  statements: number;
  rows: number;
  pages: number;
  problems: string[];
}

/**
 * Makes every hot call and judges the plans that were really executed, those inside functions too. Null: this server
 * has no auto_explain. `small`: a backlog of a thousand or less.
 */
export async function judgeHotCalls(
  fixture: EngineFixture,
  orchestratorId: string,
  options: { small: boolean; only?: string },
): Promise<Touched[] | null> {
  const { pool } = fixture.test.database;
  const judged: Touched[] = [];
  for (const { name, rows, pages, call } of await hotCalls(fixture, orchestratorId)) {
    if (options.only !== undefined && options.only !== name) continue;
    // The first call in a session reads catalogues for planning, and the sixth may be planned anew for all values.
    for (let n = 0; n < 6; n += 1) await call();
    const { plans, done } = await watchPlans(pool);
    if (plans === null) return null;
    await call();
    await done();
    judged.push(
      judgePlans(name, plans, { rows: options.small ? Math.max(rows, SMALL) : rows, pages }, options),
    );
  }
  return judged;
}

/**
 * What the statements of a call touched, and where that is more than it may be: rows of any step, pages of any
 * statement, and all of a table that grows, unless the backlog is `small`.
 */
export function judgePlans(
  name: string,
  plans: readonly string[],
  limits: { rows: number; pages: number },
  { small }: { small: boolean } = { small: false },
): Touched {
  const most = { rows: 0, pages: 0 };
  const problems: string[] = [];
  for (const plan of plans) {
    const touched = { rows: rowsOf(plan), pages: pagesOf(plan) };
    most.rows = Math.max(most.rows, touched.rows);
    most.pages = Math.max(most.pages, touched.pages);
    const scanned = GROWING.find((table) => new RegExp(`Seq Scan on ${table}\\b`).test(plan));
    if (touched.rows > limits.rows) problems.push(`${name} touches ${touched.rows} rows in a step:\n${plan}`);
    if (touched.pages > limits.pages) problems.push(`${name} touches ${touched.pages} pages:\n${plan}`);
    if (scanned !== undefined && !small) problems.push(`${name} reads all of ${scanned}:\n${plan}`);
  }
  if (plans.length === 0) problems.push(`${name} was not seen`);
  return { name, statements: plans.length, ...most, problems };
}

/** The most rows that any step passes on or throws away. */
function rowsOf(plan: string): number {
  const passed = [...plan.matchAll(/rows=(\d+)(?:\.\d+)? loops=(\d+)\)/g)].map(
    ([, rows, loops]) => Number(rows) * Number(loops),
  );
  const removed = [...plan.matchAll(/Rows Removed by (?:Join |Index )?\w*: (\d+)/g)].map(([, rows]) =>
    Number(rows),
  );
  return Math.max(0, ...passed, ...removed);
}

/** The pages that the whole statement touched: what an index condition passes over shows nowhere else. */
function pagesOf(plan: string): number {
  const [, hit = 0, read = 0] = /Buffers: shared(?: hit=(\d+))?(?: read=(\d+))?/.exec(plan) ?? [];
  return Number(hit ?? 0) + Number(read ?? 0);
}

async function hotCalls(fixture: EngineFixture, id: string): Promise<HotCall[]> {
  const { engine, clock } = fixture;
  const other = await fixture.orchestrator();
  const cursor = await engine.currentCursor();
  const few = { rows: 300, pages: 600 };
  const claimed = async (max = 3, leaseSeconds = 60) => {
    const { claims } = await engine.claimNextTask(id, { max, leaseSeconds });
    expect(claims).toHaveLength(max);
    return claims;
  };
  const settle = async (outcome: 'completed' | 'failed') => {
    for (const { task, attempt } of await claimed())
      await engine.completeTask(task.id, {
        status: outcome,
        attemptId: attempt.id,
        ...(outcome === 'failed' ? { error: 'no' } : {}),
      });
  };
  const [held] = await claimed(1, 86_400);
  const taskId = held?.task.id as string;
  const attemptId = held?.attempt.id as string;
  const calls: HotCall[] = [
    { name: 'select', ...few, call: () => engine.selectNextTask(id) },
    {
      name: 'select, a tag that all have',
      ...few,
      call: () => engine.selectNextTask(id, { requireTags: ['all'] }),
    },
    {
      name: 'select, an absent tag',
      ...few,
      call: () => engine.selectNextTask(id, { requireTags: ['absent'] }),
    },
    // Two tags are counted, up to a thousand tasks each.
    {
      name: 'select, two tags',
      rows: 2_100,
      pages: 8_000,
      call: () => engine.selectNextTask(id, { requireTags: ['all', 't1'] }),
    },
    { name: 'rank fifty', ...few, pages: 2_000, call: () => engine.rankTasks(id) },
    { name: 'claim and settle: completed', ...few, call: () => settle('completed') },
    { name: 'claim and settle: failed', ...few, call: () => settle('failed') },
    {
      name: 'claim with a request id',
      ...few,
      call: () => engine.claimNextTask(id, { requestId: `${performance.now()}`, leaseSeconds: 3_600 }),
    },
    {
      name: 'wait for a claim, of nothing',
      ...few,
      call: () => engine.waitForClaim(other.id, { waitSeconds: 0 }),
    },
    { name: 'renew', ...few, call: () => engine.renewLease(attemptId) },
    { name: 'progress', ...few, call: () => engine.updateTaskProgress({ taskId, progress: 5, attemptId }) },
    { name: 'sweep, nothing to do', ...few, call: () => engine.sweepExpiredLeases() },
    {
      name: 'sweep, three leases lost',
      ...few,
      async call() {
        await claimed();
        clock.advanceSeconds(100);
        expect((await engine.sweepExpiredLeases()).lost.length).toBeGreaterThanOrEqual(3);
        clock.now = null;
      },
    },
    {
      name: 'events after a cursor',
      rows: 1_100,
      pages: 1_500,
      call: () => engine.readEvents({ cursor, limit: 500 }),
    },
    { name: "a task's events", ...few, call: () => engine.listTaskEvents(taskId) },
    // Two hundred created before, two hundred after.
    { name: 'context', rows: 1_000, pages: 2_000, call: () => engine.getTaskContext(taskId) },
    { name: 'a task and its neighbours', ...few, call: () => engine.getTask(taskId) },
    { name: 'statistics of another', ...few, call: () => engine.getOrchestratorExecutionStats(other.id) },
  ];
  return calls;
}
