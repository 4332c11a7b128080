import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  buildGraph,
  buildGraphFromPairs,
  neighboursOf,
  type TaskGraph,
} from '../../src/domain/graph/index.js';
import { anyTasks } from './support/arbitraries.js';
import { dependentsOf, makePlain } from './support/naive.js';

const listed = (graph: TaskGraph, direction: 'prerequisites' | 'dependents') =>
  Array.from({ length: graph.size }, (_, node) => [...neighboursOf(graph[direction], node)]);

describe('a graph built from tasks', () => {
  test('has every edge between tasks once, both ways, and reports each of the others', () => {
    fc.assert(
      fc.property(anyTasks(12, 'dirty'), (tasks) => {
        const { graph, ...reported } = buildGraph(tasks);
        const plain = makePlain(tasks);
        expect(listed(graph, 'prerequisites')).toEqual(plain.map((set) => [...set]));
        expect(listed(graph, 'dependents')).toEqual(plain.map((_, node) => dependentsOf(plain, node)));
        expect(graph.size).toBe(plain.length);
        expect(graph.edgeCount).toBe(plain.reduce((sum, set) => sum + set.size, 0));
        expect(graph.ids.map((id) => graph.indexOf(id))).toEqual([...plain.keys()]);

        const ids = new Set(tasks.map(({ id }) => id));
        const kept = tasks.slice(0, ids.size);
        expect(reported.duplicateIds).toEqual(tasks.slice(ids.size).map(({ id }) => id));
        expect(reported.danglingEdges).toEqual(
          kept.flatMap(({ id, dependsOn }) =>
            dependsOn
              .filter((other) => !ids.has(other))
              .map((prerequisite) => ({ dependent: id, prerequisite })),
          ),
        );
        expect(reported.selfDependencies).toEqual(
          kept.filter(({ id, dependsOn }) => dependsOn.includes(id)).map(({ id }) => id),
        );
        expect(reported.duplicateEdges).toEqual(
          kept.flatMap(({ id, dependsOn }) =>
            dependsOn
              .filter((other, place) => ids.has(other) && other !== id && dependsOn.indexOf(other) < place)
              .map((prerequisite) => ({ dependent: id, prerequisite })),
          ),
        );
      }),
      { numRuns: 500 },
    );
  });

  test('reads tasks that can be gone through only once', () => {
    function* tasks() {
      yield { id: 'a', dependsOn: ['b'] };
      yield { id: 'b', dependsOn: [] };
    }
    expect(listed(buildGraph(tasks()).graph, 'prerequisites')).toEqual([[1], []]);
  });

  test('takes ids for what they are, also those that objects have of their own', () => {
    const { graph, danglingEdges } = buildGraph([
      { id: '__proto__', dependsOn: ['constructor', ''] },
      { id: '', dependsOn: ['toString'] },
    ]);
    expect(listed(graph, 'prerequisites')).toEqual([[1], []]);
    expect(danglingEdges.map(({ prerequisite }) => prerequisite)).toEqual(['constructor', 'toString']);
    expect(graph.indexOf('valueOf')).toBe(-1);
  });
});

describe('a graph built from pairs', () => {
  test('is the one that is built from the same tasks by id', () => {
    fc.assert(
      fc.property(anyTasks(12, 'dirty'), fc.infiniteStream(fc.nat()), (tasks, keys) => {
        const known = tasks.slice(0, new Set(tasks.map(({ id }) => id)).size);
        const byId = buildGraph(known);
        const ids = byId.graph.ids;
        const edges = known.flatMap(({ dependsOn }, dependent) =>
          dependsOn.filter((id) => ids.includes(id)).map((id) => [dependent, ids.indexOf(id)] as const),
        );
        const inOrder = edges.map(([dependent]) => ({ dependent, key: keys.next().value ?? 0 }));
        // The edges of one task stay in order; those of different tasks are mixed.
        const mixed = inOrder.toSorted((a, b) => a.key - b.key).map(({ dependent }) => dependent);
        const left = edges.slice();
        const pairs = mixed.map((dependent) => {
          const at = left.findIndex(([other]) => other === dependent);
          return left.splice(at, 1)[0] as readonly [number, number];
        });
        const byPairs = buildGraphFromPairs(ids, {
          dependents: Int32Array.from(pairs, ([dependent]) => dependent),
          prerequisites: Int32Array.from(pairs, ([, prerequisite]) => prerequisite),
        });
        for (const direction of ['prerequisites', 'dependents'] as const)
          expect(byPairs.graph[direction]).toEqual(byId.graph[direction]);
        expect(byPairs.graph.edgeCount).toBe(byId.graph.edgeCount);
        expect(byPairs.selfDependencies).toEqual(byId.selfDependencies);
        expect(byPairs.duplicateEdges).toEqual(byId.duplicateEdges);
        expect(ids.map((id) => byPairs.graph.indexOf(id))).toEqual([...ids.keys()]);
        expect(byPairs.graph.indexOf('nobody')).toBe(-1);
      }),
    );
  });

  test('refuses an end that is no node, and ends that are no pairs', () => {
    const build = (dependents: number[], prerequisites: number[]) =>
      buildGraphFromPairs(['a', 'b'], {
        dependents: Int32Array.from(dependents),
        prerequisites: Int32Array.from(prerequisites),
      });
    expect(() => build([0, 1], [1, 2])).toThrow('Edge 1 joins 1 and 2, but there are 2 nodes');
    expect(() => build([-1], [0])).toThrow(RangeError);
    expect(() => build([0], [-1])).toThrow(RangeError);
    expect(() => build([2], [0])).toThrow(RangeError);
    expect(() => build([0, 1], [1])).toThrow('There are 2 dependents but 1 prerequisites');
  });
});
