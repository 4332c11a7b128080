import { type Adjacency, at, groupBySource, transpose } from './adjacency.js';
import type { BuiltGraph, Edge, TaskGraph } from './taskGraph.js';

/** Edges between known nodes as two lists of equal length: `dependents[i]` depends on `prerequisites[i]`. */
export interface EdgePairs {
  readonly dependents: Int32Array;
  readonly prerequisites: Int32Array;
}

/** Makes the graph of checked ids and edges; self-dependencies and repeated edges are left out and reported. */
export function assembleGraph(
  ids: readonly string[],
  indexOf: (id: string) => number,
  pairs: EdgePairs,
): Pick<BuiltGraph, 'graph' | 'selfDependencies' | 'duplicateEdges'> {
  const grouped = groupBySource(ids.length, pairs.dependents, pairs.prerequisites);
  const selfDependencies: string[] = [];
  const duplicateEdges: Edge[] = [];
  const prerequisites = keepSimpleEdges(grouped, (dependent, prerequisite) => {
    const edge = { dependent: ids[dependent] as string, prerequisite: ids[prerequisite] as string };
    if (dependent === prerequisite) selfDependencies.push(edge.dependent);
    else duplicateEdges.push(edge);
  });
  const graph: TaskGraph = {
    size: ids.length,
    edgeCount: prerequisites.targets.length,
    ids,
    indexOf,
    prerequisites,
    dependents: transpose(prerequisites),
  };
  return { graph, selfDependencies: [...new Set(selfDependencies)], duplicateEdges };
}

/** Drops loops and repeated edges. O(nodes + edges): the last node that named a target is remembered, nothing is sorted. */
function keepSimpleEdges(
  { offsets, targets }: Adjacency,
  onDropped: (source: number, target: number) => void,
): Adjacency {
  const size = offsets.length - 1;
  const lastNamedBy = new Int32Array(size).fill(-1);
  const keptOffsets = new Int32Array(size + 1);
  const keptTargets = new Int32Array(targets.length);
  let kept = 0;
  for (let node = 0; node < size; node += 1) {
    const end = at(offsets, node + 1);
    for (let edge = at(offsets, node); edge < end; edge += 1) {
      const target = at(targets, edge);
      if (target === node || at(lastNamedBy, target) === node) {
        onDropped(node, target);
        continue;
      }
      lastNamedBy[target] = node;
      keptTargets[kept] = target;
      kept += 1;
    }
    keptOffsets[node + 1] = kept;
  }
  return {
    offsets: keptOffsets,
    targets: kept === targets.length ? keptTargets : keptTargets.slice(0, kept),
  };
}
