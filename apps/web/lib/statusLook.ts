import type {
  AttemptStatus,
  BreakerStatus,
  OrchestratorStatus,
  RunStatus,
  TaskStatus,
} from '@neolith/contracts';

export type Tone = 'neutral' | 'running' | 'good' | 'warn' | 'bad';

interface Look {
  label: string;
  tone: Tone;
}

export const TASK_STATUS_LOOK: Record<TaskStatus, Look> = {
  BLOCKED: { label: 'Blocked', tone: 'warn' },
  TODO: { label: 'To do', tone: 'neutral' },
  IN_PROGRESS: { label: 'In progress', tone: 'running' },
  MERGING: { label: 'Merging', tone: 'running' },
  DONE: { label: 'Done', tone: 'good' },
  FAILED: { label: 'Failed', tone: 'bad' },
  CANCELLED: { label: 'Cancelled', tone: 'neutral' },
};

export const ATTEMPT_STATUS_LOOK: Record<AttemptStatus, Look> = {
  RUNNING: { label: 'Running', tone: 'running' },
  SUCCEEDED: { label: 'Succeeded', tone: 'good' },
  FAILED: { label: 'Failed', tone: 'bad' },
  TIMED_OUT: { label: 'Timed out', tone: 'bad' },
  BLOCKED: { label: 'Blocked', tone: 'warn' },
  CANCELLED: { label: 'Cancelled', tone: 'neutral' },
  LOST: { label: 'Lost', tone: 'warn' },
};

export const ORCHESTRATOR_STATUS_LOOK: Record<OrchestratorStatus, Look> = {
  ONLINE: { label: 'Online', tone: 'good' },
  BUSY: { label: 'Busy', tone: 'running' },
  AWAY: { label: 'Away', tone: 'warn' },
  OFFLINE: { label: 'Offline', tone: 'neutral' },
};

export const BREAKER_STATUS_LOOK: Record<BreakerStatus, Look> = {
  closed: { label: 'Closed', tone: 'good' },
  open: { label: 'Open', tone: 'bad' },
  half_open: { label: 'Half-open', tone: 'warn' },
};

export const RUN_STATUS_LOOK: Record<RunStatus, Look> = {
  PENDING: { label: 'Pending', tone: 'neutral' },
  RUNNING: { label: 'Running', tone: 'running' },
  PAUSED: { label: 'Paused', tone: 'warn' },
  QUARANTINED: { label: 'Quarantined', tone: 'warn' },
  SUCCEEDED: { label: 'Succeeded', tone: 'good' },
  FAILED: { label: 'Failed', tone: 'bad' },
  CANCELLED: { label: 'Cancelled', tone: 'neutral' },
};
