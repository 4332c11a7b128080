import type { DraftPlan, DraftTask } from './planReader.js';
import type { ProblemLog } from './problemLog.js';
import { createSuggester } from './suggestId.js';

/** The tasks of a draft as numbers: what each waits for and belongs to, with everything dangling left out. */
export interface ResolvedTasks {
  readonly tasks: readonly DraftTask[];
  /** For each task the written prerequisites, each once. */
  readonly prerequisites: readonly (readonly number[])[];
  /** For each task its parent, or -1. May hold circles. */
  readonly parents: Int32Array;
  readonly extraParents: readonly (readonly number[])[];
}

/** Turns ids into numbers and reports each that leads nowhere, to the task itself, or stands twice. */
export function resolveReferences(
  draft: DraftPlan,
  tasks: readonly DraftTask[],
  log: ProblemLog,
): ResolvedTasks {
  const indexOf = new Map(tasks.map((task, index) => [task.sourceId, index]));
  const suggest = createSuggester(() => tasks.map(({ sourceId }) => sourceId));
  const parents = new Int32Array(tasks.length).fill(-1);
  const prerequisites: number[][] = [];
  const extraParents: number[][] = [];
  // Which task saw a prerequisite last: finds an id that stands twice without a set for each task.
  const seenBy = new Int32Array(tasks.length).fill(-1);

  for (const [index, task] of tasks.entries()) {
    prerequisites.push(resolveDependencies(index, task));
    parents[index] = task.parentSourceId === null ? -1 : resolveParent(task, task.parentSourceId);
    extraParents.push(
      task.extraParentSourceIds.map((id) => resolveParent(task, id)).filter((parent) => parent !== -1),
    );
  }
  return { tasks, prerequisites, parents, extraParents };

  function resolveDependencies(index: number, task: DraftTask): number[] {
    const resolved: number[] = [];
    for (const [position, id] of task.dependsOn.entries()) {
      const target = indexOf.get(id);
      const at = () => task.locate(['dependsOn', position]);
      if (target === undefined) {
        if (draft.deletedSourceIds.has(id)) {
          log.add(
            'DEPENDENCY_DELETED',
            at(),
            `${task.sourceId} depends on ${id}, which is deleted; it does not wait for it.`,
          );
        } else {
          log.add(
            'DEPENDENCY_UNKNOWN',
            at(),
            `${task.sourceId} depends on ${id}, which is not in the plan, so this dependency can't be kept${suggest(id) || '; add that task or remove the dependency.'}`,
          );
        }
      } else if (target === index) {
        log.add(
          'DEPENDENCY_SELF',
          at(),
          `${task.sourceId} depends on itself, which can't be kept; remove the dependency.`,
        );
      } else if (seenBy[target] === index) {
        log.add('DEPENDENCY_DUPLICATE', at(), `${task.sourceId} depends on ${id} twice; once is enough.`);
      } else {
        seenBy[target] = index;
        resolved.push(target);
      }
    }
    return resolved;
  }

  function resolveParent(task: DraftTask, id: string): number {
    const parent = indexOf.get(id);
    if (parent === undefined) {
      const isDeleted = draft.deletedSourceIds.has(id);
      const why = isDeleted ? 'is deleted' : 'is not in the plan';
      const remedy = (isDeleted ? '' : suggest(id)) || '; add that task or remove the parent.';
      log.add(
        'PARENT_UNKNOWN',
        task.locate(['parent']),
        `${task.sourceId} names the parent ${id}, which ${why}, so it has none${remedy}`,
      );
      return -1;
    }
    return parent;
  }
}
