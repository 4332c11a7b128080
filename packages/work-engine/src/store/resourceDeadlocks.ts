import { formatId, type ResourceDeadlock } from '@neolith/contracts';
import type { PoolClient } from 'pg';
import { loadUses } from '../domain/resources/storeUses.js';
import { type Connection, run } from './sql.js';

/** One of those that waited in a circle, as it is stored. */
export interface DeadlockPart {
  taskId: string;
  attemptId: string;
  /** As stored: `exclusive NAME`. */
  uses: string[];
  since: string;
  gaveWay: boolean;
}

const KEPT = 100;
const SHOWN = 20;

const KEEP = {
  name: 'keep_deadlock',
  text: 'INSERT INTO resource_deadlocks (workspace_id, at, cycle) VALUES ($1, $2, $3::jsonb)',
};
const TRIM = {
  name: 'trim_deadlocks',
  text: `
    DELETE FROM resource_deadlocks WHERE workspace_id = $1
      AND seq <= (SELECT seq FROM resource_deadlocks WHERE workspace_id = $1 ORDER BY seq DESC OFFSET $2 LIMIT 1)`,
};

/** Keeps a deadlock that was broken, and forgets all but the last hundred. The workspace's resources are locked. */
export async function keepDeadlock(
  client: PoolClient,
  deadlock: { workspaceId: string; at: Date; cycle: readonly DeadlockPart[] },
): Promise<void> {
  await run(client, KEEP, [deadlock.workspaceId, deadlock.at, JSON.stringify(deadlock.cycle)]);
  await run(client, TRIM, [deadlock.workspaceId, KEPT]);
}

const READ = {
  name: 'read_deadlocks',
  text: `
    SELECT d.at, d.cycle, (SELECT jsonb_object_agg(t.id, t.title) FROM tasks t
                           WHERE t.id IN (SELECT (p ->> 'taskId')::uuid FROM jsonb_array_elements(d.cycle) p)) AS titles
    FROM resource_deadlocks d WHERE d.workspace_id = $1 ORDER BY d.seq DESC LIMIT $2`,
};

/** The last deadlocks of a workspace that were broken, the latest first. */
export async function readDeadlocks(
  connection: Connection,
  workspaceId: string,
): Promise<ResourceDeadlock[]> {
  const rows = await run<{ at: Date; cycle: DeadlockPart[]; titles: Record<string, string> | null }>(
    connection,
    READ,
    [workspaceId, SHOWN],
  );
  return rows.map(({ at, cycle, titles }) => ({
    at,
    cycle: cycle.map(({ taskId, attemptId, uses, since, gaveWay }) => ({
      taskId: formatId('task', taskId),
      // Of a run that was deleted nothing is left.
      title: titles?.[taskId] ?? null,
      attemptId: formatId('attempt', attemptId),
      askedFor: loadUses(uses),
      since: new Date(since),
      gaveWay,
    })),
  }));
}
