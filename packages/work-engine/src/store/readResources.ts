import type { HoldRow, WaitRow } from '../domain/resources/resourceRows.js';
import type { Connection } from './sql.js';
import { run } from './sql.js';

const HOLDS = {
  name: 'resource_holds',
  text: `SELECT h.attempt_id, h.task_id, t.title, h.use, h.since FROM resource_holds h JOIN tasks t ON t.id = h.task_id
         WHERE h.workspace_id = $1 ORDER BY h.since, h.attempt_id, h.use`,
};
const WAITS = {
  name: 'resource_waits',
  text: `
    SELECT w.task_id, w.attempt_id, t.title, w.uses, w.since, coalesce(w.binds_until > $2, w.attempt_id IS NOT NULL) AS binds,
           w.refused_at IS NOT NULL AS refused, t.claimed_at,
           s.priority_weights[array_position(enum_range(NULL::task_priority), t.priority)]
             * deadline_boost(coalesce(t.due_at, 'infinity'), $2, end_of_local_day($2, coalesce(o.time_zone, 'UTC')), s.deadline_boosts) AS score
    FROM resource_waits w JOIN tasks t ON t.id = w.task_id JOIN workspaces s ON s.id = w.workspace_id
    LEFT JOIN orchestrators o ON o.id = t.orchestrator_id
    WHERE w.workspace_id = $1 ORDER BY w.since, w.task_id`,
};

/** What is held and waited for in a workspace, in the order of time. */
export async function readResources(
  connection: Connection,
  workspaceId: string,
  now: Date,
): Promise<{ holds: HoldRow[]; waits: WaitRow[] }> {
  return {
    holds: await run<HoldRow>(connection, HOLDS, [workspaceId]),
    waits: await run<WaitRow>(connection, WAITS, [workspaceId, now]),
  };
}
