import { type Adjacency, at } from './adjacency.js';
import type { TaskGraph } from './taskGraph.js';

/** Everything that waits for a node, directly or not; nearest first, the node itself never. O(what is found). */
export function findTransitiveDependents(graph: TaskGraph, node: number): Int32Array {
  return walkBreadthFirst(graph.dependents, node);
}

/** Everything a node waits for, directly or not; nearest first, the node itself never. O(what is found). */
export function findTransitivePrerequisites(graph: TaskGraph, node: number): Int32Array {
  return walkBreadthFirst(graph.prerequisites, node);
}

function walkBreadthFirst({ offsets, targets }: Adjacency, start: number): Int32Array {
  const size = offsets.length - 1;
  const met = new Uint8Array(size);
  const queue: number[] = [start];
  met[start] = 1;
  for (let head = 0; head < queue.length; head += 1) {
    const node = queue[head] as number;
    const end = at(offsets, node + 1);
    for (let edge = at(offsets, node); edge < end; edge += 1) {
      const target = at(targets, edge);
      if (met[target] === 1) continue;
      met[target] = 1;
      queue.push(target);
    }
  }
  return Int32Array.from(queue).subarray(1);
}
