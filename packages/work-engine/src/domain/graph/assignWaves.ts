import { type Adjacency, at, groupBySource } from './adjacency.js';
import { peelAcyclic } from './peelAcyclic.js';
import type { TaskGraph } from './taskGraph.js';

export interface Waves {
  readonly count: number;
  /** The wave of each node, from 0. */
  readonly waveOf: Int32Array;
  /** wave → its nodes in rising order; `neighboursOf(nodesByWave, wave)` lists them. */
  readonly nodesByWave: Adjacency;
}

/**
 * Gives each node the earliest wave it can be in, when a wave starts after the one before is over: the number of edges
 * on the longest way from a node without prerequisites. So no plan has fewer waves. O(nodes + edges).
 * Throws DEPENDENCY_CYCLE.
 */
export function assignWaves(graph: TaskGraph): Waves {
  const { order, levelOf } = peelAcyclic(graph);
  const last = order.at(-1);
  const count = last === undefined ? 0 : at(levelOf, last) + 1;
  // The counting sort keeps nodes of one wave in rising order.
  const nodes = new Int32Array(graph.size).map((_, node) => node);
  const { offsets, targets } = groupBySource(graph.size, levelOf, nodes);
  return { count, waveOf: levelOf, nodesByWave: { offsets: offsets.slice(0, count + 1), targets } };
}
