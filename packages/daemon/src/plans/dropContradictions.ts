import { at, type CsrGraph, createCsrGraph, reverseCsrGraph } from './csrGraph.js';
import type { DroppedDependency } from './droppedDependency.js';
import { findComponents } from './findComponents.js';
import { restoreHarmless } from './restoreHarmless.js';

/**
 * Finds derived dependencies to leave out so that no cycle is left; written ones are always kept and must hold no
 * cycle. Each group of tasks that wait for one another is put in an order: when nothing in it is free, the first
 * task (in file order) that waits for no written prerequisite any more gives up the derived ones it still waits
 * for. Of those given up, the ones that turn out to do no harm are taken back.
 */
export function dropContradictions(
  written: readonly (readonly number[])[],
  derived: readonly (readonly number[])[],
): DroppedDependency[] {
  const graph = createCsrGraph(written.map((list, task) => list.concat(derived[task] ?? [])));
  const components = findComponents(graph);
  if (components.length === 0) return [];
  const component = new Int32Array(graph.nodeCount).fill(-1);
  for (const [number, members] of components.entries()) {
    for (const member of members) component[member] = number;
  }
  const order: Order = {
    written,
    graph,
    component,
    dependents: reverseCsrGraph(graph),
    writtenDependents: reverseCsrGraph(createCsrGraph(written)),
  };
  const dropped = components.flatMap((members) => orderComponent(members, order));
  return restoreHarmless(graph, dropped);
}

interface Order {
  readonly written: readonly (readonly number[])[];
  readonly graph: CsrGraph;
  readonly dependents: CsrGraph;
  readonly writtenDependents: CsrGraph;
  readonly component: Int32Array;
}

function orderComponent(members: readonly number[], order: Order): DroppedDependency[] {
  const { written, graph, dependents, writtenDependents, component } = order;
  const dropped: DroppedDependency[] = [];
  const isInside = (node: number) => component[node] === component[members[0] ?? 0];
  // The written prerequisites come first among a task's edges.
  const isWritten = (task: number, edge: number) =>
    edge - at(graph.offsets, task) < (written[task]?.length ?? 0);
  const waitsForAny = new Map<number, number>();
  const waitsForWritten = new Map<number, number>();
  const placed = new Set<number>();
  const free: number[] = [];
  const freeOfWritten: number[] = [];

  for (const task of members) {
    let any = 0;
    let ofWritten = 0;
    for (let edge = at(graph.offsets, task); edge < at(graph.offsets, task + 1); edge += 1) {
      if (!isInside(at(graph.targets, edge))) continue;
      any += 1;
      if (isWritten(task, edge)) ofWritten += 1;
    }
    waitsForAny.set(task, any);
    waitsForWritten.set(task, ofWritten);
    if (ofWritten === 0) freeOfWritten.push(task);
  }

  let nextFree = 0;
  let nextFreeOfWritten = 0;
  while (placed.size < members.length) {
    const task = free[nextFree];
    if (task !== undefined) {
      nextFree += 1;
      place(task);
      continue;
    }
    const stuck = freeOfWritten[nextFreeOfWritten];
    // Written dependencies hold no cycle, so among the tasks left one is always free of them.
    if (stuck === undefined)
      throw new Error('The written dependencies hold a cycle; check them before the derived ones.');
    nextFreeOfWritten += 1;
    if (placed.has(stuck)) continue;
    for (let edge = at(graph.offsets, stuck); edge < at(graph.offsets, stuck + 1); edge += 1) {
      const prerequisite = at(graph.targets, edge);
      if (isInside(prerequisite) && !placed.has(prerequisite)) dropped.push({ task: stuck, prerequisite });
    }
    place(stuck);
  }
  return dropped;

  function place(task: number): void {
    if (placed.has(task)) return;
    placed.add(task);
    countDown(dependents, task, waitsForAny, free);
    countDown(writtenDependents, task, waitsForWritten, freeOfWritten);
  }

  function countDown(from: CsrGraph, task: number, waits: Map<number, number>, ready: number[]): void {
    for (let edge = at(from.offsets, task); edge < at(from.offsets, task + 1); edge += 1) {
      const dependent = at(from.targets, edge);
      if (!isInside(dependent) || placed.has(dependent)) continue;
      const left = (waits.get(dependent) ?? 0) - 1;
      waits.set(dependent, left);
      if (left === 0) ready.push(dependent);
    }
  }
}
