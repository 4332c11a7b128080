import {
  assignWaves,
  buildGraph,
  findCriticalPath,
  idsOf,
  sortTopologically,
  type TaskGraph,
} from '@neolith/work-engine';
import type { OrderContestant } from './orderContestant.js';

export const neolithOrder: OrderContestant<TaskGraph> = {
  build: (tasks) => buildGraph(tasks).graph,
  order(graph) {
    const sorted = sortTopologically(graph);
    if (sorted.kind === 'cycle') throw new Error(`There is a cycle: ${sorted.cycle.join(' → ')}`);
    return idsOf(graph, sorted.order);
  },
  more(graph) {
    assignWaves(graph);
    findCriticalPath(graph, new Float64Array(graph.size).fill(60));
  },
};
