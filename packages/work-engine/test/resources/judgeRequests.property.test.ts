import type { ResourceUse } from '@neolith/contracts';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { conflicts, findConflict } from '../../src/domain/resources/conflicts.js';
import { type Asker, type Holder, judgeRequests } from '../../src/domain/resources/judgeRequests.js';

const use: fc.Arbitrary<ResourceUse> = fc.record({
  resource: fc.constantFrom('A', 'B', 'C', 'path:x/**', 'path:x/y', 'path:z/*'),
  mode: fc.constantFrom('exclusive' as const, 'shared' as const),
});
const uses = fc.array(use, { minLength: 1, maxLength: 3 });

/** Attempts that hold what does not conflict, some of which ask for more. */
const situation = fc
  .array(
    fc.record({
      held: fc.array(use, { maxLength: 2 }),
      asked: fc.option(uses),
      since: fc.nat(5),
      score: fc.nat(3),
    }),
    { minLength: 1, maxLength: 6 },
  )
  .map((attempts) => {
    const holders: Holder[] = [];
    const askers: Asker[] = [];
    for (const [n, { held, asked, since, score }] of attempts.entries()) {
      const id = { attemptId: `a${n}`, taskId: `t${n}` };
      const free = held.every((one) => holders.every((other) => findConflict([one], other.uses) === null));
      if (free && held.length > 0) holders.push({ ...id, uses: held });
      if (asked !== null)
        askers.push({ ...id, uses: asked, since: new Date(since), score, claimedAt: new Date(since) });
    }
    return { holders, askers };
  });

test('what is granted never conflicts, whoever waits waits for somebody, and nobody for himself in the end', () => {
  let circles = 0;
  let grants = 0;
  fc.assert(
    fc.property(situation, ({ holders, askers }) => {
      const { granted, deadlocks, waiting } = judgeRequests(holders, askers);
      circles += deadlocks.length;
      grants += granted.length;
      // Each asker is granted, refused or waiting.
      const refused = deadlocks.map(({ givesWay }) => givesWay);
      expect([...granted, ...refused, ...waiting.keys()].sort()).toEqual(
        askers.map(({ attemptId }) => attemptId).sort(),
      );
      const held = [...holders, ...askers.filter(({ attemptId }) => granted.includes(attemptId))];
      for (const [n, one] of held.entries())
        for (const other of held.slice(n + 1))
          if (one.attemptId !== other.attemptId)
            expect(one.uses.some((a) => other.uses.some((b) => conflicts(a, b)))).toBe(false);
      // From whoever waits one comes to somebody who doesn't: an end of his attempt helps.
      for (const start of waiting.keys()) {
        const path = new Set<string>();
        const visit = (at: string): void => {
          expect(path.has(at), 'a circle').toBe(false);
          path.add(at);
          for (const { attemptId } of waiting.get(at) ?? []) visit(attemptId);
          path.delete(at);
        };
        expect(waiting.get(start)).not.toEqual([]);
        visit(start);
      }
      // Who gives way has the lowest score of those who ask in its circle, and is part of it.
      for (const { cycle, givesWay } of deadlocks) {
        expect(cycle).toContain(givesWay);
        const scores = askers.filter(({ attemptId }) => cycle.includes(attemptId)).map(({ score }) => score);
        expect(askers.find(({ attemptId }) => attemptId === givesWay)?.score).toBe(Math.min(...scores));
      }
    }),
    { numRuns: 500 },
  );
  expect(circles).toBeGreaterThan(0);
  expect(grants).toBeGreaterThan(100);
});
