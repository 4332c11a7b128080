import type { NormalisedPlan, NormalisedTask } from '../plans/normalisedPlan.js';
import { CoordinatorError } from './coordinatorError.js';

export interface TaskSelection {
  /** These alone, as if what they depend on were done. */
  readonly only: readonly string[];
  /** These, and whatever depends on them, as if what they depend on were done. */
  readonly from: readonly string[];
}

/**
 * The part of a plan that was asked for, as a plan with a name of its own: its run leaves that of the whole plan alone.
 * Tasks are named by their ids in the plan. Pure.
 * @throws CoordinatorError `TASK_NOT_IN_PLAN`
 */
export function selectTasks(plan: NormalisedPlan, selection: TaskSelection): NormalisedPlan {
  const wanted = [...selection.only, ...selection.from];
  if (wanted.length === 0) return plan;
  const known = new Set(plan.tasks.map(({ sourceId }) => sourceId));
  const unknown = wanted.filter((id) => !known.has(id));
  if (unknown.length > 0) {
    throw new CoordinatorError(
      'TASK_NOT_IN_PLAN',
      `The plan has no task ${unknown.map((id) => JSON.stringify(id)).join(', ')}. Name tasks by their ids in the plan, such as ${JSON.stringify(plan.tasks[0]?.sourceId ?? '')}.`,
    );
  }
  const kept = addDependents(plan.tasks, new Set(selection.from));
  for (const id of selection.only) kept.add(id);
  const inside = (id: string): boolean => kept.has(id);
  return {
    ...plan,
    name: `${plan.name} (${describe(selection)})`,
    tasks: plan.tasks
      .filter(({ sourceId }) => inside(sourceId))
      .map((task) => ({
        ...task,
        dependsOn: task.dependsOn.filter(inside),
        derivedDependsOn: task.derivedDependsOn.filter(inside),
        parentSourceId:
          task.parentSourceId !== null && inside(task.parentSourceId) ? task.parentSourceId : null,
      })),
  };
}

function addDependents(tasks: readonly NormalisedTask[], from: ReadonlySet<string>): Set<string> {
  const dependents = new Map<string, string[]>();
  for (const { sourceId, dependsOn } of tasks) {
    for (const id of dependsOn) {
      const known = dependents.get(id);
      if (known === undefined) dependents.set(id, [sourceId]);
      else known.push(sourceId);
    }
  }
  const reached = new Set(from);
  // A set hands out what is added while it is walked.
  for (const id of reached) for (const dependent of dependents.get(id) ?? []) reached.add(dependent);
  return reached;
}

function describe({ only, from }: TaskSelection): string {
  const part = (word: string, ids: readonly string[]): string[] =>
    ids.length === 0 ? [] : [`${word} ${[...ids].sort().join(', ')}`];
  return [...part('only', only), ...part('from', from)].join('; ');
}
