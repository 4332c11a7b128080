import toposort from 'toposort';
import type { OrderContestant } from './orderContestant.js';

interface Lists {
  nodes: string[];
  edges: [string, string][];
}

/** It orders lists of nodes and edges, so there is hardly anything to build beforehand. */
export const toposortOrder: OrderContestant<Lists> = {
  build(tasks) {
    const nodes = tasks.map(({ id }) => id);
    const edges: [string, string][] = [];
    for (const { id, dependsOn } of tasks) {
      for (const prerequisite of dependsOn) edges.push([prerequisite, id]);
    }
    return { nodes, edges };
  },
  order: ({ nodes, edges }) => toposort.array(nodes, edges),
  more() {},
};
