import { at, type CsrGraph } from './csrGraph.js';
import { findComponents } from './findComponents.js';

/**
 * One cycle out of each group of nodes that wait for one another, as the path `a, b, …` where each waits for the
 * next and the last for the first. Empty when the graph has no cycle. Linear in nodes and edges.
 */
export function findCycles(graph: CsrGraph): number[][] {
  const component = new Int32Array(graph.nodeCount).fill(-1);
  const components = findComponents(graph);
  for (const [number, members] of components.entries()) {
    for (const member of members) component[member] = number;
  }
  return components.map((members) => walkToCycle(graph, component, members[0] ?? 0));
}

/** Every node of a group has a next one in the group, so following them must come back to a node seen before. */
function walkToCycle({ offsets, targets }: CsrGraph, component: Int32Array, start: number): number[] {
  const path: number[] = [];
  const stepOf = new Map<number, number>();
  let node = start;
  while (!stepOf.has(node)) {
    stepOf.set(node, path.length);
    path.push(node);
    let edge = at(offsets, node);
    while (component[at(targets, edge)] !== component[node]) edge += 1;
    node = at(targets, edge);
  }
  const cycle = path.slice(stepOf.get(node));
  // Starts with the task that comes first in the file, so that the message is the same however it was found.
  const first = cycle.indexOf(cycle.reduce((smallest, member) => Math.min(smallest, member)));
  return [...cycle.slice(first), ...cycle.slice(0, first)];
}
