import type { TaskStatus } from '@neolith/contracts';
import fc from 'fast-check';
import { makeRandom } from './random.js';

export interface RawTask {
  id: string;
  dependsOn: string[];
}

/** Tasks whose dependencies lead only to tasks earlier in a hidden order; they are given in another one. */
export const acyclicTasks = (maxTasks: number): fc.Arbitrary<RawTask[]> =>
  fc
    .integer({ min: 0, max: maxTasks })
    .chain((size) =>
      fc.record({
        order: fc.shuffledSubarray(
          Array.from({ length: size }, (_, node) => node),
          { minLength: size, maxLength: size },
        ),
        edges: fc.array(fc.tuple(fc.nat(Math.max(size - 1, 0)), fc.nat(Math.max(size - 1, 0))), {
          maxLength: size * 3,
          // By itself fast-check makes short lists: graphs without two ways to anything.
          size: 'max',
        }),
      }),
    )
    .map(({ order, edges }) => {
      const tasks = order.map((_, node): RawTask => ({ id: `t${node}`, dependsOn: [] }));
      for (const [one, other] of edges) {
        if (one === other) continue;
        const dependent = tasks[order[Math.max(one, other)] as number];
        const id = `t${order[Math.min(one, other)]}`;
        if (!dependent?.dependsOn.includes(id)) dependent?.dependsOn.push(id);
      }
      return tasks;
    });

/** Anything: cycles, and with `dirt` also unknown ids, dependencies on oneself, repeated ones, and ids given twice. */
export const anyTasks = (maxTasks: number, dirt: 'clean' | 'dirty'): fc.Arbitrary<RawTask[]> =>
  fc.integer({ min: 1, max: maxTasks }).chain((size) => {
    const id = fc.nat(size - 1).map((node) => `t${node}`);
    const reference =
      dirt === 'clean' ? id : fc.oneof({ weight: 12, arbitrary: id }, fc.constantFrom('x', 'y'));
    const references = fc.array(reference, { maxLength: 3 });
    return fc
      .record({
        named: fc.array(references, { minLength: size, maxLength: size }),
        again: fc.array(fc.record({ id, dependsOn: references }), { maxLength: dirt === 'clean' ? 0 : 1 }),
      })
      .map(({ named, again }) => [
        ...named.map(
          (dependsOn, node): RawTask => ({
            id: `t${node}`,
            dependsOn:
              dirt === 'dirty'
                ? dependsOn
                : [...new Set(dependsOn)].filter((reference) => reference !== `t${node}`),
          }),
        ),
        ...again,
      ]);
  });

export const statuses: fc.Arbitrary<TaskStatus[]> = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom<TaskStatus>('TODO', 'BLOCKED') },
    fc.constantFrom<TaskStatus>('DONE', 'FAILED', 'CANCELLED', 'IN_PROGRESS', 'MERGING'),
  ),
  { minLength: 20, maxLength: 20 },
);

/**
 * Many tasks in a random order, each depending on up to `degree` of the `reach` before it in a hidden order.
 * With `backEdges`, that many dependencies lead the other way.
 */
export function makeLargeTasks(
  seed: number,
  { size = 10_000, degree = 5, reach = 10_000, backEdges = 0 } = {},
): RawTask[] {
  const random = makeRandom(seed);
  const hidden = Array.from({ length: size }, (_, place) => ({ place, key: random(1_000_000_000) }))
    .sort((a, b) => a.key - b.key)
    .map(({ place }) => place);
  const tasks = hidden.map((_, node): RawTask => ({ id: `t${node}`, dependsOn: [] }));
  const taskAt = (place: number) => tasks[hidden[place] as number] as RawTask;
  for (let place = 1; place < size; place += 1) {
    const chosen = new Set<string>();
    for (let edge = random(degree + 1); edge > 0; edge -= 1) {
      chosen.add(taskAt(place - 1 - random(Math.min(reach, place))).id);
    }
    taskAt(place).dependsOn.push(...chosen);
  }
  for (let edge = 0; edge < backEdges; edge += 1) {
    const place = random(size - 1);
    taskAt(place).dependsOn.push(taskAt(place + 1 + random(Math.min(reach, size - 1 - place))).id);
  }
  return tasks;
}
