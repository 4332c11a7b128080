import type { TaskStatus } from '@neolith/contracts';
import { at } from './adjacency.js';
import { nameCycle } from './findCycle.js';
import { findRedundantEdges, type ReductionLimits } from './findRedundantEdges.js';
import { findShortCycles } from './findShortCycles.js';
import { findStuck, type StuckReason } from './findStuck.js';
import type { BuiltGraph, Edge } from './taskGraph.js';
import { findWeakComponents } from './weakComponents.js';

/** All of what was found is counted; a million of anything is no use to a reader, so not all of it is listed. */
export interface Findings<Finding> {
  readonly count: number;
  /** The first `maxListed`. */
  readonly listed: readonly Finding[];
}

export interface GraphPart {
  readonly size: number;
  /** The task of the part that was given first. */
  readonly firstTask: string;
}

export interface StuckTask {
  readonly task: string;
  /** What is wrong with `cause`. `CYCLE` at distance 0: the task is in the cycle; farther: it is behind it. */
  readonly reason: StuckReason;
  /** The nearest task at fault; the task itself at distance 0. */
  readonly cause: string;
  /** The prerequisite through which the cause is reached; null at distance 0. */
  readonly via: string | null;
  /** The number of dependencies between the task and the cause. */
  readonly distance: number;
}

export interface GraphDiagnosis {
  readonly taskCount: number;
  readonly edgeCount: number;
  readonly duplicateIds: Findings<string>;
  readonly danglingEdges: Findings<Edge>;
  readonly selfDependencies: Findings<string>;
  readonly duplicateEdges: Findings<Edge>;
  /** `uncheckedTasks` above 0: there may be more, a limit was reached (see `findRedundantEdges`). */
  readonly redundantEdges: Findings<Edge> & { readonly uncheckedTasks: number };
  /** The parts between which there is no dependency, largest first. One part: everything hangs together. */
  readonly parts: Findings<GraphPart>;
  /** One cycle `[a, b, a]` for each group of tasks that depend on one another. */
  readonly cycles: Findings<readonly string[]>;
  /** The tasks that can never run, in the given order. */
  readonly stuckTasks: Findings<StuckTask>;
}

export interface DiagnosisOptions {
  /** The status of each node. Default: all TODO. Only `stuckTasks` depends on it. */
  readonly statusOf?: (node: number) => TaskStatus;
  /** How many findings of each kind are listed. Default 1,000. */
  readonly maxListed?: number;
  /** Bounds the only costly part of a diagnosis. Default: those of `findRedundantEdges`. */
  readonly reduction?: ReductionLimits;
}

/**
 * Everything that is wrong or odd about tasks and their dependencies. Never throws for what the tasks say.
 * O(nodes + edges), but for the redundant edges, which have limits of their own.
 */
export function diagnoseGraph(built: BuiltGraph, options: DiagnosisOptions = {}): GraphDiagnosis {
  const { statusOf, maxListed = 1_000, reduction } = options;
  const { graph } = built;
  const list = <Found, Finding>(
    found: { readonly length: number; slice(begin: number, end: number): Iterable<Found> },
    describe: (found: Found, position: number) => Finding,
  ): Findings<Finding> => ({
    count: found.length,
    listed: Array.from(found.slice(0, maxListed), describe),
  });
  const asItIs = <Finding>(findings: readonly Finding[]): Findings<Finding> => list(findings, (each) => each);
  const nameOf = (node: number): string => graph.ids[node] as string;

  const redundant = findRedundantEdges(graph, reduction);
  const stuck = findStuck(built, statusOf);
  return {
    taskCount: graph.size,
    edgeCount: graph.edgeCount,
    duplicateIds: asItIs(built.duplicateIds),
    danglingEdges: asItIs(built.danglingEdges),
    selfDependencies: asItIs(built.selfDependencies),
    duplicateEdges: asItIs(built.duplicateEdges),
    redundantEdges: {
      ...list(redundant.dependents, (dependent, position) => ({
        dependent: nameOf(dependent),
        prerequisite: nameOf(at(redundant.prerequisites, position)),
      })),
      uncheckedTasks: redundant.uncheckedTasks,
    },
    parts: list(findParts(built), ({ size, firstNode }) => ({ size, firstTask: nameOf(firstNode) })),
    cycles: list(findShortCycles(graph), (cycle) => nameCycle(graph, cycle)),
    stuckTasks: list(stuck.nodes, (node) => {
      const cause = at(stuck.causeOf, node);
      const via = at(stuck.viaOf, node);
      return {
        task: nameOf(node),
        reason: stuck.reasonAt(cause),
        cause: nameOf(cause),
        via: via === -1 ? null : nameOf(via),
        distance: at(stuck.distanceOf, node),
      };
    }),
  };
}

/** Largest first, then by their first nodes. */
function findParts({ graph }: BuiltGraph): { size: number; firstNode: number }[] {
  const { componentOf, sizes } = findWeakComponents(graph);
  const parts: { size: number; firstNode: number }[] = [];
  for (let node = 0; node < graph.size; node += 1) {
    // Components are numbered by their first nodes, so each is met in its turn.
    if (at(componentOf, node) === parts.length)
      parts.push({ size: at(sizes, parts.length), firstNode: node });
  }
  return parts.sort((a, b) => b.size - a.size || a.firstNode - b.firstNode);
}
