import { at } from './csrGraph.js';
import { describePath } from './describePath.js';
import type { ProblemLog } from './problemLog.js';
import type { ResolvedTasks } from './resolveReferences.js';

/**
 * Returns the parents without circles: in each circle the first task of the file loses its parent, and the
 * circle is reported. Linear; a task that is its own parent is a circle of one.
 */
export function openParentCircles({ tasks, parents }: ResolvedTasks, log: ProblemLog): Int32Array {
  const opened = parents.slice();
  const walkOf = new Int32Array(tasks.length).fill(-1);
  for (let start = 0; start < tasks.length; start += 1) {
    let node = start;
    while (node !== -1 && walkOf[node] === -1) {
      walkOf[node] = start;
      node = at(opened, node);
    }
    // Met a task of this very walk: a circle. One of an earlier walk was dealt with then.
    if (node === -1 || walkOf[node] !== start) continue;
    const circle = listCircle(opened, node);
    const first = circle[0] ?? node;
    const task = tasks[first];
    if (task === undefined) continue;
    log.add(
      'PARENT_CYCLE',
      task.locate(['parent']),
      `Tasks are parents of one another: ${describePath(tasks, circle)}; remove one of these parents.`,
    );
    opened[first] = -1;
  }
  return opened;
}

function listCircle(parents: Int32Array, start: number): number[] {
  const circle = [start];
  for (let node = at(parents, start); node !== start; node = at(parents, node)) circle.push(node);
  const first = circle.indexOf(circle.reduce((smallest, member) => Math.min(smallest, member)));
  return [...circle.slice(first), ...circle.slice(0, first)];
}
