import type { OrchestratorStatus, RunStatus, TaskPriority, TaskStatus } from '@neolith/contracts';
import type { EventRow } from './readEventRows.js';
import type { AttemptRow, TaskRow } from './rows.js';
import { LIVE_ATTEMPT_COLUMNS } from './rows.js';
import type { RunRow } from './runRows.js';
import { type Connection, run } from './sql.js';

const FIND = {
  name: 'find_run',
  text: 'SELECT * FROM runs WHERE id = $1 AND ($2::uuid IS NULL OR workspace_id = $2)',
};

export async function findRun(
  connection: Connection,
  runId: string,
  workspaceId: string | null,
): Promise<RunRow | null> {
  return (await run<RunRow>(connection, FIND, [runId, workspaceId]))[0] ?? null;
}

const FIND_BY_SOURCE = {
  name: 'find_run_by_source',
  text: 'SELECT * FROM runs WHERE workspace_id = $1 AND source = $2 FOR NO KEY UPDATE',
};

/** The run of a source, locked. */
export async function lockRunBySource(
  connection: Connection,
  workspaceId: string,
  source: string,
): Promise<RunRow | null> {
  return (await run<RunRow>(connection, FIND_BY_SOURCE, [workspaceId, source]))[0] ?? null;
}

const LIST = {
  name: 'list_runs',
  text: `
    SELECT * FROM runs
    WHERE ($1::uuid IS NULL OR workspace_id = $1) AND ($2::run_status IS NULL OR status = $2)
      AND ($3::text IS NULL OR source = $3) AND ($4::uuid IS NULL OR id < $4)
    ORDER BY id DESC LIMIT $5`,
};

export async function listRunRows(
  connection: Connection,
  input: {
    workspaceId: string | null;
    status: RunStatus | null;
    source: string | null;
    before: string | null;
    limit: number;
  },
): Promise<RunRow[]> {
  return run<RunRow>(connection, LIST, [
    input.workspaceId,
    input.status,
    input.source,
    input.before,
    input.limit,
  ]);
}

/** What the graph of a run needs of a task; never its texts. */
export interface RunTaskRow {
  id: string;
  title: string;
  source_id: string | null;
  parent_id: string | null;
  orchestrator_id: string | null;
  status: TaskStatus;
  priority: TaskPriority;
  wave: number;
  progress: number;
  estimate_minutes: number | null;
  due_at: Date | null;
  claimed_at: Date | null;
  finished_at: Date | null;
  available_at: Date | null;
  blocked_reason: string | null;
  tags: string[];
}

const TASKS = {
  name: 'run_tasks',
  text: `
    SELECT id, title, source_id, parent_id, orchestrator_id, status, priority, wave, progress, estimate_minutes, due_at, claimed_at,
           finished_at, available_at, blocked_reason, tags
    FROM tasks WHERE run_id = $1 ORDER BY id`,
};

/** The tasks of a run, oldest first. */
export async function readRunTasks(connection: Connection, runId: string): Promise<RunTaskRow[]> {
  return run<RunTaskRow>(connection, TASKS, [runId]);
}

const WHOLE_TASKS = {
  name: 'run_whole_tasks',
  text: 'SELECT * FROM tasks WHERE run_id = $1 ORDER BY id',
};

/** The tasks of a run with everything, oldest first. */
export async function readWholeRunTasks(connection: Connection, runId: string): Promise<TaskRow[]> {
  return run<TaskRow>(connection, WHOLE_TASKS, [runId]);
}

export interface RunEdgeRow {
  dependent_id: string;
  prerequisite_id: string;
  released: boolean;
  /** Of a prerequisite outside of the run; null inside. */
  outside: TaskStatus | null;
}

const EDGES = {
  name: 'run_edges',
  text: `
    SELECT d.dependent_id, d.prerequisite_id, d.released, CASE WHEN p.run_id IS DISTINCT FROM $1 THEN p.status END AS outside
    FROM tasks t JOIN task_dependencies d ON d.dependent_id = t.id JOIN tasks p ON p.id = d.prerequisite_id
    WHERE t.run_id = $1 ORDER BY 1, 2`,
};

/** What the tasks of a run depend on, inside and outside of it. */
export async function readRunEdges(connection: Connection, runId: string): Promise<RunEdgeRow[]> {
  return run<RunEdgeRow>(connection, EDGES, [runId]);
}

const LEASES = {
  name: 'run_leases',
  text: `SELECT ${LIVE_ATTEMPT_COLUMNS} FROM leases WHERE run_id = $1 ORDER BY task_id`,
};

export async function readRunLeases(connection: Connection, runId: string): Promise<AttemptRow[]> {
  return run<AttemptRow>(connection, LEASES, [runId]);
}

export interface MergeRow {
  task_id: string;
  attempt_id: string;
  ready_at: Date;
  granted_at: Date | null;
}

const MERGES = {
  name: 'run_merges',
  text: 'SELECT task_id, attempt_id, ready_at, granted_at FROM merges WHERE run_id = $1 ORDER BY ready_at, task_id',
};

/** The merge queue of a run, in its order. */
export async function readRunMerges(connection: Connection, runId: string): Promise<MergeRow[]> {
  return run<MergeRow>(connection, MERGES, [runId]);
}

export interface RunOrchestratorRow {
  name: string;
  status: OrchestratorStatus;
  /** Task slots that are free; zero or less: none. */
  room: number;
  /** TODO tasks of the run that are its to do. */
  todo: number;
}

