import { at } from './adjacency.js';
import { findStrongComponents } from './strongComponents.js';
import type { TaskGraph } from './taskGraph.js';

/** Edges walked to find cycles shorter than the first ones: some milliseconds. */
const STEPS_FOR_SHORTER = 1_000_000;

/**
 * One cycle for each group of nodes that depend on one another, by the first node of the group as given. A cycle is
 * its nodes, the first as given in front, without repeating it at the end.
 *
 * The first cycle of a group is the shortest through the group's first node. Then every other node is tried, too,
 * until 1,000,000 edges are walked in all: up to there the answer is the shortest cycle of the group.
 * O(nodes + edges).
 */
export function findShortCycles(graph: TaskGraph): number[][] {
  const { componentOf, sizes } = findStrongComponents(graph);
  const search = createCycleSearch(graph, componentOf);
  const found = new Map<number, number[]>();
  for (let node = 0; node < graph.size; node += 1) {
    const component = at(componentOf, node);
    if ((sizes[component] as number) < 2) continue;
    const best = found.get(component);
    // Two is the least there can be: no node depends on itself.
    if (best !== undefined && (best.length === 2 || search.steps() > STEPS_FOR_SHORTER)) continue;
    const cycle = search.shortestThrough(node, best?.length ?? Number.POSITIVE_INFINITY);
    if (cycle !== null) found.set(component, cycle);
  }
  // A cycle begins with the node it was found from, and that is its first: from an earlier one of it, tried before,
  // it would have been found already.
  return [...found.values()];
}

/** Breadth-first along prerequisites, inside a component. Its arrays are made once and cleaned node by node. */
function createCycleSearch(
  { size, prerequisites: { offsets, targets } }: TaskGraph,
  componentOf: Int32Array,
) {
  const cameFrom = new Int32Array(size).fill(-1);
  const distance = new Int32Array(size);
  const queue = new Int32Array(size);
  let steps = 0;
  return {
    /** Edges walked so far. */
    steps: () => steps,
    /** The shortest cycle through a node, null unless it has fewer nodes than `below`. */
    shortestThrough(start: number, below: number): number[] | null {
      let queued = 1;
      queue[0] = start;
      distance[start] = 1;
      let last = -1;
      for (let head = 0; head < queued && last === -1; head += 1) {
        const node = at(queue, head);
        if (at(distance, node) >= below) break;
        const end = at(offsets, node + 1);
        for (let edge = at(offsets, node); edge < end; edge += 1) {
          const target = at(targets, edge);
          steps += 1;
          if (target === start) {
            last = node;
            break;
          }
          if (at(cameFrom, target) !== -1 || at(componentOf, target) !== at(componentOf, start)) continue;
          cameFrom[target] = node;
          distance[target] = at(distance, node) + 1;
          queue[queued] = target;
          queued += 1;
        }
      }
      const cycle: number[] = [];
      for (let node = last; node !== -1; node = at(cameFrom, node)) cycle.push(node);
      for (let each = 0; each < queued; each += 1) cameFrom[at(queue, each)] = -1;
      return cycle.length === 0 ? null : cycle.reverse();
    },
  };
}
