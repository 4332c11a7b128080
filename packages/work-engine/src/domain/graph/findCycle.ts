import { findShortCycles } from './findShortCycles.js';
import { peelLevels } from './peelLevels.js';
import { idsOf, type TaskGraph } from './taskGraph.js';

/**
 * A cycle as the ids along it, `[a, b, c, a]`: a depends on b, b on c, c on a. Null when there is none.
 * It begins with the first of its tasks as given. It is the shortest there is, unless the cycles are so many or so
 * large that it would take long to be sure (see `findShortCycles`). O(nodes + edges).
 */
export function findCycle(graph: TaskGraph): string[] | null {
  if (peelLevels(graph).order.length === graph.size) return null;
  let shortest: number[] | null = null;
  for (const cycle of findShortCycles(graph)) {
    if (shortest === null || cycle.length < shortest.length) shortest = cycle;
  }
  return shortest === null ? null : nameCycle(graph, shortest);
}

/** The ids along a cycle, the first repeated at the end. */
export function nameCycle(graph: TaskGraph, cycle: readonly number[]): string[] {
  return idsOf(graph, [...cycle, ...cycle.slice(0, 1)]);
}