const ORCHESTRATORS = {
  name: 'run_orchestrators',
  text: `
    SELECT o.name, o.status, w.todo, o.max_concurrent_tasks - (SELECT slots_in_use(o.id, m) FROM usable_mark(o.id) m) AS room
    FROM (SELECT t.orchestrator_id AS id, count(*)::int AS todo FROM tasks t WHERE t.run_id = $1 AND t.status = 'TODO' GROUP BY 1) w
    JOIN orchestrators o ON o.id = w.id ORDER BY o.name, o.id`,
};

/** The orchestrators that a run's TODO tasks wait for. */
export async function readRunOrchestrators(
  connection: Connection,
  runId: string,
): Promise<RunOrchestratorRow[]> {
  return run<RunOrchestratorRow>(connection, ORCHESTRATORS, [runId]);
}

export interface WaveRow {
  wave: number;
  total: number;
  live: number;
  blocked: number;
}

const WAVES = {
  name: 'run_waves',
  text: 'SELECT wave, total, live, blocked FROM run_waves WHERE run_id = $1 ORDER BY wave',
};

export async function readRunWaves(connection: Connection, runId: string): Promise<WaveRow[]> {
  return run<WaveRow>(connection, WAVES, [runId]);
}

const EVENTS = {
  name: 'run_events',
  // As the stream is read: nothing can turn up later before what was shown.
  text: `
    SELECT * FROM events
    WHERE run_id = $1 AND (xid, seq) > ($2::bigint, $3::bigint) AND xid < pg_snapshot_xmin(pg_current_snapshot())::text::bigint
    ORDER BY xid, seq LIMIT $4`,
};

export async function readRunEventRows(
  connection: Connection,
  input: { runId: string; afterXid: string; afterSeq: string; limit: number },
): Promise<EventRow[]> {
  return run<EventRow>(connection, EVENTS, [input.runId, input.afterXid, input.afterSeq, input.limit]);
}

const NEXT = {
  name: 'run_next_tasks',
  // Every orchestrator's best, as far as it has room, and of all those the best, as far as the run has.
  text: `
    SELECT t.* FROM runs r
    CROSS JOIN LATERAL (SELECT DISTINCT k.orchestrator_id FROM tasks k WHERE k.run_id = r.id AND k.status = 'TODO' AND k.orchestrator_id IS NOT NULL) w
    JOIN orchestrators o ON o.id = w.orchestrator_id AND o.status IN ('ONLINE', 'BUSY')
    CROSS JOIN LATERAL (
      SELECT o.max_concurrent_tasks - slots_in_use(o.id, m) AS room, m AS mark FROM usable_mark(o.id) m
    ) c
    CROSS JOIN LATERAL ready_heads(o.id, least($2, c.room), engine_now($3), NULL, NULL, enum_range(NULL::task_priority), NULL, r.id, NULL, c.mark) h
    JOIN tasks t ON t.id = h.task_id
    WHERE r.id = $1 AND c.room > 0
    ORDER BY h.score DESC, h.due_at, h.created_at, h.task_id
    LIMIT greatest(least($2, (SELECT run_room(x) FROM runs x WHERE x.id = $1)), 0)`,
};

/** What of a run would be handed out now, best first. */
export async function readNextOfRun(
  connection: Connection,
  input: { runId: string; limit: number; now: Date | null },
): Promise<TaskRow[]> {
  return run<TaskRow>(connection, NEXT, [input.runId, input.limit, input.now]);
}

const READY = {
  name: 'run_ready_tasks',
  text: `
    SELECT t.* FROM runs r JOIN tasks t ON t.run_id = r.id JOIN workspaces w ON w.id = t.workspace_id LEFT JOIN orchestrators o ON o.id = t.orchestrator_id
    CROSS JOIN LATERAL (SELECT engine_now($2) AS now) n
    WHERE r.id = $1 AND t.status = 'TODO' AND coalesce(held_until(t.available_at, t.wave, r) <= n.now, true)
    ORDER BY w.priority_weights[array_position(enum_range(NULL::task_priority), t.priority)]
             * deadline_boost(coalesce(t.due_at, 'infinity'), n.now, end_of_local_day(n.now, coalesce(o.time_zone, 'UTC')), w.deadline_boosts) DESC,
             coalesce(t.due_at, 'infinity'), t.created_at, t.id`,
};

/** The tasks of a run that wait for nothing but a slot, best first. */
export async function readReadyOfRun(
  connection: Connection,
  runId: string,
  now: Date | null,
): Promise<TaskRow[]> {
  return run<TaskRow>(connection, READY, [runId, now]);
}

const DUE = {
  name: 'runs_to_review',
  text: `
    SELECT id FROM runs
    WHERE status = ANY (ARRAY['RUNNING'::run_status, 'PAUSED'::run_status]) AND ($1::uuid IS NULL OR workspace_id = $1)
      AND (todo + in_progress + merging = 0 OR waves = 'strict'
           OR started_at + timeout_seconds * interval '1 second' <= engine_now($2))
    ORDER BY id`,
};

/** Runs for which something may be due that no ending of theirs brought about: a time-out, an end elsewhere. */
export async function listRunsToReview(
  connection: Connection,
  workspaceId: string | null,
  now: Date | null,
): Promise<string[]> {
  return (await run<{ id: string }>(connection, DUE, [workspaceId, now])).map((row) => row.id);
}
