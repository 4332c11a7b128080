import { at } from './csrGraph.js';
import type { DraftTask } from './planReader.js';

/** For each task its own due date, or that of the nearest parent that has one, or `planDueAt`. Linear. */
export function inheritDueDates(
  tasks: readonly DraftTask[],
  parents: Int32Array,
  planDueAt: Date | null,
): (Date | null)[] {
  const due: (Date | null | undefined)[] = tasks.map((task) => task.dueAt ?? undefined);
  for (let start = 0; start < tasks.length; start += 1) {
    const waiting: number[] = [];
    let node = start;
    while (node !== -1 && due[node] === undefined) {
      waiting.push(node);
      node = at(parents, node);
    }
    const inherited = node === -1 ? planDueAt : (due[node] ?? null);
    for (const task of waiting) due[task] = inherited;
  }
  return due.map((date) => date ?? null);
}
