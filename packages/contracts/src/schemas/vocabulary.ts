import { z } from 'zod';

/** In falling order of weight. */
export const TASK_PRIORITIES = ['CRITICAL', 'HIGH', 'MEDIUM', 'LOW'] as const;
export const taskPrioritySchema = z.enum(TASK_PRIORITIES).meta({ id: 'TaskPriority' });
export type TaskPriority = z.infer<typeof taskPrioritySchema>;

export const TASK_STATUSES = [
  'BLOCKED',
  'TODO',
  'IN_PROGRESS',
  'MERGING',
  'DONE',
  'FAILED',
  'CANCELLED',
] as const;
export const taskStatusSchema = z.enum(TASK_STATUSES).meta({ id: 'TaskStatus' });
export type TaskStatus = z.infer<typeof taskStatusSchema>;

export const FINAL_STATUSES = ['DONE', 'FAILED', 'CANCELLED'] as const;
export type FinalStatus = (typeof FINAL_STATUSES)[number];

export const ORCHESTRATOR_STATUSES = ['ONLINE', 'BUSY', 'AWAY', 'OFFLINE'] as const;
export const orchestratorStatusSchema = z.enum(ORCHESTRATOR_STATUSES).meta({ id: 'OrchestratorStatus' });
export type OrchestratorStatus = z.infer<typeof orchestratorStatusSchema>;

export const RUN_STATUSES = [
  'PENDING',
  'RUNNING',
  'PAUSED',
  'QUARANTINED',
  'SUCCEEDED',
  'FAILED',
  'CANCELLED',
] as const;
export const runStatusSchema = z.enum(RUN_STATUSES).meta({ id: 'RunStatus' });
export type RunStatus = z.infer<typeof runStatusSchema>;

/** What becomes of a task when one that it depends on fails or is cancelled. */
export const PREREQUISITE_POLICIES = ['block', 'cancel', 'release'] as const;
export const prerequisitePolicySchema = z.enum(PREREQUISITE_POLICIES).meta({ id: 'PrerequisitePolicy' });
export type PrerequisitePolicy = z.infer<typeof prerequisitePolicySchema>;

export const ATTEMPT_STATUSES = [
  'RUNNING',
  'SUCCEEDED',
  'FAILED',
  'TIMED_OUT',
  'BLOCKED',
  'CANCELLED',
  'LOST',
] as const;
export const attemptStatusSchema = z.enum(ATTEMPT_STATUSES).meta({ id: 'AttemptStatus' });
export type AttemptStatus = z.infer<typeof attemptStatusSchema>;

/** Whose fault a failure is: the work's, the agent's, the provider's behind it, or the ground they stand on. */
export const FAILURE_CLASSES = ['task', 'agent', 'provider', 'infrastructure'] as const;
export const failureClassSchema = z.enum(FAILURE_CLASSES).meta({ id: 'FailureClass' });
export type FailureClass = z.infer<typeof failureClassSchema>;

/** Why a task is BLOCKED: prerequisites that are not done, or an obstacle that somebody reported. */
export const BLOCK_REASONS = ['DEPENDENCIES', 'REPORTED'] as const;
export type BlockReason = (typeof BLOCK_REASONS)[number];

export const DAEMON_STATES = ['ACTIVE', 'DRAINING', 'STOPPED'] as const;
export const daemonStateSchema = z.enum(DAEMON_STATES).meta({ id: 'DaemonState' });
export type DaemonState = z.infer<typeof daemonStateSchema>;

/** Why a selection or claim gave nothing. */
export const NOTHING_REASONS = ['ORCHESTRATOR_NOT_AVAILABLE', 'AT_CAPACITY', 'NOTHING_ELIGIBLE'] as const;
export const nothingReasonSchema = z.enum(NOTHING_REASONS).meta({ id: 'NothingReason' });
export type NothingReason = z.infer<typeof nothingReasonSchema>;

export const TOKEN_SCOPES = ['read', 'write', 'work', 'metrics', 'admin'] as const;
/** `read` sees, `write` changes backlogs, `work` claims and settles, `metrics` scrapes, `admin` gives out tokens; admin implies all. */
export const tokenScopeSchema = z.enum(TOKEN_SCOPES).meta({ id: 'TokenScope' });
export type TokenScope = z.infer<typeof tokenScopeSchema>;

/** What each scope is good for: whoever may change or do work may also see it, who scrapes sees figures only, and `admin` may do everything. */
const SCOPE_ALLOWS: Readonly<Record<TokenScope, readonly TokenScope[]>> = {
  read: ['read'],
  write: ['read', 'write'],
  work: ['read', 'work'],
  metrics: ['metrics'],
  admin: TOKEN_SCOPES,
};

/** Whether somebody who has these scopes may do what needs that one. */
export function allowsScope(scopes: readonly TokenScope[], needed: TokenScope): boolean {
  return scopes.some((scope) => SCOPE_ALLOWS[scope].includes(needed));
}
