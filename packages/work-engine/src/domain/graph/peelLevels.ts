import { at, countNeighbours } from './adjacency.js';
import type { TaskGraph } from './taskGraph.js';

export interface Levels {
  /** The nodes that are neither in a cycle nor behind one, by rising level. */
  readonly order: Int32Array;
  /** The number of edges of the longest way from a node without prerequisites; -1 in and behind cycles. */
  readonly levelOf: Int32Array;
}

/**
 * Takes off the nodes without prerequisites, then those that are without once the first are gone, and so on: Kahn's
 * algorithm with a queue. A node is queued when the last of its prerequisites is taken, and that one has the highest
 * level of them all, because the queue rises; so the first level a node is given is its longest way.
 * O(nodes + edges).
 */
export function peelLevels(graph: TaskGraph): Levels {
  const { offsets, targets } = graph.dependents;
  const waitingFor = countNeighbours(graph.prerequisites);
  const levelOf = new Int32Array(graph.size).fill(-1);
  const queue = new Int32Array(graph.size);
  let queued = 0;
  for (let node = 0; node < graph.size; node += 1) {
    if (at(waitingFor, node) > 0) continue;
    levelOf[node] = 0;
    queue[queued] = node;
    queued += 1;
  }
  for (let head = 0; head < queued; head += 1) {
    const node = at(queue, head);
    const level = at(levelOf, node) + 1;
    const end = at(offsets, node + 1);
    for (let edge = at(offsets, node); edge < end; edge += 1) {
      const dependent = at(targets, edge);
      const left = at(waitingFor, dependent) - 1;
      waitingFor[dependent] = left;
      if (left > 0) continue;
      levelOf[dependent] = level;
      queue[queued] = dependent;
      queued += 1;
    }
  }
  return { order: queue.subarray(0, queued), levelOf };
}
