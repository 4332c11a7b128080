import type { Pool } from 'pg';
import type {
  AttemptStatus,
  BreakerStatus,
  FailureClass,
  OrchestratorStatus,
  RunStatus,
  TaskPriority,
  TaskStatus,
} from '../../src/index.js';

/** The rows of one workspace as they are, ids bare, times in milliseconds: read with SQL of our own. */
export interface Facts {
  orchestrators: OrchestratorFact[];
  runs: RunFact[];
  waves: { run: string; wave: number; total: number; live: number; blocked: number }[];
  tasks: TaskFact[];
  edges: { dependent: string; prerequisite: string; released: boolean }[];
  places: {
    task: string;
    place: 'ready' | 'delayed' | 'blocked' | 'outcome';
    unmet: number;
    reported: boolean;
  }[];
  leases: LeaseFact[];
  merges: { task: string; run: string; attempt: string; ready: number; granted: number | null }[];
  holds: { attempt: string; task: string; use: string }[];
  waits: WaitFact[];
  attempts: AttemptFact[];
  breakers: BreakerFact[];
  requests: string[];
}
export interface OrchestratorFact {
  id: string;
  status: OrchestratorStatus;
  max: number;
  zone: string;
}
export interface RunFact {
  id: string;
  status: RunStatus;
  strict: boolean;
  wave: number;
  opens: number | null;
  max: number;
  merges: number;
  agents: number | null;
  stage: boolean;
  counts: Record<TaskStatus, number>;
}
export interface TaskFact {
  id: string;
  orchestrator: string | null;
  run: string | null;
  status: TaskStatus;
  priority: TaskPriority;
  due: number | null;
  created: number;
  available: number | null;
  max: number;
  attempts: number;
  own: number;
  provider: number;
  infrastructure: number;
  lost: number;
  merge: number;
  wave: number | null;
  tags: string[];
  resources: string[] | null;
  reported: boolean;
}
export interface LeaseFact {
  task: string;
  attempt: string;
  orchestrator: string;
  run: string | null;
  number: number;
  expires: number | null;
  merging: boolean;
  cancelling: boolean;
}
export interface WaitFact {
  task: string;
  attempt: string | null;
  uses: string[];
  since: number;
  binds: number | null;
  refused: boolean;
}
export interface AttemptFact {
  id: string;
  task: string;
  number: number;
  status: AttemptStatus;
  class: FailureClass | null;
}
export interface BreakerFact {
  agent: string;
  provider: string;
  status: BreakerStatus;
  forced: BreakerStatus | null;
  until: number | null;
  probe: string | null;
  changed: number;
}
export interface EventFact {
  xid: string;
  seq: string;
  type: string;
  task: string | null;
  run: string | null;
  attempt: string | null;
  from: string | null;
  to: string | null;
  at: number;
  data: Record<string, unknown> | null;
}

const ms = (column: string) =>
  `CASE WHEN isfinite(${column}) THEN round(extract(epoch FROM ${column}) * 1000)::bigint END`;
const rows = (name: string, select: string) =>
  `(SELECT coalesce(json_agg(x), '[]') FROM (${select}) x) AS ${name}`;
const OURS = `IN (SELECT id FROM tasks WHERE workspace_id = $1)`;

