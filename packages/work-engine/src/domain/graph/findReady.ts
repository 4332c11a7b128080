import { at } from './adjacency.js';
import type { TaskGraph } from './taskGraph.js';

/** The nodes, in rising order, that are not done while all of their prerequisites are. O(nodes + edges). */
export function findReady(graph: TaskGraph, isDone: (node: number) => boolean): Int32Array {
  const ready: number[] = [];
  for (let node = 0; node < graph.size; node += 1) {
    if (!isDone(node) && hasAllDone(graph, node, isDone)) ready.push(node);
  }
  return Int32Array.from(ready);
}

/**
 * The nodes, in rising order, that become ready when `node` is done. `node` itself counts as done whatever `isDone`
 * says of it, so the answer is the same just before and just after. O(prerequisites of its dependents).
 */
export function findFreed(graph: TaskGraph, isDone: (node: number) => boolean, node: number): Int32Array {
  const isDoneThen = (other: number): boolean => other === node || isDone(other);
  const { offsets, targets } = graph.dependents;
  return targets
    .subarray(at(offsets, node), at(offsets, node + 1))
    .filter((dependent) => !isDone(dependent) && hasAllDone(graph, dependent, isDoneThen));
}

function hasAllDone(graph: TaskGraph, node: number, isDone: (node: number) => boolean): boolean {
  const { offsets, targets } = graph.prerequisites;
  const end = at(offsets, node + 1);
  for (let edge = at(offsets, node); edge < end; edge += 1) if (!isDone(at(targets, edge))) return false;
  return true;
}
