import type { ForeignStatus } from '../foreignStatus.js';

/** Statuses of task-master; what is in hand over there counts as open: nobody works on it here. */
export const taskMasterStatuses: ReadonlyMap<string, ForeignStatus> = new Map([
  ['pending', { status: 'open', isNoted: false }],
  ['done', { status: 'done', isNoted: false }],
  ['completed', { status: 'done', isNoted: false }],
  ['cancelled', { status: 'cancelled', isNoted: false }],
  ['in-progress', { status: 'open', isNoted: true }],
  ['review', { status: 'open', isNoted: true }],
  ['deferred', { status: 'open', isNoted: true }],
  ['blocked', { status: 'open', isNoted: true }],
]);

/** Fields that become fields of the task; all others are kept in its metadata. */
export const taskMasterTaskFields: ReadonlySet<string> = new Set([
  'id',
  'title',
  'description',
  'details',
  'testStrategy',
  'status',
  'priority',
  'dependencies',
  'subtasks',
]);
