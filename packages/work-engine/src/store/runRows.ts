import {
  type BackoffSettings,
  formatId,
  type Json,
  mergeBackoff,
  type PrerequisitePolicy,
  type Run,
  type RunConfig,
  type RunStatus,
} from '@neolith/contracts';

/** A row of `runs` as the driver gives it. */
export interface RunRow {
  id: string;
  workspace_id: string;
  orchestrator_id: string | null;
  created_at: Date;
  updated_at: Date;
  started_at: Date | null;
  finished_at: Date | null;
  due_at: Date | null;
  wave_opens_at: Date | null;
  status: RunStatus;
  waves: RunConfig['waves'];
  failure_policy: RunConfig['failurePolicy'];
  on_prerequisite_failure: PrerequisitePolicy;
  merge_stage: boolean;
  max_concurrent_tasks: number;
  max_concurrent_merges: number;
  wave_delay_seconds: number;
  max_agents_per_wave: number | null;
  timeout_seconds: number | null;
  /** Null: the default. */
  backoff: BackoffSettings | null;
  threshold_consecutive: number;
  threshold_rate: number;
  threshold_min_attempts: number;
  current_wave: number;
  blocked: number;
  todo: number;
  in_progress: number;
  merging: number;
  done: number;
  failed: number;
  cancelled: number;
  failures_in_row: number;
  attempts_ended: number;
  attempts_failed: number;
  name: string;
  reason: string | null;
  source: string | null;
  description: string;
  metadata: Record<string, Json>;
}

export function toRun(row: RunRow): Run {
  return {
    id: formatId('run', row.id),
    workspaceId: formatId('workspace', row.workspace_id),
    orchestratorId: row.orchestrator_id === null ? null : formatId('orchestrator', row.orchestrator_id),
    name: row.name,
    description: row.description,
    source: row.source,
    status: row.status,
    reason: row.reason,
    config: toRunConfig(row),
    counts: {
      total: row.blocked + row.todo + row.in_progress + row.merging + row.done + row.failed + row.cancelled,
      blocked: row.blocked,
      todo: row.todo,
      inProgress: row.in_progress,
      merging: row.merging,
      done: row.done,
      failed: row.failed,
      cancelled: row.cancelled,
    },
    currentWave: row.waves === 'strict' ? row.current_wave : null,
    waveOpensAt: row.waves === 'strict' ? row.wave_opens_at : null,
    failuresInRow: row.failures_in_row,
    attemptsEnded: row.attempts_ended,
    attemptsFailed: row.attempts_failed,
    dueAt: row.due_at,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    startedAt: row.started_at,
    finishedAt: row.finished_at,
    metadata: row.metadata,
  };
}

export function toRunConfig(row: RunRow): RunConfig {
  return {
    maxConcurrentTasks: row.max_concurrent_tasks,
    maxConcurrentMerges: row.max_concurrent_merges,
    waves: row.waves,
    waveDelaySeconds: row.wave_delay_seconds,
    maxAgentsPerWave: row.max_agents_per_wave,
    mergeStage: row.merge_stage,
    failurePolicy: row.failure_policy,
    failureThreshold: {
      consecutive: row.threshold_consecutive,
      rate: row.threshold_rate,
      minAttempts: row.threshold_min_attempts,
    },
    onPrerequisiteFailure: row.on_prerequisite_failure,
    backoff: mergeBackoff(row.backoff),
    timeoutSeconds: row.timeout_seconds,
  };
}
