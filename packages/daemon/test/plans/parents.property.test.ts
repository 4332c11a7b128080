import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type NormalisedPlan, readPlan } from '../../src/plans/index.js';
import { requirePlan } from './readFixture.js';

interface Draft {
  /** For each task the tasks it waits for: only smaller numbers, so there is no written cycle. */
  readonly waitsFor: number[][];
  readonly parent: (number | null)[];
}

/** Tasks are then shuffled, so that file order has nothing to do with either relation. */
const drafts = fc.integer({ min: 1, max: 9 }).chain((count) =>
  fc.record({
    order: fc.shuffledSubarray(
      Array.from({ length: count }, (_, i) => i),
      { minLength: count },
    ),
    waitsFor: fc.tuple(
      ...Array.from({ length: count }, (_, i) => fc.subarray(Array.from({ length: i }, (__, j) => j))),
    ),
    rank: fc.shuffledSubarray(
      Array.from({ length: count }, (_, i) => i),
      { minLength: count },
    ),
    pick: fc.array(fc.nat(20), { minLength: count, maxLength: count }),
  }),
);

function readDraft({ waitsFor, parent }: Draft, order: readonly number[]) {
  const tasks = order.map((task) => ({
    id: `t${task}`,
    title: `Task ${task}`,
    dependsOn: waitsFor[task]?.map((other) => `t${other}`) ?? [],
    ...(parent[task] === null || parent[task] === undefined ? {} : { parent: `t${parent[task]}` }),
  }));
  return readPlan({ fileName: 'plan.json', content: JSON.stringify({ version: 1, name: 'Plan', tasks }) });
}

/** The rule, word for word: a parent waits for its children, they for what any of their parents waits for. */
function deriveNaively({ waitsFor, parent }: Draft): Set<string> {
  const parentsOf = (task: number): number[] => {
    const up = parent[task] ?? null;
    return up === null ? [] : [up, ...parentsOf(up)];
  };
  const pairs = new Set<string>();
  for (const child of waitsFor.keys()) {
    const up = parent[child] ?? null;
    if (up !== null && !waitsFor[up]?.includes(child)) pairs.add(`t${up} t${child}`);
    for (const ancestor of parentsOf(child)) {
      for (const target of waitsFor[ancestor] ?? []) {
        const isInside = target === ancestor || parentsOf(target).includes(ancestor);
        if (!isInside && target !== child && !waitsFor[child]?.includes(target))
          pairs.add(`t${child} t${target}`);
      }
    }
  }
  return pairs;
}

function listPairs(plan: NormalisedPlan, field: 'dependsOn' | 'derivedDependsOn'): string[] {
  return plan.tasks.flatMap((task) => task[field].map((other) => `${task.sourceId} ${other}`));
}

function hasCycle(pairs: readonly string[]): boolean {
  let left = pairs.map((pair) => pair.split(' '));
  for (;;) {
    const waiting = new Set(left.map(([task]) => task));
    const next = left.filter(([, other]) => waiting.has(other));
    if (next.length === left.length) return left.length > 0;
    left = next;
  }
}

test('written dependencies all stay, no cycle is left, and only what would close one is left out', () => {
  let contradictions = 0;
  fc.assert(
    fc.property(drafts, ({ order, waitsFor, rank, pick }) => {
      // A parent always ranks higher: a forest of any shape, unrelated to the dependencies.
      const parent = waitsFor.map((_, task) => {
        const higher = rank.slice(0, rank.indexOf(task));
        const chosen = pick[task] ?? 0;
        return chosen >= higher.length ? null : (higher[chosen] ?? null);
      });
      const draft = { waitsFor, parent };
      const plan = requirePlan(readDraft(draft, order));
      const all = listPairs(plan, 'dependsOn');
      const derived = new Set(listPairs(plan, 'derivedDependsOn'));
      const written = waitsFor.flatMap((list, task) => list.map((other) => `t${task} t${other}`));
      expect(all.filter((pair) => !derived.has(pair)).sort()).toEqual(written.sort());
      expect(hasCycle(all)).toBe(false);

      const expected = deriveNaively(draft);
      for (const pair of derived) expect(expected.has(pair)).toBe(true);
      for (const pair of expected) {
        if (derived.has(pair)) continue;
        contradictions += 1;
        expect(hasCycle([...all, pair])).toBe(true);
      }
    }),
    { numRuns: 1_000 },
  );
  // Else nothing was shown about contradictions.
  expect(contradictions).toBeGreaterThan(100);
});

test('a cycle is reported exactly when there is one, and the path is one', () => {
  let cycles = 0;
  const edges = fc.array(fc.tuple(fc.nat(6), fc.nat(6)), { maxLength: 12 });
  fc.assert(
    fc.property(edges, (list) => {
      const unique = [...new Set(list.filter(([a, b]) => a !== b).map(([a, b]) => `t${a} t${b}`))];
      const tasks = Array.from({ length: 7 }, (_, i) => ({
        id: `t${i}`,
        title: 'Task',
        dependsOn: unique.filter((pair) => pair.startsWith(`t${i} `)).map((pair) => pair.split(' ')[1]),
      }));
      const { plan, problems } = readPlan({
        fileName: 'plan.json',
        content: JSON.stringify({ version: 1, name: 'Plan', tasks }),
      });
      expect(plan === null).toBe(hasCycle(unique));
      for (const { code, message } of problems) {
        expect(code).toBe('CYCLE');
        const path = [...message.matchAll(/t\d/g)].map(([id]) => id);
        expect(path.length).toBeGreaterThan(2);
        expect(path.at(0)).toBe(path.at(-1));
        for (const [index, id] of path.slice(0, -1).entries())
          expect(unique).toContain(`${id} ${path[index + 1]}`);
        cycles += 1;
      }
    }),
    { numRuns: 500 },
  );
  expect(cycles).toBeGreaterThan(50);
});
