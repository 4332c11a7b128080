import type { PoolClient } from 'pg';
import { run } from './sql.js';

const LOCK_GRAPH = {
  name: 'lock_graph',
  // Edits of one workspace's graph happen one after another: two of them can't make a cycle together.
  text: `
    SELECT t.workspace_id, pg_advisory_xact_lock(hashtextextended(t.workspace_id::text, 7345))
    FROM tasks t WHERE t.id = $1 AND ($2::uuid IS NULL OR t.workspace_id = $2)`,
};

/** Takes the graph of the task's workspace for this transaction; null: no such task. */
export async function lockGraph(
  client: PoolClient,
  taskId: string,
  workspaceId: string | null,
): Promise<string | null> {
  const rows = await run<{ workspace_id: string }>(client, LOCK_GRAPH, [taskId, workspaceId]);
  return rows[0]?.workspace_id ?? null;
}

const LOCK_SOURCE = {
  name: 'lock_plan_source',
  // The graph's lock first: every edit of the graph takes it, and an import makes many.
  text: `SELECT pg_advisory_xact_lock(hashtextextended($1::text, 7345)), pg_advisory_xact_lock(hashtextextended($1::text || $2, 7346))`,
};

/** Takes the graph of a workspace and a source of plans for this transaction. */
export async function lockPlanSource(client: PoolClient, workspaceId: string, source: string): Promise<void> {
  await run(client, LOCK_SOURCE, [workspaceId, source]);
}

const ANCESTORS = {
  name: 'read_ancestors',
  text: `
    WITH RECURSIVE above AS (
      SELECT $1::uuid AS id
      UNION
      SELECT d.prerequisite_id FROM above a JOIN task_dependencies d ON d.dependent_id = a.id
    )
    SELECT d.dependent_id, d.prerequisite_id FROM above a JOIN task_dependencies d ON d.dependent_id = a.id`,
};

/** Everything a task depends on, directly or not, as edges: task → its prerequisites. */
export async function readAncestors(client: PoolClient, taskId: string): Promise<Map<string, string[]>> {
  const edges = await run<{ dependent_id: string; prerequisite_id: string }>(client, ANCESTORS, [taskId]);
  const prerequisitesOf = new Map<string, string[]>();
  for (const edge of edges) {
    const list = prerequisitesOf.get(edge.dependent_id);
    if (list === undefined) prerequisitesOf.set(edge.dependent_id, [edge.prerequisite_id]);
    else list.push(edge.prerequisite_id);
  }
  return prerequisitesOf;
}

const FIND = {
  name: 'find_edge',
  text: 'SELECT 1 AS found FROM task_dependencies WHERE dependent_id = $1 AND prerequisite_id = $2',
};
const INSERT = {
  name: 'insert_edge',
  text: 'INSERT INTO task_dependencies (dependent_id, prerequisite_id) VALUES ($1, $2)',
};
const DELETE = {
  name: 'delete_edge',
  text: 'DELETE FROM task_dependencies WHERE dependent_id = $1 AND prerequisite_id = $2 RETURNING released',
};

/** Whether a task depends on another directly. Holds while the graph is locked. */
export async function findEdge(
  client: PoolClient,
  dependent: string,
  prerequisite: string,
): Promise<boolean> {
  return (await run(client, FIND, [dependent, prerequisite])).length > 0;
}

export async function insertEdge(client: PoolClient, dependent: string, prerequisite: string): Promise<void> {
  await run(client, INSERT, [dependent, prerequisite]);
}

/** Whether it still held; null: there was no such edge. */
export async function deleteEdge(
  client: PoolClient,
  dependent: string,
  prerequisite: string,
): Promise<boolean | null> {
  const [gone] = await run<{ released: boolean }>(client, DELETE, [dependent, prerequisite]);
  return gone === undefined ? null : !gone.released;
}
