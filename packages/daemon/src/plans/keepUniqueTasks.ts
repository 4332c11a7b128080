import { describePlace } from './describePath.js';
import type { PlanPosition } from './planProblem.js';
import type { DraftTask } from './planReader.js';
import type { ProblemLog } from './problemLog.js';

/**
 * Leaves one task for each id, in file order: the one updated last; where that isn't known or equal, the first.
 * Each task left out is reported.
 */
export function keepUniqueTasks(tasks: readonly DraftTask[], log: ProblemLog): DraftTask[] {
  const kept = new Map<string, DraftTask>();
  for (const task of tasks) {
    const other = kept.get(task.sourceId);
    if (other === undefined) {
      kept.set(task.sourceId, task);
      continue;
    }
    const isNewer = (task.updatedAt?.getTime() ?? -Infinity) > (other.updatedAt?.getTime() ?? -Infinity);
    const [stays, goes] = isNewer ? [task, other] : [other, task];
    log.add(
      'ID_DUPLICATE',
      goes.locate(['id']),
      `Two tasks have the id ${task.sourceId}, ${describeBoth(other.at, task.at)}; ` +
        `the one in ${describePlace(stays.at, other.at.file === task.at.file ? task.at : goes.at)} counts${isNewer ? ', as it was updated later' : ''}. Give each its own id.`,
    );
    kept.set(task.sourceId, stays);
  }
  const staying = new Set(kept.values());
  return tasks.filter((task) => staying.has(task));
}

function describeBoth(a: PlanPosition, b: PlanPosition): string {
  return a.file === b.file
    ? `in lines ${a.line} and ${b.line}`
    : `in ${a.file} line ${a.line} and ${b.file} line ${b.line}`;
}
