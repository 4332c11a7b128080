import {
  type Criteria,
  criteriaSchema,
  invalidInput,
  parseId,
  TASK_PRIORITIES,
  type TaskPriority,
} from '@neolith/contracts';

/** Criteria as the database takes them. */
export interface ReadyCriteria {
  requireTags: readonly string[] | null;
  excludeTags: readonly string[] | null;
  priorities: readonly TaskPriority[];
  excludeTaskIds: readonly string[] | null;
  runId: string | null;
}

const orNull = <Item>(list: readonly Item[] | undefined): readonly Item[] | null =>
  list === undefined || list.length === 0 ? null : list;

/** Errors: INVALID_INPUT. */
export function toReadyCriteria(given: Criteria = {}): ReadyCriteria {
  const written = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  const result = criteriaSchema.safeParse(written);
  if (!result.success) throw invalidInput('The criteria', result.error);
  const criteria: Criteria = result.data;
  const from = criteria.maxPriority === undefined ? 0 : TASK_PRIORITIES.indexOf(criteria.maxPriority);
  const to =
    criteria.minPriority === undefined
      ? TASK_PRIORITIES.length - 1
      : TASK_PRIORITIES.indexOf(criteria.minPriority);
  return {
    requireTags: orNull(criteria.requireTags === undefined ? undefined : [...new Set(criteria.requireTags)]),
    excludeTags: orNull(criteria.excludeTags),
    priorities: TASK_PRIORITIES.slice(from, to + 1),
    // An id that can't be a task's excludes nothing.
    excludeTaskIds: orNull(
      criteria.excludeTaskIds?.map((id) => parseId('task', id)).filter((id) => id !== null),
    ),
    runId: criteria.runId === undefined ? null : runUuid(criteria.runId),
  };
}

/** The queue of the tasks that are in no run. */
const NO_RUN = '00000000-0000-0000-0000-000000000000';
/** A run without tasks: what can't be a run's id names one. */
const NOBODYS_RUN = 'ffffffff-ffff-ffff-ffff-ffffffffffff';

function runUuid(id: string): string {
  if (id === 'none') return NO_RUN;
  const uuid = parseId('run', id);
  return uuid === null || uuid === NO_RUN ? NOBODYS_RUN : uuid;
}

/** In the order of ready_heads: required tags, excluded tags, priorities, excluded ids, run. */
export function readyCriteriaValues(criteria: ReadyCriteria): unknown[] {
  return [
    criteria.requireTags,
    criteria.excludeTags,
    criteria.priorities,
    criteria.excludeTaskIds,
    criteria.runId,
  ];
}
