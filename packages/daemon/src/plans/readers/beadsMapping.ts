import type { PlanPriority, PlanTaskStatus } from '@neolith/contracts';

/** Beads priorities 0 to 4; 0 is the most urgent. */
export const beadsPriorities: readonly PlanPriority[] = ['CRITICAL', 'HIGH', 'MEDIUM', 'LOW', 'LOW'];

interface BeadsStatus {
  readonly status: PlanTaskStatus | 'deleted';
  /** True when we have no such status and the mapping is worth a notice. */
  readonly isNoted: boolean;
}

/** What is in hand with some agent of the other system counts as open: nobody works on it here. */
export const beadsStatuses: ReadonlyMap<string, BeadsStatus> = new Map([
  ['open', { status: 'open', isNoted: false }],
  ['closed', { status: 'done', isNoted: false }],
  ['in_progress', { status: 'open', isNoted: true }],
  ['hooked', { status: 'open', isNoted: true }],
  ['blocked', { status: 'open', isNoted: true }],
  ['deferred', { status: 'open', isNoted: true }],
  ['pinned', { status: 'open', isNoted: true }],
  ['tombstone', { status: 'deleted', isNoted: false }],
]);

/** Edge types that say nothing about the order of work. */
export const beadsLinkTypes: ReadonlySet<string> = new Set([
  'discovered-from',
  'tracks',
  'related',
  'relates-to',
  'replies-to',
  'duplicates',
  'supersedes',
  'caused-by',
  'authored-by',
  'assigned-to',
  'approved-by',
  'attests',
  'validates',
  'delegated-from',
]);

/** Fields that become fields of the task; all others are kept in its metadata. */
export const beadsTaskFields: ReadonlySet<string> = new Set([
  'id',
  'title',
  'description',
  'priority',
  'status',
  'labels',
  'dependencies',
  'parent',
  'created_at',
  'due_at',
  'estimated_minutes',
  'acceptance_criteria',
]);
