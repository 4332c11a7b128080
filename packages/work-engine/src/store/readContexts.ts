import type { AttemptStatus, FailureClass, Json, TaskPriority, TaskStatus } from '@neolith/contracts';
import type { TaskRow } from './rows.js';
import { type Connection, run } from './sql.js';

/** A task's row with the facts around it; the lists come as JSON, dates in them as text. */
export interface ContextRow extends TaskRow {
  orchestrator_name: string | null;
  orchestrator_role: string;
  orchestrator_discipline: string;
  orchestrator_capabilities: string[];
  orchestrator_daemon_endpoint: string | null;
  user_config: Json;
  workspace_slug: string;
  workspace_name: string;
  channel_name: string | null;
  channel_purpose: string | null;
  dependencies: {
    id: string;
    title: string;
    status: TaskStatus;
    finished_at: string | null;
    has_result: boolean;
    output: Json | null;
    artifacts: { type: string; content: string }[] | null;
    error: string | null;
  }[];
  related: {
    id: string;
    title: string;
    status: TaskStatus;
    priority: TaskPriority;
    relation: number;
    shared: string[];
  }[];
  previous: {
    number: number;
    status: AttemptStatus;
    error: string | null;
    agent: string | null;
    failureClass: FailureClass | null;
  }[];
}

/**
 * Tasks with everything their context needs, in one round trip. Related tasks are looked for among the parent, the
 * children, the siblings, and the 200 tasks of the orchestrator that were created nearest before and after: bounded,
 * whatever the size of the backlog.
 */
const STATEMENT = {
  name: 'read_contexts',
  text: `
    SELECT t.*, o.name AS orchestrator_name, o.role AS orchestrator_role, o.discipline AS orchestrator_discipline,
           o.capabilities AS orchestrator_capabilities, o.daemon_endpoint AS orchestrator_daemon_endpoint,
           u.config AS user_config, w.slug AS workspace_slug, w.name AS workspace_name,
           c.name AS channel_name, c.purpose AS channel_purpose,
           prerequisites.list AS dependencies, related.list AS related, previous.list AS previous
    -- The tasks first: a planner that thinks of few would rather walk through the workspace's.
    FROM (SELECT * FROM tasks WHERE id = ANY ($1) OFFSET 0) t
    JOIN workspaces w ON w.id = t.workspace_id
    LEFT JOIN orchestrators o ON o.id = t.orchestrator_id
    LEFT JOIN users u ON u.id = o.user_id
    LEFT JOIN channels c ON c.id = t.channel_id
    CROSS JOIN LATERAL (
      SELECT coalesce(jsonb_agg(jsonb_build_object('id', p.id, 'title', p.title, 'status', p.status, 'finished_at', p.finished_at,
               'has_result', a.id IS NOT NULL, 'output', a.output, 'artifacts', a.artifacts, 'error', a.error) ORDER BY p.id), '[]') AS list
      FROM task_dependencies d
      JOIN tasks p ON p.id = d.prerequisite_id
      LEFT JOIN task_outcomes x ON x.task_id = p.id
      LEFT JOIN attempts a ON a.id = x.attempt_id
      WHERE d.dependent_id = t.id
    ) prerequisites
    CROSS JOIN LATERAL (
      SELECT coalesce(jsonb_agg(jsonb_build_object('id', r.id, 'title', r.title, 'status', r.status, 'priority', r.priority,
               'relation', r.relation, 'shared', r.shared) ORDER BY r.relation, cardinality(r.shared) DESC, r.distance, r.id), '[]') AS list
      FROM (
        SELECT DISTINCT ON (n.id) n.id, n.title, n.status, n.priority, n.relation,
               ARRAY(SELECT unnest(n.tags) INTERSECT SELECT unnest(t.tags) ORDER BY 1) AS shared,
               abs(extract(epoch FROM n.created_at - t.created_at)) AS distance
        FROM (
          (SELECT p.id, p.title, p.status, p.priority, p.tags, p.created_at, 1 AS relation FROM tasks p WHERE p.id = t.parent_id)
          UNION ALL
          -- First the children, then their order: a planner that knows nothing would walk along all ids for ten of them.
          (SELECT k.id, k.title, k.status, k.priority, k.tags, k.created_at, 2 FROM (
             SELECT * FROM tasks z WHERE z.parent_id = t.id OFFSET 0) k ORDER BY k.id LIMIT 10)
          UNION ALL
          (SELECT s.id, s.title, s.status, s.priority, s.tags, s.created_at, 3 FROM tasks s
           WHERE s.parent_id = t.parent_id AND s.id <> t.id ORDER BY abs(extract(epoch FROM s.created_at - t.created_at)), s.id LIMIT 10)
          UNION ALL
          (SELECT b.id, b.title, b.status, b.priority, b.tags, b.created_at, 4 FROM (
             SELECT * FROM tasks z WHERE t.tags <> '{}' AND z.orchestrator_id = t.orchestrator_id
               AND (z.created_at, z.id) < (t.created_at, t.id) ORDER BY z.created_at DESC, z.id DESC LIMIT 200) b WHERE b.tags && t.tags)
          UNION ALL
          (SELECT f.id, f.title, f.status, f.priority, f.tags, f.created_at, 4 FROM (
             SELECT * FROM tasks z WHERE t.tags <> '{}' AND z.orchestrator_id = t.orchestrator_id
               AND (z.created_at, z.id) > (t.created_at, t.id) ORDER BY z.created_at, z.id LIMIT 200) f WHERE f.tags && t.tags)
        ) n
        ORDER BY n.id, n.relation
      ) r
    ) related
    CROSS JOIN LATERAL (
      SELECT coalesce(jsonb_agg(jsonb_build_object('number', e.number, 'status', e.status, 'error', e.error, 'agent', e.agent, 'failureClass', e.failure_class) ORDER BY e.number DESC), '[]') AS list
      FROM (SELECT number, status, error, coalesce(metrics ->> 'agent', agent) AS agent, failure_class FROM attempts WHERE task_id = t.id ORDER BY number DESC LIMIT 5) e
    ) previous
    WHERE $2::uuid IS NULL OR t.workspace_id = $2`,
};

export async function readContexts(
  connection: Connection,
  taskIds: readonly string[],
  workspaceId: string | null,
): Promise<ContextRow[]> {
  return taskIds.length === 0 ? [] : run<ContextRow>(connection, STATEMENT, [taskIds, workspaceId]);
}
