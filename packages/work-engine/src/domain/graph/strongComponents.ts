import { at } from './adjacency.js';
import type { TaskGraph } from './taskGraph.js';

export interface StrongComponents {
  /** The component of each node; -1 for nodes left out. */
  readonly componentOf: Int32Array;
  /** How many nodes each component has: 2 or more where there is a cycle. */
  readonly sizes: readonly number[];
}

/**
 * Groups nodes that depend on one another in both directions: R. Tarjan, "Depth-first search and linear graph
 * algorithms", SIAM J. Comput. 1, 1972, with a stack of its own. A node of a component with 2 or more nodes lies on a
 * cycle, and every cycle lies within one component. O(nodes + edges).
 *
 * @param isPart Nodes to look at, with the edges among them. Default: all.
 */
export function findStrongComponents(
  graph: TaskGraph,
  isPart: (node: number) => boolean = () => true,
): StrongComponents {
  const { offsets, targets } = graph.prerequisites;
  const componentOf = new Int32Array(graph.size).fill(-1);
  const sizes: number[] = [];
  // When the search met a node, from 1; and the earliest met of the nodes it leads back to.
  const metAt = new Int32Array(graph.size);
  const earliest = new Int32Array(graph.size);
  const nextEdge = offsets.slice(0, graph.size);
  const way = new Int32Array(graph.size);
  const open = new Int32Array(graph.size);
  let wayLength = 0;
  let openCount = 0;
  let met = 0;

  const enter = (node: number): void => {
    met += 1;
    metAt[node] = met;
    earliest[node] = met;
    way[wayLength] = node;
    wayLength += 1;
    open[openCount] = node;
    openCount += 1;
  };
  const reachBack = (node: number, to: number): void => {
    if (to < at(earliest, node)) earliest[node] = to;
  };
  const leave = (node: number): void => {
    wayLength -= 1;
    if (wayLength > 0) reachBack(at(way, wayLength - 1), at(earliest, node));
    if (at(earliest, node) < at(metAt, node)) return;
    const openBefore = openCount;
    let member: number;
    do {
      openCount -= 1;
      member = at(open, openCount);
      componentOf[member] = sizes.length;
    } while (member !== node);
    sizes.push(openBefore - openCount);
  };

  for (let root = 0; root < graph.size; root += 1) {
    if (at(metAt, root) > 0 || !isPart(root)) continue;
    enter(root);
    while (wayLength > 0) {
      const node = at(way, wayLength - 1);
      const edge = at(nextEdge, node);
      if (edge === at(offsets, node + 1)) {
        leave(node);
        continue;
      }
      nextEdge[node] = edge + 1;
      const target = at(targets, edge);
      if (at(metAt, target) === 0) {
        if (isPart(target)) enter(target);
      } else if (at(componentOf, target) === -1) {
        reachBack(node, at(metAt, target));
      }
    }
  }
  return { componentOf, sizes };
}
