import type { EventType } from '@neolith/contracts';
import type { Tone } from './statusLook';

/** How each type of event is told in a timeline. The keys are also the names a stream may send. */
export const EVENT_LOOK: Record<EventType, { label: string; tone: Tone }> = {
  'task.created': { label: 'Created', tone: 'neutral' },
  'task.updated': { label: 'Changed', tone: 'neutral' },
  'task.claimed': { label: 'Claimed', tone: 'running' },
  'task.progress': { label: 'Progress', tone: 'running' },
  'task.completed': { label: 'Completed', tone: 'good' },
  'task.failed': { label: 'Failed', tone: 'bad' },
  'task.blocked': { label: 'Blocked', tone: 'warn' },
  'task.unblocked': { label: 'Unblocked', tone: 'good' },
  'task.lease_lost': { label: 'Lease lost', tone: 'warn' },
  'task.released': { label: 'Given back', tone: 'neutral' },
  'task.cancel_requested': { label: 'Cancel requested', tone: 'warn' },
  'task.cancelled': { label: 'Cancelled', tone: 'neutral' },
  'task.retried': { label: 'Retried', tone: 'neutral' },
  'task.reopened': { label: 'Reopened', tone: 'neutral' },
  'task.repaired': { label: 'Repaired', tone: 'warn' },
  'dependency.added': { label: 'Dependency added', tone: 'neutral' },
  'dependency.removed': { label: 'Dependency removed', tone: 'neutral' },
  'orchestrator.created': { label: 'Orchestrator created', tone: 'neutral' },
  'orchestrator.updated': { label: 'Orchestrator changed', tone: 'neutral' },
  'daemon.registered': { label: 'Daemon registered', tone: 'good' },
  'daemon.stopped': { label: 'Daemon stopped', tone: 'warn' },
};
