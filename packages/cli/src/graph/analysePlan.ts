import type { RunGraph } from '@neolith/contracts';
import type { NormalisedPlan, NormalisedTask } from '@neolith/daemon';
import { findRedundant } from './findRedundant.js';

/** The graph of a plan in the form in which the server tells that of a run, as far as a file knows it. */
export type PlanAnalysis = Pick<NonNullable<RunGraph['graph']>, 'waves' | 'criticalPath' | 'diagnosis'> & {
  readonly tasks: readonly PlanAnalysisTask[];
  /** `[dependent, prerequisite]`, by their place in `tasks`. */
  readonly edges: readonly (readonly [number, number])[];
};

export interface PlanAnalysisTask {
  readonly id: string;
  readonly title: string;
  readonly status: NormalisedTask['status'];
  readonly wave: number;
  readonly critical: boolean;
  /** By how much it may be late without delaying the end. */
  readonly slackSeconds: number;
}

/** How long a task takes about which nothing is known, as for runs. */
export const ASSUMED_SECONDS = 1_800;
const LISTED_MAX = 100;

/**
 * Waves, critical path and oddities of a plan that was read: one without cycles. Durations are estimates, or half an
 * hour; what is done or cancelled takes no time. Linear but for redundant dependencies, whose search is bounded. Pure.
 */
export function analysePlan(plan: Pick<NormalisedPlan, 'tasks'>): PlanAnalysis {
  const { tasks } = plan;
  const placeOf = new Map(tasks.map(({ sourceId }, place) => [sourceId, place]));
  const prerequisites = tasks.map(({ dependsOn }) => dependsOn.flatMap((id) => placeOf.get(id) ?? []));
  const dependents = tasks.map((): number[] => []);
  for (const [place, list] of prerequisites.entries())
    for (const prerequisite of list) dependents[prerequisite]?.push(place);
  const order = sortByWaves(prerequisites, dependents);
  const at = (list: readonly number[], place: number): number => list[place] ?? 0;

  const seconds = tasks.map(({ status, estimateMinutes }) =>
    status === 'open' ? (estimateMinutes === null ? ASSUMED_SECONDS : estimateMinutes * 60) : 0,
  );
  const wave = tasks.map(() => 0);
  /** The longest chain that ends with the task, and the longest that begins with it. */
  const until = [...seconds];
  const from = [...seconds];
  for (const place of order) {
    for (const prerequisite of prerequisites[place] ?? []) {
      wave[place] = Math.max(at(wave, place), at(wave, prerequisite) + 1);
      until[place] = Math.max(at(until, place), at(until, prerequisite) + at(seconds, place));
    }
  }
  for (const place of [...order].reverse()) {
    for (const dependent of dependents[place] ?? [])
      from[place] = Math.max(at(from, place), at(from, dependent) + at(seconds, place));
  }
  const longest = until.reduce((most, one) => Math.max(most, one), 0);
  const path = followPath({ seconds, until, prerequisites, longest });
  const critical = new Set(path);
  const waves: string[][] = [];
  for (const [place, number] of wave.entries()) {
    waves[number] ??= [];
    waves[number].push(tasks[place]?.sourceId ?? '');
  }
  return {
    tasks: tasks.map(({ sourceId, title, status }, place) => ({
      id: sourceId,
      title,
      status,
      wave: at(wave, place),
      critical: critical.has(place),
      slackSeconds: longest - (at(until, place) + at(from, place) - at(seconds, place)),
    })),
    edges: prerequisites.flatMap((list, place) => list.map((one) => [place, one] as const)),
    waves,
    criticalPath: { taskIds: path.map((place) => tasks[place]?.sourceId ?? ''), seconds: longest },
    diagnosis: diagnose(tasks, { prerequisites, dependents, order, wave }),
  };
}

