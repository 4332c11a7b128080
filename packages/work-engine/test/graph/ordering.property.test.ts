import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  assignWaves,
  buildGraph,
  findCycle,
  neighboursOf,
  sortTopologically,
} from '../../src/domain/graph/index.js';
import { acyclicTasks, anyTasks, makeLargeTasks, type RawTask } from './support/arbitraries.js';
import { findUnsortable, makePlain, measureDistances, type Plain, weighChains } from './support/naive.js';

/** The answer of the definition: again and again the first task whose prerequisites are all there. */
function sortPlainly(plain: Plain): number[] {
  const order: number[] = [];
  while (order.length < plain.length) {
    const next = plain.findIndex(
      (before, node) => !order.includes(node) && [...before].every((each) => order.includes(each)),
    );
    order.push(next);
  }
  return order;
}

function expectCycle(tasks: readonly RawTask[], cycle: readonly string[]): void {
  expect(cycle.length).toBeGreaterThan(2);
  expect(cycle.at(-1)).toBe(cycle[0]);
  expect(new Set(cycle).size).toBe(cycle.length - 1);
  const taskOf = new Map(tasks.map((task) => [task.id, task]));
  for (const [step, id] of cycle.slice(1).entries())
    expect(taskOf.get(cycle[step] as string)?.dependsOn).toContain(id);
}

describe('the order', () => {
  test('takes each task after its prerequisites, and the first given of those that could be next', () => {
    fc.assert(
      fc.property(acyclicTasks(40), (tasks) => {
        const sorted = sortTopologically(buildGraph(tasks).graph);
        expect(sorted).toEqual({ kind: 'sorted', order: Int32Array.from(sortPlainly(makePlain(tasks))) });
      }),
      { numRuns: 300 },
    );
  });

  test.each([1, 2, 3])('of 10,000 tasks respects every edge (seed %i)', (seed) => {
    const tasks = makeLargeTasks(seed);
    const { graph } = buildGraph(tasks);
    const sorted = sortTopologically(graph);
    if (sorted.kind !== 'sorted') throw new Error(`A cycle was found: ${sorted.cycle}`);
    const seen = new Set<string>();
    for (const node of sorted.order) {
      expect(tasks[node]?.dependsOn.every((id) => seen.has(id))).toBe(true);
      seen.add(tasks[node]?.id as string);
    }
    expect(seen.size).toBe(tasks.length);
  });

  test('leaves tasks that are given in a possible order as they are', () => {
    const tasks = makeLargeTasks(4, { size: 2_000 });
    const { graph } = buildGraph(tasks);
    const sorted = sortTopologically(graph);
    if (sorted.kind !== 'sorted') throw new Error(`A cycle was found: ${sorted.cycle}`);
    const again = sortTopologically(
      buildGraph(Array.from(sorted.order, (node) => tasks[node] as RawTask)).graph,
    );
    expect(again).toEqual({ kind: 'sorted', order: Int32Array.from(tasks.keys()) });
  });
});

describe('a cycle', () => {
  test('is reported exactly when there is one, is one, is the shortest, and begins with its first task', () => {
    let withCycle = 0;
    fc.assert(
      fc.property(anyTasks(10, 'clean'), (tasks) => {
        const plain = makePlain(tasks);
        const { graph } = buildGraph(tasks);
        const cycle = findCycle(graph);
        const sorted = sortTopologically(graph);
        const shortest = Math.min(...measureDistances(plain).map((row, node) => row[node] as number));
        if (cycle === null) {
          expect(shortest).toBe(Number.POSITIVE_INFINITY);
          expect(sorted.kind).toBe('sorted');
          return;
        }
        withCycle += 1;
        expectCycle(tasks, cycle);
        expect(cycle.length - 1).toBe(shortest);
        expect(graph.indexOf(cycle[0] as string)).toBe(Math.min(...cycle.map((id) => graph.indexOf(id))));
        expect(sorted).toEqual({ kind: 'cycle', cycle });
        expect(() => assignWaves(graph)).toThrow(
          expect.objectContaining({ code: 'DEPENDENCY_CYCLE', details: { path: cycle } }),
        );
      }),
      { numRuns: 500 },
    );
    expect(withCycle).toBeGreaterThan(100);
  });

  test.each([
    [1, 0, 10_000],
    [2, 1, 10_000],
    [3, 1, 50],
    [4, 30, 20],
    [5, 3_000, 10_000],
  ])('among 10,000 tasks is found when there is one (seed %i, %i edges back)', (seed, backEdges, reach) => {
    const tasks = makeLargeTasks(seed, { backEdges, reach });
    const cycle = findCycle(buildGraph(tasks).graph);
    expect(cycle === null).toBe(findUnsortable(makePlain(tasks)).size === 0);
    if (cycle !== null) expectCycle(tasks, cycle);
    if (backEdges > 1) expect(cycle).not.toBeNull();
  });
});

describe('waves', () => {
  test('are the longest ways: each task in the first wave it can be in', () => {
    fc.assert(
      fc.property(acyclicTasks(40), (tasks) => {
        const waves = assignWaves(buildGraph(tasks).graph);
        const expected = weighChains(makePlain(tasks), () => 1).map((length) => length - 1);
        expect([...waves.waveOf]).toEqual(expected);
        expect(waves.count).toBe(Math.max(-1, ...expected) + 1);
        const byWave = Array.from({ length: waves.count }, (_, wave) => [
          ...neighboursOf(waves.nodesByWave, wave),
        ]);
        expect(byWave).toEqual(
          Array.from({ length: waves.count }, (_, wave) =>
            expected.flatMap((each, node) => (each === wave ? [node] : [])),
          ),
        );
        expect(waves.nodesByWave.offsets.length).toBe(waves.count + 1);
      }),
      { numRuns: 300 },
    );
  });

  test.each([
    [1, 10_000],
    [2, 100],
    [3, 5],
  ])('of 10,000 tasks are the longest ways, too (seed %i, reach %i)', (seed, reach) => {
    const tasks = makeLargeTasks(seed, { reach });
    const { graph } = buildGraph(tasks);
    const plain = makePlain(tasks);
    const { waveOf } = assignWaves(graph);
    for (const [node, before] of plain.entries()) {
      expect(waveOf[node]).toBe(Math.max(-1, ...[...before].map((each) => waveOf[each] as number)) + 1);
    }
  });
});
