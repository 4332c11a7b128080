import type { TaskStatus } from '@neolith/contracts';

/**
 * Every legal change of a task's status, and the verb that makes it. The database repeats the states' own rules as
 * CHECK constraints. The picture of it is docs/concepts/task-lifecycle.md.
 */
const TRANSITIONS: Readonly<Record<TaskStatus, Readonly<Partial<Record<TaskStatus, string>>>>> = {
  BLOCKED: { TODO: 'the last reason is lifted', CANCELLED: 'cancelTask' },
  TODO: {
    IN_PROGRESS: 'claimNextTask or executeTask',
    BLOCKED: 'blockTask or addDependency',
    CANCELLED: 'cancelTask',
  },
  IN_PROGRESS: {
    DONE: 'completeTask',
    MERGING: 'completeTask in a run with a merge stage',
    TODO: 'completeTask with failed, or a lost lease',
    FAILED: 'completeTask with failed, or a lost lease',
    BLOCKED: 'completeTask with blocked',
    CANCELLED: 'cancelTask',
  },
  MERGING: {
    DONE: 'completeMerge',
    TODO: 'a conflict, or a lost lease',
    BLOCKED: 'a conflict again',
    FAILED: 'a lost lease',
    CANCELLED: 'cancelTask',
  },
  DONE: { TODO: 'reopenTask', BLOCKED: 'reopenTask' },
  FAILED: { TODO: 'retryTask', BLOCKED: 'retryTask' },
  CANCELLED: { TODO: 'retryTask', BLOCKED: 'retryTask' },
};

export interface TransitionVerdict {
  allowed: boolean;
  /** Only where it is not allowed: what is, and by which verb. */
  reason?: string;
}

/** Whether a task may go to a status. Pure; asks the state table alone, not prerequisites or leases. */
export function canTransitionToStatus(
  task: { id: string; status: TaskStatus },
  status: TaskStatus,
): TransitionVerdict {
  const ways = TRANSITIONS[task.status];
  if (ways[status] !== undefined) return { allowed: true };
  if (task.status === status) return { allowed: false, reason: `Task ${task.id} is ${status} already` };
  const open = Object.entries(ways).map(([to, verb]) => `${to} (${verb})`);
  return {
    allowed: false,
    reason: `Task ${task.id} is ${task.status} and can't become ${status}; it can become ${open.join(', ')}`,
  };
}

export const STATUS_TRANSITIONS: Readonly<Record<TaskStatus, readonly TaskStatus[]>> = Object.fromEntries(
  Object.entries(TRANSITIONS).map(([from, ways]) => [from, Object.keys(ways)]),
) as unknown as Record<TaskStatus, TaskStatus[]>;
