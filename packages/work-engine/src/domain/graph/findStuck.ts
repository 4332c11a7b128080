import type { TaskStatus } from '@neolith/contracts';
import { at } from './adjacency.js';
import { findStrongComponents } from './strongComponents.js';
import type { BuiltGraph, TaskGraph } from './taskGraph.js';

/** What is wrong with the task at fault. */
export type StuckReason =
  /** It lies on a cycle of tasks that wait for one another. */
  | 'CYCLE'
  /** It depends on itself. */
  | 'SELF'
  /** It depends on an id that is no task. */
  | 'DANGLING'
  | 'FAILED'
  | 'CANCELLED';

export interface StuckNodes {
  /** The nodes that can never run as things are, in rising order. */
  readonly nodes: Int32Array;
  /** For each node of the graph: the nearest node at fault, itself when it is; -1 when it can run. */
  readonly causeOf: Int32Array;
  /** The prerequisite through which the cause is reached; -1 for a node that is its own cause, and when it can run. */
  readonly viaOf: Int32Array;
  /** The number of edges to the cause: 0 for a node that is its own. */
  readonly distanceOf: Int32Array;
  /** What is wrong with a node at fault. */
  reasonAt(cause: number): StuckReason;
}

/**
 * Finds the tasks that can never run, and the nearest cause of each. A task is stuck when it is in a cycle, depends on
 * itself or on an unknown id, or depends, directly or not, on a task that is stuck, FAILED or CANCELLED. Tasks that are
 * DONE or have started (IN_PROGRESS, MERGING) hold nobody up, and a cycle through one is open. FAILED and CANCELLED
 * tasks are causes and not listed themselves. Of several causes equally near it takes the one given first.
 * O(nodes + edges).
 *
 * @param statusOf The status of each node. Default: all TODO.
 */
export function findStuck(
  built: BuiltGraph,
  statusOf: (node: number) => TaskStatus = () => 'TODO',
): StuckNodes {
  const { graph } = built;
  const waits = (node: number): boolean => {
    const status = statusOf(node);
    return status === 'TODO' || status === 'BLOCKED';
  };
  const faults = findFaults(built, statusOf, waits);
  const spread = spreadFromFaults(graph, [...faults.keys()], waits);
  return { ...spread, reasonAt: (cause) => faults.get(cause) as StuckReason };
}

/** The nodes at fault in rising order. When several things are wrong with one, the first of `StuckReason` counts. */
function findFaults(
  { graph, selfDependencies, danglingEdges }: BuiltGraph,
  statusOf: (node: number) => TaskStatus,
  waits: (node: number) => boolean,
): Map<number, StuckReason> {
  const { componentOf, sizes } = findStrongComponents(graph, waits);
  const dependsOnItself = new Set(selfDependencies.map((id) => graph.indexOf(id)));
  const dependsOnUnknown = new Set(danglingEdges.map((edge) => graph.indexOf(edge.dependent)));
  const faults = new Map<number, StuckReason>();
  for (let node = 0; node < graph.size; node += 1) {
    const status = statusOf(node);
    if (status === 'FAILED' || status === 'CANCELLED') faults.set(node, status);
    else if (!waits(node)) continue;
    else if ((sizes[at(componentOf, node)] as number) > 1) faults.set(node, 'CYCLE');
    else if (dependsOnItself.has(node)) faults.set(node, 'SELF');
    else if (dependsOnUnknown.has(node)) faults.set(node, 'DANGLING');
  }
  return faults;
}

/** Breadth-first from all faults at once, along dependents that still wait: the first to reach a node is nearest. */
function spreadFromFaults(
  { size, dependents: { offsets, targets } }: TaskGraph,
  faults: readonly number[],
  waits: (node: number) => boolean,
): Omit<StuckNodes, 'reasonAt'> {
  const causeOf = new Int32Array(size).fill(-1);
  const viaOf = new Int32Array(size).fill(-1);
  const distanceOf = new Int32Array(size);
  const queue = new Int32Array(size);
  queue.set(faults);
  for (const fault of faults) causeOf[fault] = fault;
  let queued = faults.length;
  for (let head = 0; head < queued; head += 1) {
    const node = at(queue, head);
    const end = at(offsets, node + 1);
    for (let edge = at(offsets, node); edge < end; edge += 1) {
      const dependent = at(targets, edge);
      if (at(causeOf, dependent) !== -1 || !waits(dependent)) continue;
      causeOf[dependent] = at(causeOf, node);
      viaOf[dependent] = node;
      distanceOf[dependent] = at(distanceOf, node) + 1;
      queue[queued] = dependent;
      queued += 1;
    }
  }
  const nodes = queue.subarray(0, queued).filter(waits).sort();
  // A failed task is a cause, and nothing holds it up.
  for (const fault of faults) if (!waits(fault)) causeOf[fault] = -1;
  return { nodes, causeOf, viaOf, distanceOf };
}
