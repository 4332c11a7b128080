import {
  type Backoff,
  DEFAULT_BACKOFF,
  type Json,
  NeolithError,
  type RunConfig,
  type RunStatus,
} from '@neolith/contracts';
import type { PoolClient } from 'pg';
import type { RunRow } from './runRows.js';
import { run } from './sql.js';

const CONFIG_COLUMNS = `max_concurrent_tasks, max_concurrent_merges, waves, wave_delay_seconds, max_agents_per_wave, merge_stage,
  failure_policy, threshold_consecutive, threshold_rate, threshold_min_attempts, on_prerequisite_failure, timeout_seconds, backoff`;

function configValues(config: RunConfig): unknown[] {
  return [
    config.maxConcurrentTasks,
    config.maxConcurrentMerges,
    config.waves,
    config.waveDelaySeconds,
    config.maxAgentsPerWave,
    config.mergeStage,
    config.failurePolicy,
    config.failureThreshold.consecutive,
    config.failureThreshold.rate,
    config.failureThreshold.minAttempts,
    config.onPrerequisiteFailure,
    config.timeoutSeconds,
    isDefault(config.backoff) ? null : JSON.stringify(config.backoff),
  ];
}

/** A run that says nothing of its own goes with the defaults, whatever they become. */
function isDefault(backoff: Backoff): boolean {
  const { baseSeconds, factor, capSeconds } = DEFAULT_BACKOFF;
  return (
    backoff.baseSeconds === baseSeconds && backoff.factor === factor && backoff.capSeconds === capSeconds
  );
}

const INSERT = {
  name: 'insert_run',
  text: `
    INSERT INTO runs (id, workspace_id, orchestrator_id, name, description, source, due_at, metadata, created_at, updated_at, ${CONFIG_COLUMNS})
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8::jsonb, $9, $9, $10, $11, $12::wave_mode, $13, $14, $15, $16::failure_policy, $17, $18, $19,
            $20::prerequisite_policy, $21, $22::jsonb)
    RETURNING *`,
};

export interface NewRunRow {
  id: string;
  workspaceId: string;
  orchestratorId: string | null;
  name: string;
  description: string;
  source: string | null;
  dueAt: Date | null;
  metadata: Record<string, Json>;
  config: RunConfig;
  now: Date;
}

/** Inserts a run, PENDING and without tasks. Errors: RUN_SOURCE_TAKEN. */
export async function insertRun(client: PoolClient, row: NewRunRow): Promise<RunRow> {
  try {
    const rows = await run<RunRow>(client, INSERT, [
      row.id,
      row.workspaceId,
      row.orchestratorId,
      row.name,
      row.description,
      row.source,
      row.dueAt,
      JSON.stringify(row.metadata),
      row.now,
      ...configValues(row.config),
    ]);
    return rows[0] as RunRow;
  } catch (error) {
    if (
      !(
        error instanceof Error &&
        'constraint' in error &&
        error.constraint === 'runs_workspace_id_source_key'
      )
    )
      throw error;
    throw new NeolithError(
      'RUN_SOURCE_TAKEN',
      `There is a run of the source "${row.source}" already; import the plan to bring it up to date, or give another source`,
      { cause: error, details: { source: row.source } },
    );
  }
}

const MOVE = {
  name: 'move_run',
  text: `
    UPDATE runs SET
      status = $2::run_status,
      updated_at = $3,
      reason = $4,
      started_at = CASE WHEN $2::run_status = 'PENDING' THEN NULL WHEN status = 'PENDING' OR status = 'FAILED' THEN $3 ELSE started_at END,
      finished_at = CASE WHEN $2::run_status IN ('SUCCEEDED', 'FAILED', 'CANCELLED') THEN $3::timestamptz END,
      failures_in_row = CASE WHEN $5 THEN 0 ELSE failures_in_row END,
      attempts_ended = CASE WHEN $5 THEN 0 ELSE attempts_ended END,
      attempts_failed = CASE WHEN $5 THEN 0 ELSE attempts_failed END,
      current_wave = CASE WHEN $2::run_status = 'PENDING' THEN 0 ELSE current_wave END,
      wave_opens_at = CASE WHEN $2::run_status = 'PENDING' THEN NULL ELSE wave_opens_at END
    WHERE id = $1 RETURNING *`,
};

