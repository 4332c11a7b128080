import { type Connection, run } from './sql.js';

/** Of all orchestrators together so many attempts are looked at, in equal shares, though at least `SHARE_MIN` of each. */
const ATTEMPTS_MAX = 10_000;
const SHARE_MAX = 500;
const SHARE_MIN = 20;
/** What an attempt still counts after each later one at the same type of task. */
const KEPT = 0.98;

export const AGENT_FIGURES = {
  name: 'agent_figures',
  // Counted from the attempts, along their index, when somebody asks: nothing is kept up, so nothing can drift and no ending
  // costs more. What a provider or a machine did wrong says nothing of the agent; nor does work that was taken over.
  text: `
    WITH told AS MATERIALIZED (
      SELECT coalesce(a.metrics ->> 'agent', a.agent) AS agent, a.metrics -> 'route' ->> 'taskType' AS task_type, a.status = 'SUCCEEDED' AS good,
             CASE WHEN jsonb_typeof(a.metrics -> 'duration') = 'number' THEN (a.metrics ->> 'duration')::float8 END AS duration,
             CASE WHEN jsonb_typeof(a.metrics -> 'usage' -> 'costUsd') = 'number' THEN (a.metrics -> 'usage' ->> 'costUsd')::float8 END AS cost,
             a.ended_at, a.id
      FROM orchestrators o CROSS JOIN LATERAL (
        SELECT * FROM attempts t WHERE t.orchestrator_id = o.id AND t.ended_at > engine_now($2) - $3 * interval '1 day'
        ORDER BY t.ended_at DESC, t.id DESC
        LIMIT (SELECT least(${SHARE_MAX}, greatest(${SHARE_MIN}, ${ATTEMPTS_MAX} / greatest(1, count(*)))) FROM orchestrators s WHERE s.workspace_id = $1)
      ) a
      WHERE o.workspace_id = $1
        AND (a.status = 'SUCCEEDED' OR a.status IN ('FAILED', 'TIMED_OUT') AND coalesce(a.failure_class, 'task') IN ('task', 'agent'))
        AND coalesce(a.metrics -> 'reusedFrom', a.metrics -> 'mergedBefore', 'null') = 'null'
    ), weighed AS (
      SELECT t.*, power(${KEPT}::float8, row_number() OVER (PARTITION BY t.task_type ORDER BY t.ended_at DESC, t.id DESC) - 1) AS weight
      FROM told t WHERE t.agent IS NOT NULL
    )
    SELECT w.agent, w.task_type, count(*)::int AS attempts, count(*) FILTER (WHERE w.good)::int AS successes,
           coalesce(sum(w.weight) FILTER (WHERE w.good), 0) AS recent_successes, coalesce(sum(w.weight) FILTER (WHERE NOT w.good), 0) AS recent_failures,
           sum(w.weight * w.duration) / nullif(sum(w.weight) FILTER (WHERE w.duration IS NOT NULL), 0) AS average_duration,
           sum(w.weight * w.cost) / nullif(sum(w.weight) FILTER (WHERE w.cost IS NOT NULL), 0) AS average_cost,
           max(w.ended_at) AS last_ended_at
    FROM weighed w GROUP BY w.agent, w.task_type ORDER BY w.task_type NULLS LAST, w.agent`,
};

export interface AgentFigureRow {
  agent: string;
  task_type: string | null;
  attempts: number;
  successes: number;
  recent_successes: number;
  recent_failures: number;
  average_duration: number | null;
  average_cost: number | null;
  last_ended_at: Date;
}

/** What the attempts of a workspace that ended within so many days say of agents, by type of task and agent. */
export async function readAgentFigureRows(
  connection: Connection,
  input: { workspaceId: string; now: Date | null; days: number },
): Promise<AgentFigureRow[]> {
  return run<AgentFigureRow>(connection, AGENT_FIGURES, [input.workspaceId, input.now, input.days]);
}
