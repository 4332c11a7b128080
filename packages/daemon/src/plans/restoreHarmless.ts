import { at, type CsrGraph } from './csrGraph.js';
import type { DroppedDependency } from './droppedDependency.js';

/** Edges looked at before the rest of the dropped ones is left as it is; keeps the work linear in practice. */
const edgeVisitsMax = 20_000_000;

/**
 * Takes back each dropped dependency that closes no cycle with those kept and those taken back before it, and
 * returns what must stay dropped. Without it, a task that happens to come first in the file would lose good
 * dependencies along with the contradicting ones.
 */
export function restoreHarmless(graph: CsrGraph, dropped: readonly DroppedDependency[]): DroppedDependency[] {
  const missing = new Map<number, Set<number>>();
  for (const { task, prerequisite } of dropped) {
    missing.set(task, (missing.get(task) ?? new Set()).add(prerequisite));
  }
  const seenBy = new Int32Array(graph.nodeCount).fill(-1);
  let visits = 0;

  return dropped.filter(({ task, prerequisite }, search) => {
    if (visits > edgeVisitsMax || reaches(prerequisite, task, search)) return true;
    missing.get(task)?.delete(prerequisite);
    return false;
  });

  function reaches(from: number, to: number, search: number): boolean {
    const stack = [from];
    seenBy[from] = search;
    for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
      if (node === to) return true;
      const gone = missing.get(node);
      for (let edge = at(graph.offsets, node); edge < at(graph.offsets, node + 1); edge += 1) {
        visits += 1;
        const target = at(graph.targets, edge);
        if (seenBy[target] === search || gone?.has(target)) continue;
        seenBy[target] = search;
        stack.push(target);
      }
    }
    return false;
  }
}
