import {
  type Attempt,
  type AttemptStatus,
  type BackoffSettings,
  type FailureClass,
  formatId,
  type IdKind,
  type Json,
  type Orchestrator,
  type Route,
  routeOfMetrics,
  type Task,
  type TaskPriority,
  type TaskReference,
  type TaskStatus,
  usageOfMetrics,
} from '@neolith/contracts';

import { loadUses } from '../domain/resources/storeUses.js';

/** A row of `tasks` as the driver gives it. */
export interface TaskRow {
  id: string;
  workspace_id: string;
  orchestrator_id: string | null;
  channel_id: string | null;
  parent_id: string | null;
  run_id: string | null;
  wave: number | null;
  source: string | null;
  source_id: string | null;
  created_at: Date;
  updated_at: Date;
  due_at: Date | null;
  available_at: Date | null;
  claimed_at: Date | null;
  finished_at: Date | null;
  priority: TaskPriority;
  status: TaskStatus;
  progress: number;
  max_attempts: number;
  /** A claim doesn't bring it. */
  backoff?: BackoffSettings | null;
  timeout_seconds: number | null;
  estimate_minutes: number | null;
  attempt_count: number;
  failure_count: number;
  lost_count: number;
  merge_failure_count: number;
  tags: string[];
  /** As stored: `exclusive NAME`; null: none. */
  resources: string[] | null;
  title: string;
  progress_message: string | null;
  blocked_reason: string | null;
  blocked_question: string | null;
  answer: string | null;
  description: string;
  acceptance_criteria: string[];
  metadata: Record<string, Json>;
}

function idOrNull(kind: IdKind, uuid: string | null): string | null {
  return uuid === null ? null : formatId(kind, uuid);
}

export function toTask(row: TaskRow): Task {
  return {
    id: formatId('task', row.id),
    workspaceId: formatId('workspace', row.workspace_id),
    orchestratorId: idOrNull('orchestrator', row.orchestrator_id),
    channelId: idOrNull('channel', row.channel_id),
    parentId: idOrNull('task', row.parent_id),
    runId: idOrNull('run', row.run_id),
    wave: row.wave,
    title: row.title,
    description: row.description,
    acceptanceCriteria: row.acceptance_criteria,
    priority: row.priority,
    status: row.status,
    tags: row.tags,
    resources: loadUses(row.resources),
    dueAt: row.due_at,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    availableAt: row.available_at,
    claimedAt: row.claimed_at,
    finishedAt: row.finished_at,
    progress: row.progress,
    progressMessage: row.progress_message,
    blockedReason: row.blocked_reason,
    blockedQuestion: row.blocked_question,
    answer: row.answer,
    maxAttempts: row.max_attempts,
    ...(row.backoff === undefined ? {} : { backoff: row.backoff }),
    attemptCount: row.attempt_count,
    failureCount: row.failure_count,
    lostCount: row.lost_count,
    mergeFailureCount: row.merge_failure_count,
    timeoutSeconds: row.timeout_seconds,
    estimateMinutes: row.estimate_minutes,
    metadata: row.metadata,
    source: row.source,
    sourceId: row.source_id,
  };
}

export interface TaskReferenceRow {
  id: string;
  title: string;
  status: TaskStatus;
  priority: TaskPriority;
}

export function toTaskReference(row: TaskReferenceRow): TaskReference {
  return { id: formatId('task', row.id), title: row.title, status: row.status, priority: row.priority };
}

/** A live attempt (a lease) or an ended one, in one shape. */
export interface AttemptRow {
  id: string;
  task_id: string;
  orchestrator_id: string;
  daemon_id: string | null;
  number: number;
  agent: string | null;
  status: AttemptStatus;
  claimed_at: Date;
  ended_at: Date | null;
  expires_at: Date | null;
  cancel_requested_at: Date | null;
  failure_class: FailureClass | null;
  error: string | null;
  metrics: Json | null;
}

/** With the route that was stored for it, or else the one that it told at its end. */
export function toAttempt(row: AttemptRow, stored?: Route): Attempt {
  const route = stored ?? routeOfMetrics(row.metrics);
  return {
    id: formatId('attempt', row.id),
    taskId: formatId('task', row.task_id),
    orchestratorId: formatId('orchestrator', row.orchestrator_id),
    daemonId: idOrNull('daemon', row.daemon_id),
    number: row.number,
    agent: row.agent,
    status: row.status,
    claimedAt: row.claimed_at,
    endedAt: row.ended_at,
    leaseExpiresAt: row.expires_at,
    cancelRequestedAt: row.cancel_requested_at,
    failureClass: row.failure_class,
    error: row.error,
    metrics: row.metrics,
    usage: usageOfMetrics(row.metrics),
    ...(route === null ? {} : { route }),
  };
}

/** Both halves of the attempts of a task or orchestrator: the columns of AttemptRow. */
export const LIVE_ATTEMPT_COLUMNS = `attempt_id AS id, task_id, orchestrator_id, daemon_id, number, agent, 'RUNNING'::attempt_status AS status,
  claimed_at, NULL::timestamptz AS ended_at, expires_at, cancel_requested_at, NULL::failure_class AS failure_class, NULL::text AS error, NULL::jsonb AS metrics`;
export const ENDED_ATTEMPT_COLUMNS = `id, task_id, orchestrator_id, daemon_id, number, agent, status,
  claimed_at, ended_at, NULL::timestamptz AS expires_at, NULL::timestamptz AS cancel_requested_at, failure_class, error, metrics`;

export interface OrchestratorRow {
  id: string;
  workspaceId: string;
  userId: string;
  name: string;
  role: string;
  discipline: string;
  capabilities: string[];
  status: Orchestrator['status'];
  daemonEndpoint: string | null;
  maxConcurrentTasks: number;
  timeZone: string;
  createdAt: Date;
  updatedAt: Date;
}

export function toOrchestrator(row: OrchestratorRow): Orchestrator {
  return {
    id: formatId('orchestrator', row.id),
    workspaceId: formatId('workspace', row.workspaceId),
    userId: formatId('user', row.userId),
    name: row.name,
    role: row.role,
    discipline: row.discipline,
    capabilities: row.capabilities,
    status: row.status,
    daemonEndpoint: row.daemonEndpoint,
    maxConcurrentTasks: row.maxConcurrentTasks,
    timeZone: row.timeZone,
    createdAt: row.createdAt,
    updatedAt: row.updatedAt,
  };
}
