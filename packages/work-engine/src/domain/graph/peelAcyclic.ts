import { NeolithError } from '@neolith/contracts';
import { findCycle } from './findCycle.js';
import { type Levels, peelLevels } from './peelLevels.js';
import type { TaskGraph } from './taskGraph.js';

/** The levels of every node, for what has no answer in a graph with a cycle. Throws DEPENDENCY_CYCLE with the path. */
export function peelAcyclic(graph: TaskGraph): Levels {
  const levels = peelLevels(graph);
  if (levels.order.length === graph.size) return levels;
  const path = findCycle(graph) as string[];
  throw new NeolithError(
    'DEPENDENCY_CYCLE',
    `These tasks depend on one another in a cycle: ${path.join(' → ')}; take one of these dependencies out`,
    { details: { path } },
  );
}
