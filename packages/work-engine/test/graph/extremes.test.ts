import { describe, expect, test } from 'vitest';
import {
  assignWaves,
  type BuiltGraph,
  buildGraph,
  buildGraphFromPairs,
  diagnoseGraph,
  findCriticalPath,
  findCycle,
  findFreed,
  findReady,
  findStuck,
  findTransitiveDependents,
  findTransitivePrerequisites,
  findWeakComponents,
  sortTopologically,
} from '../../src/domain/graph/index.js';

const count = (size: number) => Int32Array.from({ length: size }, (_, node) => node);
const idsFor = (size: number) => Array.from({ length: size }, (_, node) => `t${node}`);

/** `toEqual` takes seconds for a million numbers. */
const areEqual = (some: Int32Array, others: Int32Array) =>
  some.length === others.length && some.every((each, place) => each === others[place]);

/** Each task depends on the one after it; closed, the last on the first. */
function makeChain(size: number, closed: boolean): BuiltGraph {
  const edges = closed ? size : size - 1;
  return buildGraphFromPairs(idsFor(size), {
    dependents: count(edges),
    prerequisites: count(edges).map((node) => (node + 1) % size),
  });
}

describe('an empty graph', () => {
  const { graph } = buildGraph([]);

  test('has an empty answer to everything', () => {
    expect(graph).toMatchObject({ size: 0, edgeCount: 0, ids: [] });
    expect(graph.indexOf('a')).toBe(-1);
    expect(sortTopologically(graph)).toEqual({ kind: 'sorted', order: new Int32Array() });
    expect(findCycle(graph)).toBeNull();
    expect(assignWaves(graph).count).toBe(0);
    expect(findCriticalPath(graph, () => 1)).toMatchObject({ totalSeconds: 0, path: new Int32Array() });
    expect(findReady(graph, () => false)).toEqual(new Int32Array());
    expect(findWeakComponents(graph).count).toBe(0);
  });
});

describe('one task', () => {
  const { graph } = buildGraph([{ id: 'only', dependsOn: [] }]);

  test('is first, ready, critical and alone', () => {
    expect(sortTopologically(graph)).toEqual({ kind: 'sorted', order: Int32Array.of(0) });
    expect(assignWaves(graph)).toMatchObject({ count: 1, waveOf: Int32Array.of(0) });
    expect(findCriticalPath(graph, () => 7)).toMatchObject({ totalSeconds: 7, path: Int32Array.of(0) });
    expect(findReady(graph, () => false)).toEqual(Int32Array.of(0));
    expect(findFreed(graph, () => false, 0)).toEqual(new Int32Array());
    expect(findTransitiveDependents(graph, 0)).toEqual(new Int32Array());
    expect(findWeakComponents(graph).count).toBe(1);
  });
});

describe('a chain of 1,000,000', () => {
  const size = 1_000_000;
  const built = makeChain(size, false);
  const { graph } = built;

  test('is ordered, in as many waves, with no slack', () => {
    const reversed = count(size).reverse();
    const sorted = sortTopologically(graph);
    expect(sorted.kind === 'sorted' && areEqual(sorted.order, reversed)).toBe(true);
    expect(assignWaves(graph).count).toBe(size);
    const { totalSeconds, path, slack } = findCriticalPath(graph, () => 0.1);
    expect(totalSeconds).toBeCloseTo(size / 10, 3);
    expect(areEqual(path, reversed)).toBe(true);
    expect(slack.every((each) => each === 0)).toBe(true);
  });

  test('is walked from end to end', () => {
    expect(areEqual(findTransitivePrerequisites(graph, 0), count(size).subarray(1))).toBe(true);
    expect(areEqual(findTransitiveDependents(graph, size - 1), count(size).reverse().subarray(1))).toBe(true);
    expect(findWeakComponents(graph).sizes).toEqual(Int32Array.of(size));
    const stuck = findStuck(built, (node) => (node === size - 1 ? 'CANCELLED' : 'TODO'));
    expect(stuck.nodes.length).toBe(size - 1);
    expect(stuck.distanceOf[0]).toBe(size - 1);
  });

  test('closed to a ring, is one cycle', () => {
    const ring = makeChain(size, true);
    expect(findCycle(ring.graph)?.join()).toBe([...ring.graph.ids, 't0'].join());
    expect(diagnoseGraph(ring)).toMatchObject({
      cycles: { count: 1 },
      stuckTasks: { count: size, listed: { length: 1_000 } },
    });
  });
});

describe('one task with 10,000 dependents', () => {
  const size = 10_001;
  const spokes = size - 1;
  const { graph } = buildGraphFromPairs(idsFor(size), {
    dependents: count(spokes).map((node) => node + 1),
    prerequisites: new Int32Array(spokes),
  });

  test('frees them all, in one wave after it', () => {
    expect(findFreed(graph, () => false, 0)).toEqual(count(size).subarray(1));
    expect(assignWaves(graph).nodesByWave.offsets).toEqual(Int32Array.of(0, 1, size));
    expect(findTransitiveDependents(graph, 0).length).toBe(spokes);
  });

  test('is freed by the last of them when it depends on them instead', () => {
    const turned = buildGraphFromPairs(idsFor(size), {
      dependents: new Int32Array(spokes),
      prerequisites: count(spokes).map((node) => node + 1),
    }).graph;
    expect(findFreed(turned, (node) => node > 2, 1)).toEqual(new Int32Array());
    expect(findFreed(turned, (node) => node > 2, 2)).toEqual(new Int32Array());
    expect(findFreed(turned, (node) => node > 1, 1)).toEqual(Int32Array.of(0));
  });
});

describe('very many small cycles', () => {
  test('are found, one each', () => {
    const size = 200_000;
    const built = buildGraphFromPairs(idsFor(size), {
      dependents: count(size),
      prerequisites: count(size).map((node) => node ^ 1),
    });
    expect(diagnoseGraph(built, { maxListed: 1 })).toMatchObject({
      cycles: { count: size / 2, listed: [['t0', 't1', 't0']] },
      parts: { count: size / 2 },
      stuckTasks: { count: size },
    });
  });
});
