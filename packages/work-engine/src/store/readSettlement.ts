import type { TaskStatus } from '@neolith/contracts';
import { type Connection, run } from './sql.js';

const STATEMENT = {
  name: 'read_settlement',
  // What was told in the transaction that ended the attempt: what became of its task, and which dependents it freed.
  // Several may have completed in one transaction; of those that a dependent waited for the last one tells.
  text: `
    SELECT e."to" AS status, e.data ->> 'availableAt' AS available_at,
           ARRAY(SELECT f.task_id FROM events f JOIN task_dependencies d ON d.dependent_id = f.task_id
                 WHERE f.xid = e.xid AND f.type = 'task.unblocked' AND d.prerequisite_id = e.task_id AND e."to" = 'DONE'
                   AND NOT EXISTS (
                     SELECT FROM events l JOIN task_dependencies k ON k.prerequisite_id = l.task_id AND k.dependent_id = f.task_id
                     WHERE l.xid = e.xid AND l."to" = 'DONE' AND l.task_id > e.task_id)
                 ORDER BY f.task_id) AS freed
    FROM events e
    WHERE e.task_id = $1 AND e.attempt_id = $2 AND e."from" = ANY ('{IN_PROGRESS,MERGING}') AND e."to" IS NOT NULL
    ORDER BY e.seq DESC LIMIT 1`,
};

/** How an ended attempt was settled, as it was answered then; null where the history has been cut. */
export async function readSettlement(
  connection: Connection,
  taskId: string,
  attemptId: string,
): Promise<{ status: TaskStatus; availableAt: Date | null; freed: string[] } | null> {
  const rows = await run<{ status: TaskStatus; available_at: string | null; freed: string[] }>(
    connection,
    STATEMENT,
    [taskId, attemptId],
  );
  const [row] = rows;
  if (row === undefined) return null;
  return {
    status: row.status,
    availableAt: row.available_at === null ? null : new Date(row.available_at),
    freed: row.freed,
  };
}
