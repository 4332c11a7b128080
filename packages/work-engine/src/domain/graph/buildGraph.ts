import { assembleGraph } from './assembleGraph.js';
import { IdTable } from './idTable.js';
import type { BuiltGraph, Edge } from './taskGraph.js';

export interface TaskNode {
  readonly id: string;
  /** Ids of tasks of the same graph. */
  readonly dependsOn: readonly string[];
}

/**
 * Builds the graph of tasks that name what they depend on. Never throws for what the tasks say: an unknown id, a
 * dependency on itself, one named twice and a second task with an id are left out and reported. A cycle is kept; ask
 * `findCycle`. O(tasks + dependencies); nearly all of the time goes into looking up ids.
 */
export function buildGraph(tasks: Iterable<TaskNode>): BuiltGraph {
  const nodes = new IdTable();
  const namedBy: (readonly string[])[] = [];
  const duplicateIds: string[] = [];
  let namedCount = 0;
  for (const { id, dependsOn } of tasks) {
    if (!nodes.add(id)) {
      duplicateIds.push(id);
      continue;
    }
    namedBy.push(dependsOn);
    namedCount += dependsOn.length;
  }

  const dependents = new Int32Array(namedCount);
  const prerequisites = new Int32Array(namedCount);
  const danglingEdges: Edge[] = [];
  let known = 0;
  for (const [node, dependsOn] of namedBy.entries()) {
    for (const id of dependsOn) {
      const prerequisite = nodes.indexOf(id);
      if (prerequisite === -1) {
        danglingEdges.push({ dependent: nodes.ids[node] as string, prerequisite: id });
        continue;
      }
      dependents[known] = node;
      prerequisites[known] = prerequisite;
      known += 1;
    }
  }
  const pairs = {
    dependents: dependents.subarray(0, known),
    prerequisites: prerequisites.subarray(0, known),
  };
  return {
    ...assembleGraph(nodes.ids, (id) => nodes.indexOf(id), pairs),
    danglingEdges,
    duplicateIds,
  };
}
