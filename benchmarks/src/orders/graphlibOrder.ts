import { alg, Graph } from '@dagrejs/graphlib';
import type { OrderContestant } from './orderContestant.js';

export const graphlibOrder: OrderContestant<Graph> = {
  build(tasks) {
    const graph = new Graph();
    for (const { id } of tasks) graph.setNode(id);
    for (const { id, dependsOn } of tasks) {
      for (const prerequisite of dependsOn) graph.setEdge(prerequisite, id);
    }
    return graph;
  },
  order: (graph) => alg.topsort(graph),
  more() {},
};
