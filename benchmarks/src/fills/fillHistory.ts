import type { Database } from '@neolith/database';

/**
 * What ended attempts leave behind, by SQL: `attempts` of them over the last `days` days, by day and hour as people work, one
 * task in ten with two attempts, one in twenty FAILED, some CANCELLED, half with a due date. The tasks themselves are not
 * made: statistics don't read them.
 */
export async function fillHistory(
  pool: Database['pool'],
  history: { orchestratorId: string; attempts: number; days: number },
): Promise<void> {
  const tasks = Math.round(history.attempts / 1.1);
  const values = [history.orchestratorId.slice('orch_'.length), tasks, history.days];
  await pool.query(ENDED, values);
}

const ENDED = `
  WITH ended AS MATERIALIZED (
    SELECT gen_random_uuid() AS task_id, gen_random_uuid() AS attempt_id, o.id AS orchestrator_id, o.workspace_id, n, f.at AS finished_at,
           f.at - (exp(4 + 3 * (abs(hashint4(n + 3)) % 100000) / 1e5) || ' seconds')::interval AS claimed_at,
           CASE WHEN n % 2 = 0 THEN f.at + ((abs(hashint4(n + 5)) % 200000 - 40000) || ' seconds')::interval END AS due_at,
           CASE WHEN n % 10 = 0 THEN 2 ELSE 1 END AS tries,
           CASE WHEN n % 20 = 1 THEN 'FAILED' WHEN n % 50 = 2 THEN 'CANCELLED' ELSE 'DONE' END::task_status AS status,
           (enum_range(NULL::task_priority))[1 + abs(hashint4(n + 7)) % 4] AS priority
    FROM orchestrators o, generate_series(1, $2::int) n
    CROSS JOIN LATERAL (SELECT now() - $3::int * interval '1 day' * (1 - n::float8 / ($2::int + 1)) AS at) f
    WHERE o.id = $1
  ), kept AS (
    INSERT INTO attempts (id, task_id, workspace_id, orchestrator_id, claimed_at, ended_at, number, status, failure_class)
    SELECT CASE WHEN k = e.tries THEN e.attempt_id ELSE gen_random_uuid() END, e.task_id, e.workspace_id, e.orchestrator_id,
           e.claimed_at - (e.tries - k) * interval '1 hour', e.finished_at - (e.tries - k) * interval '1 hour', k,
           CASE WHEN k < e.tries OR e.status = 'FAILED' THEN 'FAILED' WHEN e.status = 'CANCELLED' THEN 'CANCELLED' ELSE 'SUCCEEDED' END::attempt_status,
           CASE WHEN k < e.tries OR e.status = 'FAILED' THEN 'task'::failure_class END
    FROM ended e CROSS JOIN LATERAL generate_series(1, e.tries) k
  )
  INSERT INTO task_outcomes (task_id, workspace_id, orchestrator_id, attempt_id, finished_at, claimed_at, due_at, attempts, status, priority)
  SELECT task_id, workspace_id, orchestrator_id, attempt_id, finished_at, claimed_at, due_at, tries, status, priority FROM ended ORDER BY n`;
