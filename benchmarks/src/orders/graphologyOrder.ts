import { DirectedGraph } from 'graphology';
import { topologicalGenerations, topologicalSort } from 'graphology-dag';
import type { OrderContestant } from './orderContestant.js';

export const graphologyOrder: OrderContestant<DirectedGraph> = {
  build(tasks) {
    const graph = new DirectedGraph();
    for (const { id } of tasks) graph.addNode(id);
    for (const { id, dependsOn } of tasks) {
      for (const prerequisite of dependsOn) graph.addEdge(prerequisite, id);
    }
    return graph;
  },
  order: (graph) => topologicalSort(graph),
  more(graph) {
    topologicalGenerations(graph);
  },
};
