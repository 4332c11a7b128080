import type { FailureClass, Settlement, TaskStatus } from '../../src/index.js';
import type { Facts } from './facts.js';
import type { Moment } from './rules.js';
import { changesOf, type Outcome } from './world.js';

export type Ending =
  | { result: 'completed' | 'blocked' | 'released' | 'cancelled' | 'merged' | 'merge_failed' }
  | { result: 'failed'; failureClass: FailureClass };

const OTHER_BUDGET = 3;
const MERGES_UNTIL_A_PERSON = 2;

/** What must become of the task of an attempt that ends so; null: the attempt owns nothing, or may not end so. */
function predict(before: Facts, attempt: string, ending: Ending): TaskStatus | null {
  const lease = before.leases.find((one) => one.attempt === attempt);
  const task = before.tasks.find(({ id }) => id === lease?.task);
  if (lease === undefined || task === undefined) return null;
  const run = before.runs.find(({ id }) => id === task.run);
  const gone = lease.cancelling || run?.status === 'CANCELLED';
  switch (ending.result) {
    case 'completed':
      if (lease.merging) return null;
      return run?.stage === true ? 'MERGING' : 'DONE';
    case 'merged':
    case 'merge_failed': {
      const granted = before.merges.some((merge) => merge.task === task.id && merge.granted !== null);
      if (!granted) return null;
      if (ending.result === 'merged') return 'DONE';
      return gone ? 'CANCELLED' : task.merge + 1 >= MERGES_UNTIL_A_PERSON ? 'BLOCKED' : 'TODO';
    }
    case 'cancelled':
      return lease.cancelling ? 'CANCELLED' : null;
    case 'blocked':
      return gone ? 'CANCELLED' : 'BLOCKED';
    case 'released':
      return gone ? 'CANCELLED' : 'TODO';
    case 'failed': {
      if (gone) return 'CANCELLED';
      const { failureClass } = ending;
      const own = failureClass === 'task' || failureClass === 'agent';
      const spent = own ? task.own + 1 >= task.max : task[failureClass] + 1 >= OTHER_BUDGET;
      return spent ? 'FAILED' : 'TODO';
    }
  }
}

/** Whether an ending had the effect that it must have: none at all, where the attempt doesn't own its task any more. */
export function judgeEnding(attempt: string, ending: Ending) {
  return (moment: Moment, outcome: Outcome): string[] => {
    const becomes = predict(moment.before, attempt, ending);
    const held = moment.before.leases.find((one) => one.attempt === attempt);
    if (becomes === null) {
      if (!outcome.ok) return [];
      return [
        ...((outcome.answer as Settlement).replayed
          ? []
          : [`${attempt} owns nothing and was told that it settled its task`]),
        ...changesOf(moment).map((change) => `${attempt} owns nothing and ${change}`),
      ];
    }
    if (!outcome.ok) return [`${attempt} owns its task and was refused with ${outcome.error.code}`];
    const status = moment.after.tasks.find(({ id }) => id === held?.task)?.status;
    return status === becomes
      ? []
      : [`${attempt} ended ${ending.result}: its task is ${status}, and should be ${becomes}`];
  };
}
