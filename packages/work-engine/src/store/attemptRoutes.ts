import { type Json, type Route, routeSchema } from '@neolith/contracts';
import type { Pool } from 'pg';
import { type Connection, run, runAlone } from './sql.js';

const RECORD = {
  name: 'record_route',
  // The lease's row first: an attempt that ends at this moment ends before or after it. Told again, nothing is new.
  text: `
    WITH held AS (
      UPDATE leases l SET agent = coalesce($3, l.agent)
       WHERE l.attempt_id = $1 AND ($2::uuid IS NULL OR l.workspace_id = $2) RETURNING l.*
    ), stored AS (
      INSERT INTO attempt_routes AS r (attempt_id, workspace_id, at, route)
      SELECT h.attempt_id, h.workspace_id, engine_now($6), $4::jsonb FROM held h
      ON CONFLICT (attempt_id) DO UPDATE SET route = excluded.route, at = excluded.at WHERE r.route <> excluded.route
      RETURNING r.attempt_id, r.at
    ), told AS (
      INSERT INTO events (workspace_id, task_id, attempt_id, orchestrator_id, daemon_id, run_id, at, type, actor, data)
      SELECT h.workspace_id, h.task_id, h.attempt_id, h.orchestrator_id, h.daemon_id, h.run_id, s.at, 'attempt.routed', $5, $7::jsonb
      FROM held h JOIN stored s ON s.attempt_id = h.attempt_id
    )
    SELECT count(*)::int AS held FROM held`,
};

/** Stores the route of a live attempt, with an event, and that its agent is at it. False: the attempt owns nothing. */
export async function writeRoute(
  pool: Pool,
  input: {
    attemptId: string;
    workspaceId: string | null;
    route: Route;
    actor: string;
    now: Date | null;
    /** For the event. */
    told: Record<string, Json>;
  },
): Promise<boolean> {
  const rows = await runAlone<{ held: number }>(pool, RECORD, [
    input.attemptId,
    input.workspaceId,
    input.route.agent,
    JSON.stringify(input.route),
    input.actor,
    input.now,
    JSON.stringify(input.told),
  ]);
  return rows[0]?.held === 1;
}

const FIND = {
  name: 'find_routes',
  text: 'SELECT attempt_id, route FROM attempt_routes WHERE attempt_id = ANY ($1::uuid[])',
};

/** The routes that were stored, by attempt; one that a later version wrote and we can't read is left out. */
export async function findRoutes(
  connection: Connection,
  attemptIds: readonly string[],
): Promise<Map<string, Route>> {
  if (attemptIds.length === 0) return new Map();
  const rows = await run<{ attempt_id: string; route: Json }>(connection, FIND, [attemptIds]);
  return new Map(
    rows.flatMap(({ attempt_id, route }) => {
      const read = routeSchema.safeParse(route);
      return read.success ? [[attempt_id, read.data] as const] : [];
    }),
  );
}