/** Prerequisites first (Kahn). Without recursion: chains may be as long as the plan. */
function sortByWaves(
  prerequisites: readonly (readonly number[])[],
  dependents: readonly (readonly number[])[],
): number[] {
  const unmet = prerequisites.map((list) => list.length);
  const order = unmet.flatMap((count, place) => (count === 0 ? [place] : []));
  for (const place of order) {
    for (const dependent of dependents[place] ?? []) {
      const left = (unmet[dependent] ?? 0) - 1;
      unmet[dependent] = left;
      if (left === 0) order.push(dependent);
    }
  }
  return order;
}

/** The first of the longest chains, from its beginning; of what takes time. */
function followPath(graph: {
  seconds: readonly number[];
  until: readonly number[];
  prerequisites: readonly (readonly number[])[];
  longest: number;
}): number[] {
  const { seconds, until, prerequisites, longest } = graph;
  if (longest === 0) return [];
  const path: number[] = [];
  let place: number | undefined = until.indexOf(longest);
  while (place !== undefined && place >= 0) {
    if ((seconds[place] ?? 0) > 0) path.push(place);
    const before: number = (until[place] ?? 0) - (seconds[place] ?? 0);
    place = before <= 0 ? undefined : prerequisites[place]?.find((one) => until[one] === before);
  }
  return path.reverse();
}

function diagnose(
  tasks: readonly NormalisedTask[],
  graph: {
    prerequisites: readonly (readonly number[])[];
    dependents: readonly (readonly number[])[];
    order: readonly number[];
    wave: readonly number[];
  },
): PlanAnalysis['diagnosis'] {
  const title = (place: number): string => JSON.stringify(tasks[place]?.title ?? '');
  const id = (place: number): string => tasks[place]?.sourceId ?? '';
  const notes: PlanAnalysis['diagnosis'] = [];
  // What follows from parents and phases is nobody's to tidy up.
  const derived = tasks.map(({ derivedDependsOn }) => new Set(derivedDependsOn));
  const isWritten = (dependent: number, prerequisite: number): boolean =>
    derived[dependent]?.has(id(prerequisite)) !== true;
  /** Of a task that can never run: the cancelled one that it waits for. */
  const cause = new Map<number, number>();
  for (const place of graph.order) {
    if (tasks[place]?.status !== 'open') continue;
    for (const prerequisite of graph.prerequisites[place] ?? []) {
      const found = tasks[prerequisite]?.status === 'cancelled' ? prerequisite : cause.get(prerequisite);
      if (found !== undefined && !cause.has(place)) cause.set(place, found);
    }
  }
  for (const [place, because] of [...cause].slice(0, LISTED_MAX)) {
    notes.push({
      code: 'NEVER_RUNS',
      message: `${title(place)} can never run: ${title(because)} was cancelled`,
      taskIds: [id(place)],
    });
  }
  for (const [dependent, prerequisite] of findRedundant(graph, LISTED_MAX, isWritten)) {
    notes.push({
      code: 'REDUNDANT_DEPENDENCY',
      message: `${title(dependent)} depends on ${title(prerequisite)} also by way of others; the direct dependency says nothing new`,
      taskIds: [id(dependent), id(prerequisite)],
    });
  }
  const parts = countParts(graph);
  if (parts.length > 1) {
    notes.push({
      code: 'SEPARATE_PARTS',
      message: `The tasks fall into ${parts.length} parts that don't depend on one another; the largest has ${parts.reduce((most, size) => Math.max(most, size), 0)} of ${tasks.length} tasks`,
      taskIds: [],
    });
  }
  return notes;
}

/** The sizes of the parts that hang together. */
function countParts(graph: {
  prerequisites: readonly (readonly number[])[];
  dependents: readonly (readonly number[])[];
}): number[] {
  const seen = new Set<number>();
  const sizes: number[] = [];
  for (const start of graph.prerequisites.keys()) {
    if (seen.has(start)) continue;
    seen.add(start);
    const reached = [start];
    for (const place of reached) {
      for (const next of [...(graph.prerequisites[place] ?? []), ...(graph.dependents[place] ?? [])]) {
        if (seen.has(next)) continue;
        seen.add(next);
        reached.push(next);
      }
    }
    sizes.push(reached.length);
  }
  return sizes;
}
