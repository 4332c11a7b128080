import type { PoolClient } from 'pg';
import { run } from './sql.js';

const LOCK = {
  name: 'lock_source',
  // The second of the locks of an import of a plan: the two keep out of each other's way.
  text: 'SELECT pg_advisory_xact_lock(hashtextextended($1::text || $2, 7346))',
};

/** Takes a source of tasks for this transaction. */
export async function lockSource(client: PoolClient, workspaceId: string, source: string): Promise<void> {
  await run(client, LOCK, [workspaceId, source]);
}

const FIND = {
  name: 'find_source_ids',
  // OFFSET 0 keeps it to one probe a name, whatever the planner thinks of a table that is being filled.
  text: `
    SELECT t.id, t.source_id FROM unnest($3::text[]) AS n(name)
    CROSS JOIN LATERAL (SELECT id, source_id FROM tasks WHERE workspace_id = $1 AND source = $2 AND source_id = n.name OFFSET 0) t`,
};

/** The tasks of a source that are stored, of those named: source id → UUID. */
export async function findSourceIds(
  client: PoolClient,
  input: { workspaceId: string; source: string; named: readonly string[] },
): Promise<Map<string, string>> {
  const rows = await run<{ id: string; source_id: string }>(client, FIND, [
    input.workspaceId,
    input.source,
    input.named,
  ]);
  return new Map(rows.map((row) => [row.source_id, row.id]));
}
