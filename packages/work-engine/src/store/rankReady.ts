import type { OrchestratorStatus } from '@neolith/contracts';
import type { ReadyCriteria } from './readyCriteria.js';
import { readyCriteriaValues } from './readyCriteria.js';
import type { TaskRow } from './rows.js';
import type { Connection } from './sql.js';
import { run } from './sql.js';

export interface RankedRow extends TaskRow {
  orchestrator_status: OrchestratorStatus;
  /** Free task slots; zero or less: none. */
  room: number;
  weight: number | null;
  boost: number | null;
}

/**
 * The best claimable tasks of an orchestrator, best first, and whether it could take one: one round trip of index
 * probes. No row: no such orchestrator. One row without a task: nothing is claimable.
 */
const STATEMENT = {
  name: 'rank_ready',
  text: `
    WITH o AS (
      SELECT id, status, max_concurrent_tasks - slots_in_use(id, m) AS room, m AS mark
      FROM orchestrators, usable_mark($1) m WHERE id = $1 AND ($2::uuid IS NULL OR workspace_id = $2)
    )
    SELECT o.status AS orchestrator_status, o.room, h.weight, h.boost, t.*
    FROM o
    LEFT JOIN LATERAL ready_heads(o.id, $4, engine_now($3), $5, $6, $7::task_priority[], $8, $9, NULL, o.mark) h ON true
    LEFT JOIN tasks t ON t.id = h.task_id
    ORDER BY h.score DESC, h.due_at, h.created_at, h.task_id`,
};

export async function rankReady(
  connection: Connection,
  input: {
    orchestratorId: string;
    workspaceId: string | null;
    now: Date | null;
    limit: number;
    criteria: ReadyCriteria;
  },
): Promise<RankedRow[]> {
  return run<RankedRow>(connection, STATEMENT, [
    input.orchestratorId,
    input.workspaceId,
    input.now,
    input.limit,
    ...readyCriteriaValues(input.criteria),
  ]);
}
