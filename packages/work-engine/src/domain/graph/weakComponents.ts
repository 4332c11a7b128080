import { at } from './adjacency.js';
import type { TaskGraph } from './taskGraph.js';

export interface WeakComponents {
  readonly count: number;
  /** The component of each node. They are numbered by their first nodes as given. */
  readonly componentOf: Int32Array;
  /** How many nodes each component has. */
  readonly sizes: Int32Array;
}

/** Groups nodes that are joined when edges may be followed either way. Breadth-first, O(nodes + edges). */
export function findWeakComponents(graph: TaskGraph): WeakComponents {
  const componentOf = new Int32Array(graph.size).fill(-1);
  const queue = new Int32Array(graph.size);
  const sizes: number[] = [];
  // One queue for all: a component is what was queued between its first node and the next one's.
  let queued = 0;
  for (let root = 0; root < graph.size; root += 1) {
    if (at(componentOf, root) !== -1) continue;
    const begin = queued;
    componentOf[root] = sizes.length;
    queue[queued] = root;
    queued += 1;
    for (let head = begin; head < queued; head += 1) {
      const node = at(queue, head);
      for (const { offsets, targets } of [graph.prerequisites, graph.dependents]) {
        const end = at(offsets, node + 1);
        for (let edge = at(offsets, node); edge < end; edge += 1) {
          const target = at(targets, edge);
          if (at(componentOf, target) !== -1) continue;
          componentOf[target] = sizes.length;
          queue[queued] = target;
          queued += 1;
        }
      }
    }
    sizes.push(queued - begin);
  }
  return { count: sizes.length, componentOf, sizes: Int32Array.from(sizes) };
}