/** Moves a locked run, and tells it. `fresh`: its failures are counted anew. */
export async function moveRun(
  client: PoolClient,
  row: RunRow,
  move: {
    to: RunStatus;
    event: string;
    actor: string;
    now: Date;
    reason?: string | null;
    fresh?: boolean;
    data?: Record<string, Json>;
  },
): Promise<RunRow> {
  const [moved] = await run<RunRow>(client, MOVE, [
    row.id,
    move.to,
    move.now,
    move.reason ?? null,
    move.fresh ?? false,
  ]);
  await tellRun(client, row.id, { ...move, from: row.status });
  return moved as RunRow;
}

const TELL = { name: 'tell_run', text: 'SELECT tell_run($1, $2, $3, $4, $5, $6::jsonb, $7)' };

/** Appends one event about a run. */
export async function tellRun(
  client: PoolClient,
  runId: string,
  told: { event: string; actor: string; now: Date; from?: string; to?: string; data?: Record<string, Json> },
): Promise<void> {
  await run(client, TELL, [
    runId,
    told.event,
    told.actor,
    told.from ?? null,
    told.to ?? null,
    told.data === undefined ? null : JSON.stringify(told.data),
    told.now,
  ]);
}

const PATCH = {
  name: 'patch_run',
  text: `
    UPDATE runs SET name = $2, description = $3, due_at = $4, updated_at = $5, orchestrator_id = $19, metadata = $20::jsonb,
      (${CONFIG_COLUMNS}) = ROW ($6, $7, $8::wave_mode, $9, $10, $11, $12::failure_policy, $13, $14, $15, $16::prerequisite_policy, $17, $18::jsonb)
    WHERE id = $1 RETURNING *`,
};

export async function patchRun(
  client: PoolClient,
  row: RunRow,
  patch: {
    name: string;
    description: string;
    dueAt: Date | null;
    config: RunConfig;
    orchestratorId: string | null;
    metadata: Record<string, Json>;
    now: Date;
  },
): Promise<RunRow> {
  const rows = await run<RunRow>(client, PATCH, [
    row.id,
    patch.name,
    patch.description,
    patch.dueAt,
    patch.now,
    ...configValues(patch.config),
    patch.orchestratorId,
    JSON.stringify(patch.metadata),
  ]);
  return rows[0] as RunRow;
}

const REQUEUE = { name: 'requeue_run', text: 'SELECT requeue_run($1, $2)' };

/** Puts the waiting tasks of a locked run where its waves have them now. */
export async function requeueRun(client: PoolClient, runId: string, now: Date): Promise<void> {
  await run(client, REQUEUE, [runId, now]);
}

const STOP_TASKS = { name: 'stop_run_tasks', text: 'SELECT stop_run_tasks($1, $2, $3, $4)' };

/** Cancels what waits in a locked run, and asks its live attempts to end. */
export async function stopRunTasks(
  client: PoolClient,
  input: { runId: string; reason: string; actor: string; now: Date },
): Promise<void> {
  await run(client, STOP_TASKS, [input.runId, input.reason, input.actor, input.now]);
}

const COUNT_LEASES = {
  name: 'count_run_leases',
  text: 'SELECT count(*)::int AS live FROM leases WHERE run_id = $1',
};

/** How many attempts of a locked run are live. */
export async function countRunLeases(client: PoolClient, runId: string): Promise<number> {
  const [row] = await run<{ live: number }>(client, COUNT_LEASES, [runId]);
  return (row as { live: number }).live;
}

