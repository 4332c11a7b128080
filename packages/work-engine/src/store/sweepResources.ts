import { type Connection, run } from './sql.js';

const WORKSPACES = {
  name: 'resource_workspaces',
  // From each workspace to its rows, and of ready tasks to those of its orchestrators that ask for any.
  text: `
    SELECT w.id FROM workspaces w
    WHERE ($1::uuid IS NULL OR w.id = $1)
      AND (EXISTS (SELECT FROM resource_holds h WHERE h.workspace_id = w.id)
        OR EXISTS (SELECT FROM resource_waits r WHERE r.workspace_id = w.id))
    ORDER BY w.id`,
};

/** The workspaces in which something is held or waited for. Where nothing is held, nobody waits. */
export async function listResourceWorkspaces(
  connection: Connection,
  workspaceId: string | null,
): Promise<string[]> {
  return (await run<{ id: string }>(connection, WORKSPACES, [workspaceId])).map((row) => row.id);
}

const ORPHANS = {
  name: 'sweep_orphan_holds',
  text: `
    WITH gone AS (
      DELETE FROM resource_holds h WHERE h.workspace_id = $1 AND NOT EXISTS (SELECT FROM leases l WHERE l.attempt_id = h.attempt_id)
      RETURNING h.task_id, h.attempt_id, h.use
    )
    SELECT task_id, attempt_id, array_agg(use ORDER BY use) AS uses FROM gone GROUP BY task_id, attempt_id ORDER BY task_id`,
};

interface OrphanRow {
  task_id: string;
  attempt_id: string;
  uses: string[];
}

/** Takes away what attempts hold that are not live. The workspace's resources are locked. */
export async function removeOrphanHolds(connection: Connection, workspaceId: string): Promise<OrphanRow[]> {
  return run<OrphanRow>(connection, ORPHANS, [workspaceId]);
}

const ORPHAN_WAITS = {
  name: 'sweep_orphan_waits',
  text: `DELETE FROM resource_waits w WHERE w.workspace_id = $1 AND w.attempt_id IS NOT NULL
         AND NOT EXISTS (SELECT FROM leases l WHERE l.attempt_id = w.attempt_id)
         RETURNING w.task_id, w.attempt_id, w.uses`,
};

/** Takes away what attempts wait for that are not live. The workspace's resources are locked. */
export async function removeOrphanWaits(connection: Connection, workspaceId: string): Promise<OrphanRow[]> {
  return run<OrphanRow>(connection, ORPHAN_WAITS, [workspaceId]);
}

/** Of the tasks of one orchestrator. */
const NOTED_MAX = 500;

const NOTE_WAITING = {
  name: 'note_waiting_tasks',
  // Only what is held, and what attempts wait for, counts here: else two tasks could keep each other waiting.
  text: `
    WITH uses AS MATERIALIZED (
      SELECT array_agg('00000000-0000-0000-0000-000000000000'::uuid) AS owners, array_agg(u.use) AS uses FROM (
        SELECT h.use FROM resource_holds h WHERE h.workspace_id = $1
        UNION SELECT u.use FROM resource_waits w CROSS JOIN LATERAL unnest(w.uses) u(use)
        WHERE w.workspace_id = $1 AND w.attempt_id IS NOT NULL AND w.refused_at IS NULL) u
    ), passed AS MATERIALIZED (
      SELECT r.task_id, r.resources, u.uses IS NULL OR resources_free(r.task_id, r.resources, u.owners, u.uses) AS is_free,
             o.status IN ('ONLINE', 'BUSY') AND coalesce(n.status = 'RUNNING', true)
               AND (EXISTS (SELECT FROM leases l WHERE l.orchestrator_id = o.id)
                 OR EXISTS (SELECT FROM daemons d WHERE d.workspace_id = $1 AND d.last_seen_at > $2::timestamptz - interval '60 seconds' AND o.id = ANY (d.orchestrator_ids))) AS is_served
      FROM orchestrators o
      CROSS JOIN LATERAL (
        -- The oldest, as their ids go: there may be very many.
        SELECT f.task_id, f.resources, f.run_id FROM ready_tasks f
        WHERE f.orchestrator_id = o.id AND f.resources IS NOT NULL ORDER BY f.orchestrator_id, f.workspace_id, f.task_id LIMIT ${NOTED_MAX}) r
      LEFT JOIN runs n ON n.id = r.run_id CROSS JOIN uses u
      WHERE o.workspace_id = $1
    ), kept AS (
      UPDATE resource_waits w
         SET uses = p.resources, since = CASE WHEN w.uses = p.resources THEN w.since ELSE $2 END,
             binds_until = CASE WHEN w.uses = p.resources AND p.is_served AND w.since <= $2::timestamptz - $3::int * interval '1 second'
                                THEN $2::timestamptz + $4::int * interval '1 second' END
        FROM passed p WHERE w.task_id = p.task_id AND w.attempt_id IS NULL AND NOT p.is_free
    ), gone AS (
      -- What has become free still holds others back for as long as it was told, so that it comes to be claimed.
      DELETE FROM resource_waits w WHERE w.workspace_id = $1 AND w.attempt_id IS NULL
        AND NOT EXISTS (SELECT FROM passed p WHERE p.task_id = w.task_id AND (NOT p.is_free OR w.binds_until > $2))
    )
    INSERT INTO resource_waits (task_id, workspace_id, uses, since)
    SELECT p.task_id, $1, p.resources, $2 FROM passed p
    WHERE NOT p.is_free AND NOT EXISTS (SELECT FROM resource_waits w WHERE w.task_id = p.task_id)
    ON CONFLICT DO NOTHING`,
};

/**
 * Notes which tasks could begin but for resources, since when; those that have waited for longer than `patienceSeconds`, and
 * whose orchestrator somebody works for, hold others back for the next `bindSeconds`. The workspace's resources are locked.
 */
export async function noteWaitingTasks(
  connection: Connection,
  input: { workspaceId: string; now: Date; patienceSeconds: number; bindSeconds: number },
): Promise<void> {
  await run(connection, NOTE_WAITING, [
    input.workspaceId,
    input.now,
    input.patienceSeconds,
    input.bindSeconds,
  ]);
}
