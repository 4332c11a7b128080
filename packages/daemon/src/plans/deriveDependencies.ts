import { createPhaseCloser } from './closePhases.js';
import { at } from './csrGraph.js';
import type { ResolvedPhases } from './resolvePhases.js';
import type { ResolvedTasks } from './resolveReferences.js';

export const dependenciesMax = 2_000_000;

/** Bounds the time spent on those that turn out to be there already. */
const consideredMax = 10 * dependenciesMax;

export interface DerivedDependencies {
  /** For each task the prerequisites that follow from parents and are not written, each once. */
  readonly derived: readonly (readonly number[])[];
  /** How many make a parent close after its children. */
  readonly closesLast: number;
  /** How many a task has from its parents. */
  readonly inherited: number;
  /** How many make a task wait for the last tasks of a phase. */
  readonly afterPhases: number;
}

/**
 * What follows from parents and phases: a parent waits for its children, and a child waits for whatever its parents (to the
 * top) wait for by what the file says. Not inherited is what lies inside that parent: that an epic waits for its
 * own task A is only another way to say that it closes last, and must not make its task B wait for A. What comes
 * after a phase waits for the last tasks of it, unless it waits for a task that does so already.
 *
 * Returns null when written and derived dependencies together are more than 2,000,000.
 */
export function deriveDependencies(
  resolved: ResolvedTasks,
  parents: Int32Array,
  phases: ResolvedPhases,
): DerivedDependencies | null {
  const { tasks, prerequisites, extraParents } = resolved;
  const count = parents.length;
  const derived: number[][] = Array.from({ length: count }, () => []);
  const children = listChildren(parents);
  const tree = numberTree(children, parents);
  const waitingParents = findWaitingParents(tree.order, parents, prerequisites);
  const isInside = (node: number, ancestor: number): boolean =>
    at(tree.enteredAt, ancestor) <= at(tree.enteredAt, node) &&
    at(tree.leftAt, node) <= at(tree.leftAt, ancestor);

  const extraChildren: number[][] = Array.from({ length: count }, () => []);
  for (const [child, list] of extraParents.entries()) {
    for (const parent of list) extraChildren[parent]?.push(child);
  }

  let total = prerequisites.reduce((sum, list) => sum + list.length, 0);
  let considered = 0;
  let closesLast = 0;
  let inherited = 0;
  let afterPhases = 0;
  const closePhase = createPhaseCloser(resolved, parents, phases);
  const seenBy = new Int32Array(count).fill(-1);
  for (let task = 0; task < count; task += 1) {
    for (const target of prerequisites[task] ?? []) seenBy[target] = task;
    for (const child of [...(children[task] ?? []), ...(extraChildren[task] ?? [])]) {
      closesLast += add(task, child);
    }
    for (let parent = at(waitingParents, task); parent !== -1; parent = at(waitingParents, parent)) {
      for (const target of prerequisites[parent] ?? []) {
        if (!isInside(target, parent)) inherited += add(task, target);
      }
      considered += prerequisites[parent]?.length ?? 0;
      if (considered > consideredMax) return null;
    }
    for (const phase of phases.waits[task] ?? []) {
      considered += prerequisites[task]?.length ?? 0;
      if (prerequisites[task]?.some((other) => phases.waits[other]?.includes(phase))) continue;
      for (const last of closePhase(phase)) {
        considered += 1;
        afterPhases += add(task, last);
        if (total > dependenciesMax) return null;
      }
    }
    if (total > dependenciesMax || considered > consideredMax) return null;
  }
  return { derived, closesLast, inherited, afterPhases };

  function add(task: number, target: number): 0 | 1 {
    // What is cancelled never gets done: the file may wait for it, and is warned; nothing else does.
    if (target === task || seenBy[target] === task || tasks[target]?.status === 'cancelled') return 0;
    seenBy[target] = task;
    derived[task]?.push(target);
    total += 1;
    return 1;
  }
}

function listChildren(parents: Int32Array): number[][] {
  const children: number[][] = Array.from({ length: parents.length }, () => []);
  for (const [child, parent] of parents.entries()) {
    if (parent !== -1) children[parent]?.push(child);
  }
  return children;
}

/** When a walk through the tree of parents enters and leaves each task: tells "is inside of" in one comparison. */
function numberTree(children: readonly (readonly number[])[], parents: Int32Array) {
  const enteredAt = new Int32Array(parents.length);
  const leftAt = new Int32Array(parents.length);
  const order: number[] = [];
  const stack: number[] = [];
  for (const [root, parent] of parents.entries()) {
    if (parent !== -1) continue;
    stack.push(root);
    for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
      if (node < 0) {
        leftAt[~node] = order.length;
        continue;
      }
      order.push(node);
      enteredAt[node] = order.length;
      stack.push(~node);
      for (const child of children[node] ?? []) stack.push(child);
    }
  }
  return { order, enteredAt, leftAt };
}

/** For each task the nearest parent (or parent of that) that waits for something itself: most don't. */
function findWaitingParents(
  parentsFirst: readonly number[],
  parents: Int32Array,
  prerequisites: readonly (readonly number[])[],
): Int32Array {
  const waiting = new Int32Array(parents.length).fill(-1);
  for (const task of parentsFirst) {
    const parent = at(parents, task);
    if (parent === -1) continue;
    waiting[task] = (prerequisites[parent]?.length ?? 0) > 0 ? parent : at(waiting, parent);
  }
  return waiting;
}
