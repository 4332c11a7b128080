import type { FailureClass } from '@neolith/contracts';
import type { TaskRow } from './rows.js';
import { type Connection, run } from './sql.js';

export interface DeadLetterRow extends TaskRow {
  provider_failure_count: number;
  infrastructure_failure_count: number;
  last_error: string | null;
  last_failure_class: FailureClass | null;
  last_agent: string | null;
}

const LAST_ATTEMPT = `
  LEFT JOIN LATERAL (
    SELECT a.error AS last_error, a.failure_class AS last_failure_class, coalesce(a.metrics ->> 'agent', a.agent) AS last_agent
    FROM attempts a WHERE a.task_id = t.id ORDER BY a.number DESC LIMIT 1
  ) a ON true`;

const OF_RUN = {
  name: 'dead_letters_of_run',
  text: `
    SELECT t.*, a.* FROM tasks t ${LAST_ATTEMPT}
    WHERE t.run_id = $3 AND t.status = 'FAILED' AND t.finished_at IS NOT NULL
      AND ($1::uuid IS NULL OR t.workspace_id = $1) AND ($2::uuid IS NULL OR t.orchestrator_id = $2)
      AND ($4::timestamptz IS NULL OR (t.finished_at, t.id) < ($4, $5::uuid))
    ORDER BY t.finished_at DESC, t.id DESC LIMIT $6`,
};

const OF_ALL = {
  name: 'dead_letters',
  // Along the failed outcomes of each orchestrator, newest first: nobody else could have failed a task. As a row comparison
  // from some place on, so that a later page doesn't step over the earlier ones.
  text: `
    SELECT t.*, a.* FROM orchestrators o
    CROSS JOIN LATERAL (
      SELECT x.task_id FROM task_outcomes x
      WHERE x.orchestrator_id = o.id AND x.status = 'FAILED' AND (x.finished_at, x.task_id) < (coalesce($3::timestamptz, 'infinity'), coalesce($4::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff'))
      ORDER BY x.finished_at DESC, x.task_id DESC LIMIT $5
    ) x
    JOIN tasks t ON t.id = x.task_id ${LAST_ATTEMPT}
    WHERE ($1::uuid IS NULL OR o.workspace_id = $1) AND ($2::uuid IS NULL OR o.id = $2) AND t.status = 'FAILED' AND t.finished_at IS NOT NULL
    ORDER BY t.finished_at DESC, t.id DESC LIMIT $5`,
};

/** Parked tasks, newest first. `before` is the last of the page before. */
export async function listDeadLetterRows(
  connection: Connection,
  input: {
    workspaceId: string | null;
    orchestratorId: string | null;
    runId: string | null;
    before: { finishedAt: Date; id: string } | null;
    limit: number;
  },
): Promise<DeadLetterRow[]> {
  const page = [input.before?.finishedAt ?? null, input.before?.id ?? null, input.limit];
  const scope = [input.workspaceId, input.orchestratorId];
  return input.runId === null
    ? run<DeadLetterRow>(connection, OF_ALL, [...scope, ...page])
    : run<DeadLetterRow>(connection, OF_RUN, [...scope, input.runId, ...page]);
}
