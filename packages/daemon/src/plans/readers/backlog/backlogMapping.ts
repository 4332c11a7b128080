import type { ForeignStatus } from '../foreignStatus.js';

/** Statuses of Backlog.md in small letters. They can be configured there; these are the usual ones. */
export const backlogStatuses: ReadonlyMap<string, ForeignStatus> = new Map([
  ['to do', { status: 'open', isNoted: false }],
  ['todo', { status: 'open', isNoted: false }],
  ['open', { status: 'open', isNoted: false }],
  ['done', { status: 'done', isNoted: false }],
  ['complete', { status: 'done', isNoted: false }],
  ['completed', { status: 'done', isNoted: false }],
  ['closed', { status: 'done', isNoted: false }],
  ['cancelled', { status: 'cancelled', isNoted: false }],
  ['canceled', { status: 'cancelled', isNoted: false }],
  ["won't do", { status: 'cancelled', isNoted: true }],
  ['duplicate', { status: 'cancelled', isNoted: true }],
  ['in progress', { status: 'open', isNoted: true }],
  ['review', { status: 'open', isNoted: true }],
  ['in review', { status: 'open', isNoted: true }],
  ['testing', { status: 'open', isNoted: true }],
  ['blocked', { status: 'open', isNoted: true }],
  ['backlog', { status: 'open', isNoted: true }],
  ['draft', { status: 'open', isNoted: true }],
]);

/** Front matter that becomes fields of the task; everything else is kept in its metadata. */
export const backlogTaskFields: ReadonlySet<string> = new Set([
  'id',
  'title',
  'status',
  'priority',
  'labels',
  'dependencies',
  'parent_task_id',
  'parent',
  'created_date',
  'due_date',
  'milestone',
]);