const COUNT_ENDING = {
  name: 'count_ending_leases',
  text: 'SELECT count(*)::int AS ending FROM leases WHERE run_id = $1 AND cancel_requested_at IS NOT NULL',
};

/** How many attempts of a locked run were asked to end and have not. */
export async function countEndingLeases(client: PoolClient, runId: string): Promise<number> {
  const [row] = await run<{ ending: number }>(client, COUNT_ENDING, [runId]);
  return (row as { ending: number }).ending;
}

const IN_PROCESS = {
  name: 'run_leases_in_process',
  text: 'SELECT task_id, attempt_id FROM leases WHERE run_id = $1 AND expires_at IS NULL AND cancel_requested_at IS NOT NULL ORDER BY task_id',
};

/** Attempts that were asked to end and have no daemon that would confirm it. */
export async function readLeasesInProcess(
  client: PoolClient,
  runId: string,
): Promise<{ task_id: string; attempt_id: string }[]> {
  return run(client, IN_PROCESS, [runId]);
}

const LOCK_TASKS = {
  name: 'run_lock_tasks',
  text: 'SELECT 1 FROM tasks WHERE run_id = $1 ORDER BY id FOR UPDATE',
};
const OUTSIDE_DEPENDENTS = {
  name: 'run_outside_dependents',
  text: `
    SELECT d.dependent_id AS id FROM tasks t JOIN task_dependencies d ON d.prerequisite_id = t.id JOIN tasks o ON o.id = d.dependent_id
    WHERE t.run_id = $1 AND o.run_id IS DISTINCT FROM $1 AND o.status <> 'DONE' ORDER BY 1 LIMIT 5`,
};

/**
 * Tasks outside of a run that wait for tasks of it; the first five. Locks the run's tasks: an edge to one of them that is
 * being made is seen here, or finds its prerequisite gone.
 */
export async function findOutsideDependents(client: PoolClient, runId: string): Promise<string[]> {
  await run(client, LOCK_TASKS, [runId]);
  return (await run<{ id: string }>(client, OUTSIDE_DEPENDENTS, [runId])).map((row) => row.id);
}

const DELETE = { name: 'delete_run', text: 'SELECT delete_run($1)' };

/** Removes a locked run that has no live attempt, and its tasks with all but their history. */
export async function deleteRunRows(client: PoolClient, runId: string): Promise<void> {
  await run(client, DELETE, [runId]);
}

const RESET_TASKS = { name: 'reset_run_tasks', text: 'SELECT reset_run_tasks($1, $2, $3, $4) AS amount' };

const RESET_PART = {
  name: 'reset_part_of_run',
  text: 'SELECT * FROM reset_part_of_run($1, $2, $3, $4)',
};

/** Makes a task of a locked run afresh with whatever depends on it there. With a code: why not, and which task is in the way. */
export async function resetPartOfRun(
  client: PoolClient,
  input: { runId: string; taskId: string; actor: string; now: Date },
): Promise<{ code: null | 'TASK_HAS_ATTEMPT' | 'DEPENDENT_STARTED'; id: string }> {
  const rows = await run<{ code: null | 'TASK_HAS_ATTEMPT' | 'DEPENDENT_STARTED'; id: string }>(
    client,
    RESET_PART,
    [input.runId, input.taskId, input.actor, input.now],
  );
  return rows[0] as { code: null | 'TASK_HAS_ATTEMPT' | 'DEPENDENT_STARTED'; id: string };
}

/**
 * Makes tasks of a locked run afresh: back to TODO or BLOCKED as their edges say, budgets and reports gone. All that are not
 * DONE, or only the failed and what was cancelled with them. Returns how many.
 */
export async function resetRunTasks(
  client: PoolClient,
  input: { runId: string; which: 'unfinished' | 'failed'; actor: string; now: Date },
): Promise<number> {
  const [row] = await run<{ amount: number }>(client, RESET_TASKS, [
    input.runId,
    input.which,
    input.actor,
    input.now,
  ]);
  return (row as { amount: number }).amount;
}