const FACTS = {
  name: 'simulation_facts',
  text: `SELECT ${[
    rows(
      'orchestrators',
      `SELECT id, status, max_concurrent_tasks AS max, time_zone AS zone FROM orchestrators WHERE workspace_id = $1 ORDER BY id`,
    ),
    rows(
      'runs',
      `SELECT id, status, waves = 'strict' AS strict, current_wave AS wave, ${ms('wave_opens_at')} AS opens, max_concurrent_tasks AS max,
         max_concurrent_merges AS merges, max_agents_per_wave AS agents, merge_stage AS stage,
         json_build_object('BLOCKED', blocked, 'TODO', todo, 'IN_PROGRESS', in_progress, 'MERGING', merging, 'DONE', done, 'FAILED', failed, 'CANCELLED', cancelled) AS counts
       FROM runs WHERE workspace_id = $1 ORDER BY id`,
    ),
    rows(
      'waves',
      `SELECT w.run_id AS run, w.wave, w.total, w.live, w.blocked FROM run_waves w JOIN runs r ON r.id = w.run_id WHERE r.workspace_id = $1 ORDER BY 1, 2`,
    ),
    rows(
      'tasks',
      `SELECT id, orchestrator_id AS orchestrator, run_id AS run, status, priority, ${ms('due_at')} AS due, ${ms('created_at')} AS created,
         ${ms('available_at')} AS available, max_attempts AS max, attempt_count AS attempts, failure_count AS own, provider_failure_count AS provider,
         infrastructure_failure_count AS infrastructure, lost_count AS lost, merge_failure_count AS merge, wave, tags, resources,
         blocked_reason IS NOT NULL AS reported
       FROM tasks WHERE workspace_id = $1 ORDER BY id`,
    ),
    rows(
      'edges',
      `SELECT dependent_id AS dependent, prerequisite_id AS prerequisite, released FROM task_dependencies WHERE dependent_id ${OURS} ORDER BY 1, 2`,
    ),
    rows(
      'places',
      `SELECT task_id AS task, 'ready' AS place, 0 AS unmet, false AS reported FROM ready_tasks WHERE task_id ${OURS}
       UNION ALL SELECT task_id, 'delayed', 0, false FROM delayed_tasks WHERE task_id ${OURS}
       UNION ALL SELECT task_id, 'blocked', unmet, reported FROM blocked_tasks WHERE task_id ${OURS}
       UNION ALL SELECT task_id, 'outcome', 0, false FROM task_outcomes WHERE task_id ${OURS} ORDER BY 1, 2`,
    ),
    rows(
      'leases',
      `SELECT task_id AS task, attempt_id AS attempt, orchestrator_id AS orchestrator, run_id AS run, number, ${ms('expires_at')} AS expires, merging,
         cancel_requested_at IS NOT NULL AS cancelling FROM leases WHERE workspace_id = $1 ORDER BY attempt_id`,
    ),
    rows(
      'merges',
      `SELECT task_id AS task, run_id AS run, attempt_id AS attempt, ${ms('ready_at')} AS ready, ${ms('granted_at')} AS granted
       FROM merges WHERE task_id ${OURS} ORDER BY ready_at, task_id`,
    ),
    rows(
      'holds',
      `SELECT attempt_id AS attempt, task_id AS task, use FROM resource_holds WHERE workspace_id = $1 ORDER BY 1, 3`,
    ),
    rows(
      'waits',
      `SELECT task_id AS task, attempt_id AS attempt, uses, ${ms('since')} AS since, ${ms('binds_until')} AS binds, refused_at IS NOT NULL AS refused
       FROM resource_waits WHERE workspace_id = $1 ORDER BY since, task_id`,
    ),
    rows(
      'attempts',
      `SELECT id, task_id AS task, number, status, failure_class AS class FROM attempts WHERE task_id ${OURS} ORDER BY id`,
    ),
    rows(
      'breakers',
      `SELECT agent, provider, status, forced, ${ms('open_until')} AS until, probe_attempt_id AS probe, ${ms('changed_at')} AS changed
       FROM breakers WHERE workspace_id = $1 ORDER BY 1, 2`,
    ),
    `(SELECT coalesce(json_agg(q.request_id ORDER BY q.request_id), '[]') FROM claim_requests q JOIN orchestrators o ON o.id = q.orchestrator_id
       WHERE o.workspace_id = $1) AS requests`,
    rows(
      'events',
      `SELECT e.xid::text, e.seq::text, e.type, e.task_id AS task, e.run_id AS run, e.attempt_id AS attempt, e."from", e."to",
         (extract(epoch FROM e.at) * 1000)::float8 AS at, e.data
       FROM events e WHERE e.workspace_id = $1 AND (e.xid, e.seq) > ($2::bigint, $3::bigint) ORDER BY e.xid, e.seq`,
    ),
  ].join(',\n')}`,
};

/** The rows, and the events after one in the order in which they were written: one client alone writes them. */
export async function readFacts(
  pool: Pool,
  workspaceId: string,
  after: { xid: string; seq: string },
): Promise<{ facts: Facts; events: EventFact[] }> {
  const answer = await pool.query<Facts & { events: EventFact[] }>({
    ...FACTS,
    values: [workspaceId, after.xid, after.seq],
  });
  const { events, ...facts } = answer.rows[0] as Facts & { events: EventFact[] };
  return { facts, events };
}

export const isLive = (status: TaskStatus): boolean => status === 'IN_PROGRESS' || status === 'MERGING';
export const isFinal = (status: TaskStatus): boolean =>
  status === 'DONE' || status === 'FAILED' || status === 'CANCELLED';
