import type { Pool } from 'pg';

/**
 * Makes `count` claimable tasks of an orchestrator by SQL, as createTasks would: ten tags, four priorities, due dates
 * over a year, one in five without. With runs, they are spread over those.
 */
export async function fillBacklog(
  pool: Pool,
  orchestratorId: string,
  count: number,
  runIds: readonly string[] = [],
): Promise<void> {
  const id = orchestratorId.slice('orch_'.length);
  await pool.query(
    `INSERT INTO tasks (id, workspace_id, orchestrator_id, created_at, updated_at, due_at, priority, status, tags, title, run_id, wave)
     SELECT gen_random_uuid(), o.workspace_id, o.id, now() - n * interval '1 second', now(),
            CASE WHEN n % 5 <> 0 THEN now() + (hashint4(n) % 31536000) * interval '1 second' END,
            (enum_range(NULL::task_priority))[1 + abs(hashint4(n + 7)) % 4], 'TODO',
            ARRAY['t' || n % 10, 't' || (n / 10) % 10], 'Task ' || n, ($3::uuid[])[1 + abs(hashint4(n + 13)) % greatest(cardinality($3::uuid[]), 1)], CASE WHEN cardinality($3::uuid[]) > 0 THEN 0 END
     FROM orchestrators o, generate_series(1, $2::int) n WHERE o.id = $1`,
    [id, count, runIds.map((runId) => runId.slice('run_'.length))],
  );
  await pool.query(
    `INSERT INTO ready_tasks (task_id, workspace_id, orchestrator_id, run_id, due_at, created_at, priority, tags)
     SELECT id, workspace_id, orchestrator_id, coalesce(run_id, '00000000-0000-0000-0000-000000000000'), coalesce(due_at, 'infinity'), created_at, priority, tags FROM tasks WHERE orchestrator_id = $1 AND status = 'TODO'`,
    [id],
  );
  await pool.query(
    `INSERT INTO ready_task_tags (orchestrator_id, tag, run_id, priority, due_at, created_at, task_id)
     SELECT r.orchestrator_id, g.tag, r.run_id, r.priority, r.due_at, r.created_at, r.task_id
     FROM ready_tasks r CROSS JOIN LATERAL (SELECT DISTINCT unnest(r.tags) AS tag) g WHERE r.orchestrator_id = $1`,
    [id],
  );
}

/**
 * Has the one connection of a pool tell the executed plan of every statement, those inside functions too. `plans` is
 * null where the server has no auto_explain, or we may not load it.
 */
export async function watchPlans(pool: Pool): Promise<{ plans: string[] | null; done(): Promise<void> }> {
  const plans: string[] = [];
  const client = await pool.connect();
  const hear = (notice: { message?: string | undefined }) => {
    if (notice.message?.includes('plan:') === true) plans.push(notice.message);
  };
  try {
    await client.query(`LOAD 'auto_explain'`);
    await client.query(
      `SET auto_explain.log_min_duration = 0; SET auto_explain.log_analyze = on; SET auto_explain.log_timing = off;
       SET auto_explain.log_buffers = on; SET auto_explain.log_nested_statements = on; SET client_min_messages = log`,
    );
    client.on('notice', hear);
    return {
      plans,
      done: async () => {
        client.off('notice', hear);
        await pool.query('SET auto_explain.log_min_duration = -1; RESET client_min_messages');
      },
    };
  } catch {
    return { plans: null, done: async () => {} };
  } finally {
    client.release();
  }
}
