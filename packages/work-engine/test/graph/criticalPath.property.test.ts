import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { buildGraph, findCriticalPath } from '../../src/domain/graph/index.js';
import { acyclicTasks, makeLargeTasks } from './support/arbitraries.js';
import { makePlain, type Plain, weighChains } from './support/naive.js';
import { makeRandom } from './support/random.js';

const durationsOf = (numbers: readonly number[], size: number) =>
  Float64Array.from({ length: size }, (_, node) => numbers[node] as number);

const wholeSeconds = fc.array(fc.oneof(fc.constant(0), fc.nat(5), fc.nat(100_000)), {
  minLength: 30,
  maxLength: 30,
});

/** The heaviest chain that begins with each node. */
function weighRest(plain: Plain, weightOf: (node: number) => number): number[] {
  const turned = plain.map(
    (_, node) => new Set<number>(plain.flatMap((set, other) => (set.has(node) ? [other] : []))),
  );
  return weighChains(turned, weightOf);
}

describe('the critical path', () => {
  test('is a longest chain, and each task starts and ends between its bounds', () => {
    fc.assert(
      fc.property(acyclicTasks(30), wholeSeconds, (tasks, numbers) => {
        const plain = makePlain(tasks);
        const seconds = durationsOf(numbers, plain.length);
        const weightOf = (node: number) => seconds[node] as number;
        const critical = findCriticalPath(buildGraph(tasks).graph, seconds);
        const until = weighChains(plain, weightOf);
        const rest = weighRest(plain, weightOf);
        const total = Math.max(0, ...until);

        expect(critical.totalSeconds).toBe(total);
        expect([...critical.earliestFinish]).toEqual(until);
        expect([...critical.earliestStart]).toEqual(until.map((finish, node) => finish - weightOf(node)));
        expect([...critical.latestStart]).toEqual(rest.map((length) => total - length));
        expect([...critical.latestFinish]).toEqual(
          rest.map((length, node) => total - length + weightOf(node)),
        );
        expect([...critical.slack]).toEqual(
          until.map((finish, node) => total - (finish + (rest[node] as number) - weightOf(node))),
        );

        const path = [...critical.path];
        expect(path.reduce((sum, node) => sum + weightOf(node), 0)).toBe(total);
        for (const [step, node] of path.slice(1).entries()) expect(plain[node]).toContain(path[step]);
        expect(path.every((node) => critical.slack[node] === 0)).toBe(true);
        if (path.length > 0) expect(plain[path[0] as number]?.size).toBe(0);
        else expect(plain.length).toBe(0);
      }),
      { numRuns: 300 },
    );
  });

  test('does not move when a task takes its slack longer, and moves by a second when it takes a second more', () => {
    fc.assert(
      fc.property(acyclicTasks(20), wholeSeconds, fc.nat(), (tasks, numbers, chosen) => {
        const { graph } = buildGraph(tasks);
        if (graph.size === 0) return;
        const node = chosen % graph.size;
        const seconds = durationsOf(numbers, graph.size);
        const { totalSeconds, slack } = findCriticalPath(graph, seconds);
        const longer = (more: number) =>
          findCriticalPath(
            graph,
            seconds.map((each, other) => (other === node ? each + more : each)),
          ).totalSeconds;
        expect(longer(slack[node] as number)).toBe(totalSeconds);
        expect(longer((slack[node] as number) + 1)).toBe(totalSeconds + 1);
      }),
    );
  });

  test('has no slack left by rounding, whatever fractions the durations have', () => {
    fc.assert(
      fc.property(
        acyclicTasks(30),
        fc.array(fc.double({ min: 0, max: 1e6, noNaN: true }), { minLength: 30, maxLength: 30 }),
        (tasks, numbers) => {
          const { graph } = buildGraph(tasks);
          const { path, slack } = findCriticalPath(graph, durationsOf(numbers, graph.size));
          expect(path.every((node) => slack[node] === 0)).toBe(true);
          expect(slack.every((each) => each >= 0)).toBe(true);
        },
      ),
    );
  });

  test.each([1, 2])('of 10,000 tasks is the longest chain (seed %i)', (seed) => {
    const tasks = makeLargeTasks(seed, { reach: 300 });
    const random = makeRandom(seed);
    const seconds = Float64Array.from(tasks, () => random(10_000));
    const critical = findCriticalPath(buildGraph(tasks).graph, seconds);
    const until = weighChains(makePlain(tasks), (node) => seconds[node] as number);
    expect(critical.totalSeconds).toBe(Math.max(...until));
    expect([...critical.earliestFinish]).toEqual(until);
    expect(critical.path.reduce((sum, node) => sum + (seconds[node] as number), 0)).toBe(
      critical.totalSeconds,
    );
  });

  test('of what is left of a run counts done tasks as nothing', () => {
    const { graph } = buildGraph([
      { id: 'design', dependsOn: [] },
      { id: 'build', dependsOn: ['design'] },
      { id: 'write', dependsOn: [] },
      { id: 'release', dependsOn: ['build', 'write'] },
    ]);
    const seconds = [900, 60, 100, 10];
    const all = findCriticalPath(graph, (node) => seconds[node] as number);
    expect([...all.path].map((node) => graph.ids[node])).toEqual(['design', 'build', 'release']);
    expect([...all.slack]).toEqual([0, 0, 860, 0]);
    const left = findCriticalPath(graph, (node) => (node === 0 ? 0 : (seconds[node] as number)));
    expect(left.totalSeconds).toBe(110);
    expect([...left.path].map((node) => graph.ids[node])).toEqual(['write', 'release']);
  });

  test('refuses durations that are none, and names the task', () => {
    const { graph } = buildGraph([
      { id: 'a', dependsOn: [] },
      { id: 'b', dependsOn: [] },
    ]);
    for (const wrong of [-1, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(() => findCriticalPath(graph, Float64Array.of(1, wrong))).toThrow(
        expect.objectContaining({ code: 'INVALID_INPUT', message: expect.stringContaining('Task b') }),
      );
    }
    expect(() => findCriticalPath(graph, Float64Array.of(1))).toThrow('1 durations for 2 tasks');
  });

  test('of a cycle is refused with its path', () => {
    const { graph } = buildGraph([
      { id: 'a', dependsOn: ['b'] },
      { id: 'b', dependsOn: ['a'] },
    ]);
    expect(() => findCriticalPath(graph, () => 1)).toThrow('a → b → a');
  });
});
