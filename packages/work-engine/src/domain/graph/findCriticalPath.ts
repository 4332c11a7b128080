import { NeolithError } from '@neolith/contracts';
import { at, neighboursOf } from './adjacency.js';
import { peelAcyclic } from './peelAcyclic.js';
import type { TaskGraph } from './taskGraph.js';

/** All times are seconds after the start of the whole. Arrays have one element a node. */
export interface CriticalPath {
  /** How long the whole takes when nothing waits for anything but its prerequisites. */
  readonly totalSeconds: number;
  /** A longest chain, from a node without prerequisites to one that ends last. Empty for an empty graph. */
  readonly path: Int32Array;
  readonly earliestStart: Float64Array;
  readonly earliestFinish: Float64Array;
  /** Started later, or ended later, the whole takes longer. */
  readonly latestStart: Float64Array;
  readonly latestFinish: Float64Array;
  /** Total slack: how much a node may be late; 0 on every longest chain. */
  readonly slack: Float64Array;
}

/**
 * A chain of 1,000,000 sums makes an error of 1e-10 of the total at most; slack below this share of the total is
 * such an error. Whole numbers have none.
 */
const ROUNDING = 1e-9;

/**
 * The critical path method (J. Kelley and M. Walker, "Critical-path planning and scheduling", 1959): a pass along the
 * edges for what can start when, a pass back for what has to. For what is left of a run, give done nodes 0 seconds.
 * Of several longest chains it reports the one whose nodes, from the last to the first, were given first.
 * O(nodes + edges). Throws DEPENDENCY_CYCLE; INVALID_INPUT for a duration that is negative or no finite number, or
 * when there isn't one for each node.
 */
export function findCriticalPath(
  graph: TaskGraph,
  durations: Float64Array | ((node: number) => number),
): CriticalPath {
  const seconds = readDurations(graph, durations);
  const { order } = peelAcyclic(graph);
  const { prerequisites, dependents } = graph;

  const earliestStart = new Float64Array(graph.size);
  const earliestFinish = new Float64Array(graph.size);
  let totalSeconds = 0;
  for (const node of order) {
    const finish = (earliestStart[node] as number) + (seconds[node] as number);
    earliestFinish[node] = finish;
    if (finish > totalSeconds) totalSeconds = finish;
    const end = at(dependents.offsets, node + 1);
    for (let edge = at(dependents.offsets, node); edge < end; edge += 1) {
      const dependent = at(dependents.targets, edge);
      if (finish > (earliestStart[dependent] as number)) earliestStart[dependent] = finish;
    }
  }

  const latestStart = new Float64Array(graph.size);
  const latestFinish = new Float64Array(graph.size).fill(totalSeconds);
  const slack = new Float64Array(graph.size);
  for (let position = graph.size - 1; position >= 0; position -= 1) {
    const node = at(order, position);
    const start = (latestFinish[node] as number) - (seconds[node] as number);
    latestStart[node] = start;
    const late = start - (earliestStart[node] as number);
    slack[node] = late > totalSeconds * ROUNDING ? late : 0;
    const end = at(prerequisites.offsets, node + 1);
    for (let edge = at(prerequisites.offsets, node); edge < end; edge += 1) {
      const prerequisite = at(prerequisites.targets, edge);
      if (start < (latestFinish[prerequisite] as number)) latestFinish[prerequisite] = start;
    }
  }

  const path = traceBack(graph, totalSeconds, earliestStart, earliestFinish);
  return { totalSeconds, path, earliestStart, earliestFinish, latestStart, latestFinish, slack };
}

function readDurations(graph: TaskGraph, durations: Float64Array | ((node: number) => number)): Float64Array {
  if (typeof durations !== 'function' && durations.length !== graph.size) {
    throw new NeolithError(
      'INVALID_INPUT',
      `There are ${durations.length} durations for ${graph.size} tasks; give one for each`,
    );
  }
  const seconds =
    typeof durations === 'function'
      ? Float64Array.from({ length: graph.size }, (_, node) => durations(node))
      : durations;
  const wrong = seconds.findIndex((duration) => !Number.isFinite(duration) || duration < 0);
  if (wrong === -1) return seconds;
  throw new NeolithError(
    'INVALID_INPUT',
    `Task ${graph.ids[wrong]} has a duration of ${seconds[wrong]} seconds; give a finite number, 0 or more`,
    { details: { id: graph.ids[wrong] } },
  );
}

/** From the end back to what each node waited for longest: its start is that one's finish, to the last bit. */
function traceBack(
  graph: TaskGraph,
  totalSeconds: number,
  earliestStart: Float64Array,
  earliestFinish: Float64Array,
): Int32Array {
  const path: number[] = [];
  let node = earliestFinish.indexOf(totalSeconds);
  while (node !== -1) {
    path.push(node);
    const start = earliestStart[node];
    let before = -1;
    for (const prerequisite of neighboursOf(graph.prerequisites, node)) {
      if (earliestFinish[prerequisite] !== start) continue;
      if (before === -1 || prerequisite < before) before = prerequisite;
    }
    node = before;
  }
  return Int32Array.from(path.reverse());
}
