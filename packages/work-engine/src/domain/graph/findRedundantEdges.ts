import { at, neighboursOf } from './adjacency.js';
import type { EdgePairs } from './assembleGraph.js';
import { peelLevels } from './peelLevels.js';
import type { TaskGraph } from './taskGraph.js';

/** How many edges may be walked. A million take about 30 ms among 10,000 tasks, 100 ms among 1,000,000. */
export interface ReductionLimits {
  /** Default 50,000,000. */
  readonly maxSteps?: number;
  /** For the prerequisites of one task, so that a few costly ones don't use up everything. Default 50,000. */
  readonly maxStepsPerTask?: number;
}

export interface RedundantEdges extends EdgePairs {
  /**
   * Tasks not looked at to the end, because a limit was reached: what is reported of them is redundant, and there
   * may be more. 0: the report is complete.
   */
  readonly uncheckedTasks: number;
}

/**
 * The edges that say nothing new: "a depends on c" when a depends on b, and b, directly or not, on c. Without them
 * all, the graph is its transitive reduction (A. Aho, M. Garey and J. Ullman, SIAM J. Comput. 1, 1972), which for a
 * graph without cycles is unique; what is in a cycle or behind one is left out. Ordered by dependent.
 *
 * From each task's prerequisites, the one of the highest level first, everything they depend on is marked; a
 * prerequisite that is marked when its turn comes is redundant, and need not be followed (after A. Goralčíková and
 * V. Koubek, MFCS 1979). Nothing below the lowest prerequisite not yet marked is visited, so in plans, where edges
 * are short, a task costs few steps. At worst each costs all edges, hence the limits.
 * O(min(maxSteps, nodes · min(edges, maxStepsPerTask))).
 */
export function findRedundantEdges(graph: TaskGraph, limits: ReductionLimits = {}): RedundantEdges {
  const { maxSteps = 50_000_000, maxStepsPerTask = 50_000 } = limits;
  const { levelOf } = peelLevels(graph);
  const walk = createMarkingWalk(graph, levelOf);
  const dependents: number[] = [];
  const prerequisites: number[] = [];
  let stepsLeft = maxSteps;
  let uncheckedTasks = 0;

  for (let node = 0; node < graph.size; node += 1) {
    if (at(levelOf, node) === -1) continue;
    const given = neighboursOf(graph.prerequisites, node);
    if (given.length < 2) continue;
    const fromHighest = given.slice().sort((a, b) => at(levelOf, b) - at(levelOf, a) || a - b);
    let lowest = fromHighest.length - 1;
    // All on one level: none can lead to another.
    if (at(levelOf, at(fromHighest, 0)) === at(levelOf, at(fromHighest, lowest))) continue;

    const allowed = Math.min(stepsLeft, maxStepsPerTask);
    let steps = 0;
    for (let turn = 0; turn < fromHighest.length; turn += 1) {
      const prerequisite = at(fromHighest, turn);
      if (walk.isMarked(prerequisite, node)) {
        dependents.push(node);
        prerequisites.push(prerequisite);
        continue;
      }
      while (walk.isMarked(at(fromHighest, lowest), node)) lowest -= 1;
      if (turn < lowest && steps < allowed) {
        steps += walk.markFrom(prerequisite, node, at(levelOf, at(fromHighest, lowest)), allowed - steps);
      }
    }
    stepsLeft -= steps;
    if (steps >= allowed) uncheckedTasks += 1;
  }
  return {
    dependents: Int32Array.from(dependents),
    prerequisites: Int32Array.from(prerequisites),
    uncheckedTasks,
  };
}

/** Marks are the number of the task they were made for, so that they need no cleaning. */
function createMarkingWalk({ size, prerequisites: { offsets, targets } }: TaskGraph, levelOf: Int32Array) {
  const markedFor = new Int32Array(size).fill(-1);
  const stack = new Int32Array(size);
  return {
    isMarked: (node: number, task: number): boolean => at(markedFor, node) === task,
    /** Marks what `start` depends on down to a level; returns the edges walked, `maxSteps` when it had to stop. */
    markFrom(start: number, task: number, lowestLevel: number, maxSteps: number): number {
      let steps = 0;
      let depth = 1;
      stack[0] = start;
      while (depth > 0) {
        depth -= 1;
        const node = at(stack, depth);
        const end = at(offsets, node + 1);
        for (let edge = at(offsets, node); edge < end; edge += 1) {
          if (steps === maxSteps) return steps;
          steps += 1;
          const target = at(targets, edge);
          const level = at(levelOf, target);
          if (level < lowestLevel || at(markedFor, target) === task) continue;
          markedFor[target] = task;
          if (level === lowestLevel) continue;
          stack[depth] = target;
          depth += 1;
        }
      }
      return steps;
    },
  };
}
