import type { Database } from '@neolith/database';

export interface Fill {
  orchestratorId: string;
  count: number;
  /**
   * `backlog`: one in four claimable, the three before it wait for it. `claimable`: all of them. `blocked`: all of
   * them, by the orchestrator's first claimable task. `delayed`: all of them, until tomorrow.
   */
  kind: 'backlog' | 'claimable' | 'blocked' | 'delayed';
  /** All CRITICAL and overdue for ten days, instead of priorities and deadlines as people give them. */
  urgent?: boolean;
  /** Besides one of ten (`tag-0` … `tag-9`). */
  tag?: string;
  runId?: string;
  /** Every tenth asks for a path: one of its own, or one of the thousand `held/N/**`. */
  asks?: 'own' | 'held';
}

/** Each fill has a range of ids of its own, in the order of creation as version 7 has them. */
let fills = 0;
const RANGE = 10_000_000;
const FIRST_MS = 1_700_000_000_000;

/**
 * Makes tasks by SQL, each standing where createTasks would have put it: a million in half a minute instead of ten.
 * One task in five has no due date; of the others most are due within two months, some soon, few too late. `rare` and
 * `pair` are tags of eight tasks, spread over all.
 */
export async function fillTasks(pool: Database['pool'], fill: Fill): Promise<void> {
  fills += 1;
  const orchestrator = fill.orchestratorId.slice('orch_'.length);
  const run = fill.runId?.slice('run_'.length) ?? null;
  const first = FIRST_MS + fills * RANGE;
  const client = await pool.connect();
  try {
    await client.query('BEGIN');
    await client.query(TASKS, [
      orchestrator,
      fill.count,
      first,
      fill.kind,
      fill.urgent === true,
      fill.tag ?? null,
      run,
      fill.asks ?? null,
    ]);
    if (fill.kind === 'backlog' || fill.kind === 'blocked')
      await client.query(EDGES, [orchestrator, fill.count, first, fill.kind]);
    const range = [orchestrator, first, fill.count];
    for (const place of PLACES) await client.query(place, range);
    await client.query('COMMIT');
  } catch (error) {
    await client.query('ROLLBACK');
    throw error;
  } finally {
    client.release();
  }
}

/** The statistics of a table and the marks of its pages, as autovacuum would have left them. */
export async function settleTables(pool: Database['pool']): Promise<void> {
  await pool.query('VACUUM (ANALYZE)');
  await pool.query('CHECKPOINT');
}

const idOf = (n: string): string =>
  `(lpad(to_hex($3::bigint + ${n}), 12, '0') || '70008' || substr(md5((${n})::text), 1, 15))::uuid`;

const TASKS = `
  INSERT INTO tasks (id, workspace_id, orchestrator_id, created_at, updated_at, due_at, available_at, priority, status, tags, title, description, run_id, wave, resources)
  SELECT ${idOf('n')}, o.workspace_id, o.id, now() - ($2::int - n) * interval '1 second', now(),
         CASE WHEN $5::boolean THEN now() - interval '10 days' + n * interval '1 millisecond'
              WHEN h < 20 THEN NULL
              WHEN h < 24 THEN now() - r * interval '3 days'
              WHEN h < 28 THEN now() + r * interval '20 hours'
              WHEN h < 38 THEN now() + r * interval '3 days'
              ELSE now() + r * interval '60 days' END,
         CASE WHEN $4 = 'delayed' THEN now() + interval '1 day' END,
         CASE WHEN $5 OR p < 5 THEN 'CRITICAL' WHEN p < 25 THEN 'HIGH' WHEN p < 75 THEN 'MEDIUM' ELSE 'LOW' END::task_priority,
         CASE WHEN $4 = 'blocked' OR $4 = 'backlog' AND n % 4 <> 0 THEN 'BLOCKED' ELSE 'TODO' END::task_status,
         ARRAY['tag-' || abs(hashint4(n + 17)) % 10] || CASE WHEN $6::text IS NOT NULL THEN ARRAY[$6] ELSE '{}' END
           || CASE WHEN $6 IS NULL AND n % greatest($2 / 32 * 4, 4) = 0 THEN ARRAY['rare', 'pair'] ELSE '{}' END,
         'Task ' || n, repeat('What is to be done. ', 10), $7::uuid, CASE WHEN $7::uuid IS NOT NULL THEN 0 END,
         CASE WHEN n % 10 = 0 AND $8 = 'own' THEN ARRAY['exclusive path:own/' || n]
              WHEN n % 10 = 0 AND $8 = 'held' THEN ARRAY['exclusive path:held/' || n / 10 % 1000 || '/a'] END
  FROM orchestrators o
  CROSS JOIN LATERAL (
    SELECT n, abs(hashint4(n)) % 100 AS h, abs(hashint4(n + 7)) % 100 AS p, abs(hashint4(n + 13)) % 1000000 / 1e6 AS r
    FROM generate_series(1, $2::int) n
  ) g WHERE o.id = $1`;

const EDGES = `
  INSERT INTO task_dependencies (dependent_id, prerequisite_id)
  SELECT ${idOf('n')},
         CASE WHEN $4 = 'blocked' THEN (SELECT task_id FROM ready_tasks WHERE orchestrator_id = $1 ORDER BY task_id LIMIT 1)
              ELSE ${idOf('((n + 3) / 4 * 4)')} END
  FROM generate_series(1, $2::int) n WHERE $4 = 'blocked' OR n % 4 <> 0`;

/** Of the tasks of one fill: $2 and $3 bound their ids. */
const FILLED = `t.orchestrator_id = $1
  AND t.id > (lpad(to_hex($2::bigint), 12, '0') || repeat('0', 20))::uuid
  AND t.id < (lpad(to_hex($2::bigint + $3::int + 1), 12, '0') || repeat('0', 20))::uuid`;
const NO_RUN = `coalesce(t.run_id, '00000000-0000-0000-0000-000000000000')`;

const PLACES = [
  `INSERT INTO blocked_tasks (task_id, workspace_id, orchestrator_id, unmet, priority)
   SELECT t.id, t.workspace_id, t.orchestrator_id, 1, t.priority FROM tasks t WHERE ${FILLED} AND t.status = 'BLOCKED'`,
  `INSERT INTO delayed_tasks (task_id, workspace_id, orchestrator_id, run_id, available_at, due_at, created_at, priority, tags, resources)
   SELECT t.id, t.workspace_id, t.orchestrator_id, ${NO_RUN}, t.available_at, coalesce(t.due_at, 'infinity'), t.created_at, t.priority, t.tags, t.resources
   FROM tasks t WHERE ${FILLED} AND t.status = 'TODO' AND t.available_at IS NOT NULL`,
  `INSERT INTO ready_tasks (task_id, workspace_id, orchestrator_id, run_id, due_at, created_at, priority, tags, resources)
   SELECT t.id, t.workspace_id, t.orchestrator_id, ${NO_RUN}, coalesce(t.due_at, 'infinity'), t.created_at, t.priority, t.tags, t.resources
   FROM tasks t WHERE ${FILLED} AND t.status = 'TODO' AND t.available_at IS NULL`,
  `INSERT INTO ready_task_tags (orchestrator_id, tag, run_id, priority, due_at, created_at, task_id)
   SELECT t.orchestrator_id, g.tag, t.run_id, t.priority, t.due_at, t.created_at, t.task_id
   FROM (SELECT r.*, r.task_id AS id FROM ready_tasks r) t CROSS JOIN LATERAL (SELECT DISTINCT unnest(t.tags) AS tag) g WHERE ${FILLED}`,
];
