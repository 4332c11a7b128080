import type { TaskStatus } from '@neolith/contracts';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { buildGraph, findStuck, type StuckNodes, type StuckReason } from '../../src/domain/graph/index.js';
import { anyTasks, makeLargeTasks, type RawTask, statuses } from './support/arbitraries.js';
import { makePlain, measureDistances, type Plain } from './support/naive.js';
import { makeRandom } from './support/random.js';

const waits = (status: TaskStatus | undefined) => status === 'TODO' || status === 'BLOCKED';

/** What is left when all that can run has run, again and again. */
function listStuck(
  plain: Plain,
  hopeless: (node: number) => boolean,
  status: readonly TaskStatus[],
): number[] {
  const over = new Set(
    [...plain.keys()].filter((node) => ['DONE', 'IN_PROGRESS', 'MERGING'].includes(status[node] as string)),
  );
  for (let before = -1; before < over.size; ) {
    before = over.size;
    for (const [node, prerequisites] of plain.entries()) {
      if (waits(status[node]) && !hopeless(node) && [...prerequisites].every((each) => over.has(each)))
        over.add(node);
    }
  }
  return [...plain.keys()].filter((node) => waits(status[node]) && !over.has(node));
}

/** Edges to each node at fault, by ways whose tasks all still wait, but for the one at fault. */
function measureFaults(plain: Plain, start: number, status: readonly TaskStatus[]): Map<number, number> {
  const distances = new Map([[start, 0]]);
  for (const [node, distance] of distances) {
    if (!waits(status[node])) continue;
    for (const next of plain[node] ?? []) if (!distances.has(next)) distances.set(next, distance + 1);
  }
  return distances;
}

function expectNearestCause(
  plain: Plain,
  status: readonly TaskStatus[],
  faults: ReadonlyMap<number, StuckReason>,
  stuck: StuckNodes,
  node: number,
): void {
  const near = [...measureFaults(plain, node, status)].filter(([each]) => faults.has(each));
  const distance = Math.min(...near.map(([, each]) => each));
  const cause = Math.min(...near.filter(([, each]) => each === distance).map(([each]) => each));
  expect([stuck.causeOf[node], stuck.distanceOf[node]]).toEqual([cause, distance]);
  expect(stuck.reasonAt(cause)).toBe(faults.get(cause));
  const via = stuck.viaOf[node] as number;
  if (distance === 0) {
    expect(via).toBe(-1);
    return;
  }
  expect(plain[node]).toContain(via);
  if (distance === 1) expect(via).toBe(cause);
  else expect([stuck.causeOf[via], stuck.distanceOf[via]]).toEqual([cause, distance - 1]);
}

function listFaults(tasks: readonly RawTask[], status: readonly TaskStatus[]): Map<number, StuckReason> {
  const plain = makePlain(tasks);
  const ids = new Set(tasks.map(({ id }) => id));
  const distances = measureDistances(plain, (node) => waits(status[node]));
  const faults = new Map<number, StuckReason>();
  for (const node of plain.keys()) {
    const { id, dependsOn } = tasks[node] as RawTask;
    const own = status[node] as TaskStatus;
    if (own === 'FAILED' || own === 'CANCELLED') faults.set(node, own);
    else if (!waits(own)) continue;
    else if (Number.isFinite(distances[node]?.[node])) faults.set(node, 'CYCLE');
    else if (dependsOn.includes(id)) faults.set(node, 'SELF');
    else if (dependsOn.some((other) => !ids.has(other))) faults.set(node, 'DANGLING');
  }
  return faults;
}

describe('the tasks that can never run', () => {
  test('are those left when all that can run has run, each with its nearest cause', () => {
    const seen = new Set<string>();
    fc.assert(
      fc.property(anyTasks(16, 'dirty'), statuses, (tasks, status) => {
        const built = buildGraph(tasks);
        const plain = makePlain(tasks);
        const faults = listFaults(tasks, status);
        const hopeless = (node: number) => ['SELF', 'DANGLING'].includes(faults.get(node) as string);
        const stuck = findStuck(built, (node) => status[node] as TaskStatus);
        expect([...stuck.nodes]).toEqual(listStuck(plain, hopeless, status));
        for (const node of plain.keys()) {
          if (!stuck.nodes.includes(node)) {
            expect([stuck.causeOf[node], stuck.viaOf[node]]).toEqual([-1, -1]);
            continue;
          }
          expectNearestCause(plain, status, faults, stuck, node);
          const behind = (stuck.distanceOf[node] as number) > 0 ? 'behind ' : '';
          seen.add(behind + stuck.reasonAt(stuck.causeOf[node] as number));
        }
      }),
      { numRuns: 1_000 },
    );
    expect([...seen].toSorted()).toEqual([
      'CYCLE',
      'DANGLING',
      'SELF',
      'behind CANCELLED',
      'behind CYCLE',
      'behind DANGLING',
      'behind FAILED',
      'behind SELF',
    ]);
  });

  test.each([1, 2])('among 10,000 have their nearest cause, too (seed %i)', (seed) => {
    const tasks = makeLargeTasks(seed, { degree: 3, reach: 100 });
    const random = makeRandom(seed);
    const choices = ['DONE', 'FAILED', 'CANCELLED', 'IN_PROGRESS'] as const;
    const status = tasks.map(
      (): TaskStatus => (random(100) > 0 ? 'TODO' : (choices[random(4)] as TaskStatus)),
    );
    for (let dirt = 0; dirt < 3; dirt += 1) tasks[random(tasks.length)]?.dependsOn.push('nowhere');
    const plain = makePlain(tasks);
    const faults = new Map<number, StuckReason>();
    for (const [node, own] of status.entries()) {
      if (own === 'FAILED' || own === 'CANCELLED') faults.set(node, own);
      else if (own === 'TODO' && tasks[node]?.dependsOn.includes('nowhere')) faults.set(node, 'DANGLING');
    }
    const stuck = findStuck(buildGraph(tasks), (node) => status[node] as TaskStatus);
    expect([...stuck.nodes]).toEqual(listStuck(plain, (node) => faults.get(node) === 'DANGLING', status));
    expect(stuck.nodes.length).toBeGreaterThan(100);
    for (let place = 0; place < stuck.nodes.length; place += Math.ceil(stuck.nodes.length / 200)) {
      expectNearestCause(plain, status, faults, stuck, stuck.nodes[place] as number);
    }
  });

  test('are none when a cycle has a task that is done: what waits for it goes on', () => {
    const built = buildGraph([
      { id: 'a', dependsOn: ['b'] },
      { id: 'b', dependsOn: ['c'] },
      { id: 'c', dependsOn: ['a'] },
    ]);
    expect([...findStuck(built).nodes]).toEqual([0, 1, 2]);
    expect([...findStuck(built, (node) => (node === 1 ? 'DONE' : 'TODO')).nodes]).toEqual([]);
  });
});
