import { at, type CsrGraph } from './csrGraph.js';

/**
 * The groups of nodes that reach one another, of two nodes or more: exactly the parts of the graph that hold
 * cycles. Groups by their smallest node, nodes rising. (An edge from a node to itself makes no group.)
 *
 * Tarjan's algorithm with a stack of its own; linear in nodes and edges.
 */
export function findComponents(graph: CsrGraph): number[][] {
  const { nodeCount, offsets, targets } = graph;
  const order = new Int32Array(nodeCount).fill(-1);
  const lowest = new Int32Array(nodeCount);
  const nextEdge = offsets.slice(0, nodeCount);
  const onStack = new Uint8Array(nodeCount);
  const stack: number[] = [];
  const walk: number[] = [];
  const components: number[][] = [];
  let visited = 0;

  for (let start = 0; start < nodeCount; start += 1) {
    if (order[start] !== -1) continue;
    walk.push(start);
    for (let node = walk.at(-1); node !== undefined; node = walk.at(-1)) {
      if (order[node] === -1) {
        order[node] = visited;
        lowest[node] = visited;
        visited += 1;
        stack.push(node);
        onStack[node] = 1;
      }
      const edge = at(nextEdge, node);
      if (edge < at(offsets, node + 1)) {
        nextEdge[node] = edge + 1;
        const target = at(targets, edge);
        if (order[target] === -1) walk.push(target);
        else if (onStack[target] === 1) lowest[node] = Math.min(at(lowest, node), at(order, target));
        continue;
      }
      walk.pop();
      const caller = walk.at(-1);
      if (caller !== undefined) lowest[caller] = Math.min(at(lowest, caller), at(lowest, node));
      if (lowest[node] === order[node]) {
        const component = takeComponent(node);
        if (component.length > 1) components.push(component.sort((a, b) => a - b));
      }
    }
  }
  return components.sort((a, b) => (a[0] ?? 0) - (b[0] ?? 0));

  function takeComponent(root: number): number[] {
    const component: number[] = [];
    for (let member = stack.pop(); member !== undefined; member = stack.pop()) {
      onStack[member] = 0;
      component.push(member);
      if (member === root) break;
    }
    return component;
  }
}
