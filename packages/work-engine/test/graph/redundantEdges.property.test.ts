import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { buildGraph, findRedundantEdges, type TaskGraph } from '../../src/domain/graph/index.js';
import { acyclicTasks, anyTasks, makeLargeTasks } from './support/arbitraries.js';
import { findUnsortable, hasOtherWay, makePlain, type Plain } from './support/naive.js';

const namesOf = (found: { dependents: Int32Array; prerequisites: Int32Array }) =>
  Array.from(
    found.dependents,
    (dependent, edge) => `${dependent} on ${found.prerequisites[edge]}`,
  ).toSorted();

function listRedundant(plain: Plain, left: ReadonlySet<number> = new Set()): string[] {
  return plain
    .flatMap((before, node) =>
      left.has(node)
        ? []
        : [...before].filter((each) => hasOtherWay(plain, node, each)).map((each) => `${node} on ${each}`),
    )
    .toSorted();
}

describe('redundant edges', () => {
  test('are those that the transitive reduction is without', () => {
    let found = 0;
    fc.assert(
      fc.property(acyclicTasks(25), (tasks) => {
        const redundant = findRedundantEdges(buildGraph(tasks).graph);
        expect(namesOf(redundant)).toEqual(listRedundant(makePlain(tasks)));
        expect(redundant.uncheckedTasks).toBe(0);
        found += redundant.dependents.length;
      }),
      { numRuns: 500 },
    );
    expect(found).toBeGreaterThan(500);
  });

  test('are not looked for in cycles and behind them', () => {
    fc.assert(
      fc.property(anyTasks(15, 'clean'), (tasks) => {
        const plain = makePlain(tasks);
        const redundant = findRedundantEdges(buildGraph(tasks).graph);
        expect(namesOf(redundant)).toEqual(listRedundant(plain, findUnsortable(plain)));
      }),
      { numRuns: 300 },
    );
  });

  test('are ordered by dependent, and each is there once', () => {
    const { dependents } = findRedundantEdges(
      buildGraph(makeLargeTasks(1, { size: 1_000, reach: 30 })).graph,
    );
    expect(dependents).toEqual(dependents.toSorted());
  });

  test.each([
    [1, 10],
    [2, 200],
  ])('of 10,000 tasks are all found (seed %i, reach %i)', (seed, reach) => {
    const tasks = makeLargeTasks(seed, { reach, degree: 4 });
    const redundant = findRedundantEdges(buildGraph(tasks).graph);
    expect(redundant.uncheckedTasks).toBe(0);
    const plain = makePlain(tasks);
    const found = new Set(namesOf(redundant));
    // Every hundredth task: the reference takes a walk over the graph for each edge.
    for (let node = 0; node < plain.length; node += 100) {
      for (const each of plain[node] ?? []) {
        expect(found.has(`${node} on ${each}`)).toBe(hasOtherWay(plain, node, each));
      }
    }
    expect(found.size).toBeGreaterThan(100);
  });

  test('cut by a limit are redundant still, and the tasks not looked at to the end are counted', () => {
    fc.assert(
      fc.property(
        acyclicTasks(25),
        fc.record({ maxSteps: fc.nat(60), maxStepsPerTask: fc.nat(12) }),
        (tasks, limits) => {
          const all = listRedundant(makePlain(tasks));
          const cut = findRedundantEdges(buildGraph(tasks).graph, limits);
          const found = namesOf(cut);
          expect(all).toEqual(expect.arrayContaining(found));
          if (cut.uncheckedTasks === 0) expect(found).toEqual(all);
        },
      ),
      { numRuns: 500 },
    );
  });

  test('leave enough for other tasks when one task costs too much', () => {
    // `wide` has two prerequisites that share a long chain; `short` is checked in two steps.
    const chain = Array.from({ length: 1_000 }, (_, step) => ({
      id: `c${step}`,
      dependsOn: step === 0 ? [] : [`c${step - 1}`],
    }));
    const { graph } = buildGraph([
      ...chain,
      { id: 'wide', dependsOn: ['c999', 'c0'] },
      { id: 'short', dependsOn: ['c1', 'c0'] },
    ]);
    const name = ({ ids }: TaskGraph, found: { dependents: Int32Array }) =>
      Array.from(found.dependents, (node) => ids[node]);
    const cut = findRedundantEdges(graph, { maxStepsPerTask: 100 });
    expect(name(graph, cut)).toEqual(['short']);
    expect(cut.uncheckedTasks).toBe(1);
    expect(name(graph, findRedundantEdges(graph))).toEqual(['wide', 'short']);
    const used = findRedundantEdges(graph, { maxSteps: 500 });
    expect(name(graph, used)).toEqual([]);
    expect(used.uncheckedTasks).toBe(2);
  });
});
