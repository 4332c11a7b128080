import {
  type BackoffSettings,
  type Json,
  NeolithError,
  type TaskPriority,
  type TaskStatus,
} from '@neolith/contracts';
import type { PoolClient } from 'pg';
import { copyTasks } from './copyTasks.js';
import type { TaskRow } from './rows.js';
import { run } from './sql.js';

/** From so many on, one table after another is filled by COPY; fewer go in one round trip. */
const COPIED_FROM = 500;

export interface NewTaskRow {
  id: string;
  orchestrator_id: string | null;
  channel_id: string | null;
  parent_id: string | null;
  run_id: string | null;
  wave: number | null;
  source: string | null;
  source_id: string | null;
  created_at: Date;
  due_at: Date | null;
  available_at: Date | null;
  priority: TaskPriority;
  status: TaskStatus;
  max_attempts: number;
  /** What it says itself; null: nothing. */
  backoff: BackoffSettings | null;
  timeout_seconds: number | null;
  estimate_minutes: number | null;
  tags: string[];
  resources: string[] | null;
  title: string;
  description: string;
  acceptance_criteria: string[];
  metadata: Record<string, Json>;
  unmet: number;
  prerequisites: string[];
}

const FIND_OWNERS = {
  name: 'find_owners',
  text: `
    SELECT 'orchestrator' AS kind, id, workspace_id FROM orchestrators WHERE id = ANY ($1) AND ($3::uuid IS NULL OR workspace_id = $3)
    UNION ALL
    SELECT 'channel', id, workspace_id FROM channels WHERE id = ANY ($2) AND ($3::uuid IS NULL OR workspace_id = $3)
    UNION ALL
    SELECT 'workspace', id, id FROM workspaces
    WHERE id = $3 OR $3 IS NULL AND (id IN (SELECT workspace_id FROM orchestrators WHERE id = ANY ($1)) OR (SELECT count(*) FROM workspaces) = 1)`,
};

interface OwnerRow {
  kind: 'orchestrator' | 'channel' | 'workspace';
  id: string;
  workspace_id: string;
}

/** The named orchestrators and channels that exist, and the workspaces that can be meant: the one asked for, those of the orchestrators, the only one. */
export async function findOwners(
  client: PoolClient,
  input: { orchestratorIds: readonly string[]; channelIds: readonly string[]; workspaceId: string | null },
): Promise<{ orchestrators: OwnerRow[]; channels: OwnerRow[]; workspaceIds: string[] }> {
  const rows = await run<OwnerRow>(client, FIND_OWNERS, [
    input.orchestratorIds,
    input.channelIds,
    input.workspaceId,
  ]);
  return {
    orchestrators: rows.filter((row) => row.kind === 'orchestrator'),
    channels: rows.filter((row) => row.kind === 'channel'),
    workspaceIds: rows.filter((row) => row.kind === 'workspace').map((row) => row.id),
  };
}

const INSERT = {
  name: 'insert_tasks',
  text: `
    WITH given AS MATERIALIZED (
      SELECT * FROM jsonb_to_recordset($1::jsonb) AS g(
        id uuid, orchestrator_id uuid, channel_id uuid, parent_id uuid, run_id uuid, wave int, source text, source_id text, created_at timestamptz,
        due_at timestamptz, available_at timestamptz, priority task_priority, status task_status, max_attempts int,
        timeout_seconds int, estimate_minutes int, tags text[], title text, description text, acceptance_criteria text[],
        metadata jsonb, unmet int, prerequisites uuid[], resources text[], backoff jsonb)
    ), made AS (
      INSERT INTO tasks (id, workspace_id, orchestrator_id, channel_id, parent_id, run_id, wave, source, source_id, created_at, updated_at, due_at,
                         available_at, finished_at, priority, status, progress, max_attempts, timeout_seconds, estimate_minutes, tags,
                         title, description, acceptance_criteria, metadata, resources, backoff)
      SELECT id, $2, orchestrator_id, channel_id, parent_id, run_id, wave, source, source_id, created_at, $3, due_at, available_at,
             CASE WHEN status IN ('DONE', 'CANCELLED') THEN $3::timestamptz END, priority, status,
             CASE WHEN status = 'DONE' THEN 100 ELSE 0 END, max_attempts, timeout_seconds, estimate_minutes, tags,
             title, description, acceptance_criteria, metadata, resources, backoff
      FROM given
    ), edges AS (
      INSERT INTO task_dependencies (dependent_id, prerequisite_id) SELECT g.id, p FROM given g CROSS JOIN LATERAL unnest(g.prerequisites) p
    ), waiting AS (
      INSERT INTO blocked_tasks (task_id, workspace_id, orchestrator_id, unmet, priority)
      SELECT id, $2, orchestrator_id, unmet, priority FROM given WHERE status = 'BLOCKED'
    ), finished AS (
      INSERT INTO task_outcomes (task_id, workspace_id, orchestrator_id, finished_at, due_at, attempts, status, priority)
      SELECT id, $2, NULL, $3, due_at, 0, status, priority FROM given WHERE status IN ('DONE', 'CANCELLED')
    )
    INSERT INTO events (workspace_id, task_id, orchestrator_id, run_id, at, type, actor, "to")
    SELECT $2, id, orchestrator_id, run_id, $3, 'task.created', $4, status::text FROM given ORDER BY id`,
};

const ENQUEUE = { name: 'enqueue_new', text: 'SELECT enqueue_tasks($1, $2)' };
/** So that a statement ends well within its time-out, however many tasks there are. */
const ENQUEUED_AT_ONCE = 10_000;

export interface NewTaskRows {
  rows: readonly NewTaskRow[];
  workspaceId: string;
  actor: string;
  now: Date;
}

/**
 * Inserts tasks with their edges, where they stand and their events; in the order given, which is that of their ids.
 * Errors: DUPLICATE_SOURCE_ID.
 */
export async function insertTasks(client: PoolClient, input: NewTaskRows): Promise<void> {
  const { rows, workspaceId, actor, now } = input;
  try {
    if (rows.length >= COPIED_FROM) await copyTasks(client, input);
    else await run(client, INSERT, [JSON.stringify(rows), workspaceId, now, actor]);
  } catch (error) {
    throw duplicateSource(error) ?? error;
  }
  const ready = rows.filter((row) => row.status === 'TODO').map((row) => row.id);
  for (let start = 0; start < ready.length; start += ENQUEUED_AT_ONCE)
    await run(client, ENQUEUE, [ready.slice(start, start + ENQUEUED_AT_ONCE), now]);
}

function duplicateSource(error: unknown): NeolithError | null {
  if (!(error instanceof Error) || !('constraint' in error)) return null;
  if (error.constraint !== 'tasks_workspace_id_source_source_id_key') return null;
  const detail = 'detail' in error ? String(error.detail) : '';
  return new NeolithError(
    'DUPLICATE_SOURCE_ID',
    `A task of this source has this source id already. ${detail}`.trim(),
    { cause: error },
  );
}

const READ = { name: 'read_new_tasks', text: 'SELECT * FROM tasks WHERE id = ANY ($1) ORDER BY id' };

/** Tasks as they are stored, in order of their ids. */
export async function readTaskRows(client: PoolClient, ids: readonly string[]): Promise<TaskRow[]> {
  return run<TaskRow>(client, READ, [ids]);
}
