import { at, createCsrGraph, reverseCsrGraph } from './csrGraph.js';
import type { ResolvedPhases } from './resolvePhases.js';
import type { ResolvedTasks } from './resolveReferences.js';

/**
 * Finds the tasks one has to wait for to know that a whole phase is done: those of the phase, and of the phases in
 * it, that no other task of it waits for. A phase without tasks is done when what it waits for is done. Each phase
 * is worked out once, when it is asked for first. Cancelled tasks count as not there: they never get done.
 */
export function createPhaseCloser(
  { prerequisites, tasks }: ResolvedTasks,
  taskParents: Int32Array,
  { phases, parents, after, phaseOf }: ResolvedPhases,
): (phase: number) => readonly number[] {
  const inner: number[][] = phases.map(() => []);
  for (const [phase, parent] of parents.entries()) if (parent !== -1) inner[parent]?.push(phase);
  const tasksOf: number[][] = phases.map(() => []);
  for (const [task, phase] of phaseOf.entries()) {
    if (phase !== -1 && tasks[task]?.status !== 'cancelled') tasksOf[phase]?.push(task);
  }
  let dependents: ReturnType<typeof reverseCsrGraph> | null = null;
  const inPhase = new Int32Array(tasks.length).fill(-1);
  const known = new Map<number, readonly number[]>();

  return (phase) => {
    const before = known.get(phase);
    if (before !== undefined) return before;
    const closing = [...new Set(listNearest(phase).flatMap(listLast))];
    known.set(phase, closing);
    return closing;
  };

  /** The phase itself if it has tasks, or else the nearest before it that have some. */
  function listNearest(start: number): number[] {
    const found: number[] = [];
    const seen = new Set([start]);
    const stack = [start];
    for (let phase = stack.pop(); phase !== undefined; phase = stack.pop()) {
      if (hasTasks(phase)) {
        found.push(phase);
        continue;
      }
      for (let around = phase; around !== -1; around = at(parents, around)) {
        for (const earlier of after[around] ?? []) {
          if (seen.has(earlier)) continue;
          seen.add(earlier);
          stack.push(earlier);
        }
      }
    }
    return found;
  }

  function hasTasks(phase: number): boolean {
    return listInner(phase).some((part) => (tasksOf[part]?.length ?? 0) > 0);
  }

  function listInner(phase: number): number[] {
    const all = [phase];
    // Grows while it is walked.
    for (const part of all) for (const child of inner[part] ?? []) all.push(child);
    return all;
  }

  function listLast(phase: number): number[] {
    const members = listInner(phase).flatMap((part) => tasksOf[part] ?? []);
    for (const member of members) inPhase[member] = phase;
    dependents ??= reverseCsrGraph(createCsrGraph(prerequisites));
    const { offsets, targets } = dependents;
    const isInside = (task: number) => task !== -1 && inPhase[task] === phase;
    const isAwaited = (task: number) => {
      for (let edge = at(offsets, task); edge < at(offsets, task + 1); edge += 1) {
        if (isInside(at(targets, edge))) return true;
      }
      return false;
    };
    return members.filter((task) => {
      const parent = at(taskParents, task);
      if (isAwaited(task)) return false;
      // A parent closes after its children, so waiting for the parent, or for what waits for it, is enough; but
      // not for a child that may itself wait for its parent.
      return !isInside(parent) || (isAwaited(parent) && (prerequisites[task]?.length ?? 0) > 0);
    });
  }
}
