import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  buildGraph,
  findFreed,
  findReady,
  findTransitiveDependents,
  findTransitivePrerequisites,
  findWeakComponents,
} from '../../src/domain/graph/index.js';
import { acyclicTasks, anyTasks, makeLargeTasks } from './support/arbitraries.js';
import { dependentsOf, makePlain, measureDistances, type Plain } from './support/naive.js';
import { makeRandom } from './support/random.js';

const flags = fc.array(fc.boolean(), { minLength: 30, maxLength: 30 });

function listReady(plain: Plain, done: readonly boolean[]): number[] {
  return plain.flatMap((before, node) =>
    !done[node] && [...before].every((each) => done[each]) ? [node] : [],
  );
}

describe('the ready set', () => {
  test('is every task that is not done while all it depends on is', () => {
    fc.assert(
      fc.property(anyTasks(30, 'clean'), flags, (tasks, done) => {
        const ready = findReady(buildGraph(tasks).graph, (node) => done[node] === true);
        expect([...ready]).toEqual(listReady(makePlain(tasks), done));
      }),
    );
  });

  test('grows by exactly what a completion frees, asked just before or just after', () => {
    fc.assert(
      fc.property(anyTasks(30, 'clean'), flags, fc.nat(), (tasks, done, chosen) => {
        const { graph } = buildGraph(tasks);
        const node = chosen % graph.size;
        const before = done.with(node, false);
        const after = done.with(node, true);
        const freed = [...findFreed(graph, (each) => before[each] === true, node)];
        const readyBefore = listReady(makePlain(tasks), before);
        const readyAfter = listReady(makePlain(tasks), after);
        expect(freed).toEqual(readyAfter.filter((each) => !readyBefore.includes(each)));
        expect([...findFreed(graph, (each) => after[each] === true, node)]).toEqual(freed);
      }),
      { numRuns: 500 },
    );
  });

  test('followed by what each completion frees, brings 10,000 tasks to an end, each once', () => {
    const { graph } = buildGraph(makeLargeTasks(1, { reach: 500 }));
    const random = makeRandom(1);
    const done = new Uint8Array(graph.size);
    const isDone = (node: number) => done[node] === 1;
    const open = [...findReady(graph, isDone)];
    let completed = 0;
    while (open.length > 0) {
      const [node] = open.splice(random(open.length), 1) as [number];
      expect(isDone(node)).toBe(false);
      const freed = findFreed(graph, isDone, node);
      done[node] = 1;
      completed += 1;
      open.push(...freed);
    }
    expect(completed).toBe(graph.size);
  });
});

describe('what waits, directly or not', () => {
  test('is what can be reached, nearest first, without the task itself', () => {
    fc.assert(
      fc.property(anyTasks(14, 'clean'), fc.nat(), (tasks, chosen) => {
        const plain = makePlain(tasks);
        const { graph } = buildGraph(tasks);
        const node = chosen % graph.size;
        const distances = measureDistances(plain);
        const far = Number.POSITIVE_INFINITY;
        const above = [...findTransitivePrerequisites(graph, node)];
        const below = [...findTransitiveDependents(graph, node)];
        const to = (other: number) => distances[node]?.[other] as number;
        const from = (other: number) => distances[other]?.[node] as number;
        for (const [found, distance] of [
          [above, to],
          [below, from],
        ] as const) {
          const expected = [...plain.keys()].filter((other) => other !== node && distance(other) < far);
          expect(found.toSorted((a, b) => a - b)).toEqual(expected);
          expect(found.map(distance)).toEqual(found.map(distance).toSorted((a, b) => a - b));
        }
      }),
    );
  });
});

describe('the parts', () => {
  test('are the tasks that hang together, numbered by their first ones', () => {
    fc.assert(
      fc.property(fc.oneof(anyTasks(20, 'clean'), acyclicTasks(20)), (tasks) => {
        const plain = makePlain(tasks);
        const parts: Set<number>[] = [];
        for (const root of plain.keys()) {
          if (parts.some((part) => part.has(root))) continue;
          const part = new Set([root]);
          for (const node of part) {
            for (const next of [...(plain[node] ?? []), ...dependentsOf(plain, node)]) part.add(next);
          }
          parts.push(part);
        }
        const found = findWeakComponents(buildGraph(tasks).graph);
        expect(found.count).toBe(parts.length);
        expect([...found.sizes]).toEqual(parts.map((part) => part.size));
        expect([...found.componentOf]).toEqual(
          [...plain.keys()].map((node) => parts.findIndex((part) => part.has(node))),
        );
      }),
      { numRuns: 300 },
    );
  });
});
