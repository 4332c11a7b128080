import { assembleGraph, type EdgePairs } from './assembleGraph.js';
import type { BuiltGraph } from './taskGraph.js';

/**
 * Builds a graph of edges whose ends are nodes already; made for millions. `ids[node]` names a node and each id is
 * there once (not checked: `indexOf` finds the last). Self-dependencies and repeated edges are reported as in
 * `buildGraph`; nothing can dangle. O(nodes + edges).
 * Throws RangeError for an end outside of 0 … ids.length-1, or lists of different lengths.
 */
export function buildGraphFromPairs(ids: readonly string[], pairs: EdgePairs): BuiltGraph {
  if (pairs.dependents.length !== pairs.prerequisites.length) {
    throw new RangeError(
      `There are ${pairs.dependents.length} dependents but ${pairs.prerequisites.length} prerequisites; an edge needs both`,
    );
  }
  let nodeOf: Map<string, number> | undefined;
  // Made on first use: with 1,000,000 ids it takes longer than the whole graph.
  const indexOf = (id: string): number => {
    nodeOf ??= new Map(ids.map((each, node) => [each, node]));
    return nodeOf.get(id) ?? -1;
  };
  return { ...assembleGraph(ids, indexOf, pairs), danglingEdges: [], duplicateIds: [] };
}
