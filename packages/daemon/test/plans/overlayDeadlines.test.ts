import { expect, test } from 'vitest';
import { type NormalisedPlan, overlayDeadlines, readPlan } from '../../src/plans/index.js';
import { requirePlan } from './readFixture.js';

const hourMs = 3_600_000;
const now = new Date('2026-03-01T18:30:00Z');

function makePlan(count: number): NormalisedPlan {
  const tasks = Array.from({ length: count }, (_, i) => ({ id: i, title: `Task ${i}` }));
  return requirePlan(
    readPlan({ fileName: 'plan.json', content: JSON.stringify({ version: 1, name: 'Plan', tasks }) }),
  );
}

function bucketOf(dueAt: Date | null, at: Date): string {
  if (dueAt === null) return 'none';
  if (dueAt < at) return 'overdue';
  if (dueAt.toISOString().slice(0, 10) === at.toISOString().slice(0, 10)) return 'today';
  return dueAt.getTime() <= at.getTime() + 72 * hourMs ? 'soon' : 'later';
}

function countShares(plan: NormalisedPlan, at: Date): Record<string, number> {
  const shares: Record<string, number> = {};
  for (const { priority, dueAt } of plan.tasks) {
    for (const key of [priority, bucketOf(dueAt, at)])
      shares[key] = (shares[key] ?? 0) + 100 / plan.tasks.length;
  }
  return shares;
}

test('priorities and due dates come in the documented shares', () => {
  const documented = {
    CRITICAL: 10,
    HIGH: 25,
    MEDIUM: 40,
    LOW: 25,
    overdue: 15,
    today: 15,
    soon: 20,
    later: 25,
    none: 25,
  };
  const shares = countShares(overlayDeadlines(makePlan(10_000), { seed: 7, now }), now);
  expect(Object.keys(shares).sort()).toEqual(Object.keys(documented).sort());
  for (const [name, share] of Object.entries(documented)) {
    expect(Math.abs((shares[name] ?? 0) - share), name).toBeLessThan(1.5);
  }
});

test('the same seed and time give the same plan, another seed another', () => {
  const plan = makePlan(100);
  expect(overlayDeadlines(plan, { seed: 1, now })).toEqual(overlayDeadlines(plan, { seed: 1, now }));
  expect(overlayDeadlines(plan, { seed: 2, now })).not.toEqual(overlayDeadlines(plan, { seed: 1, now }));
});

test('the draw for a known seed never changes', () => {
  const drawn = overlayDeadlines(makePlan(4), { seed: 42, now }).tasks.map(
    ({ sourceId, priority, dueAt }) => `${sourceId} ${priority} ${dueAt?.toISOString() ?? 'none'}`,
  );
  expect(drawn).toMatchInlineSnapshot(`
    [
      "0 MEDIUM 2026-03-02T00:06:06.504Z",
      "1 HIGH none",
      "2 HIGH 2026-02-19T16:40:02.400Z",
      "3 CRITICAL 2026-02-24T09:12:58.383Z",
    ]
  `);
});

test('a task gets the same whatever else the plan holds, and the given plan stays as it is', () => {
  const plan = makePlan(100);
  const before = structuredClone(plan);
  const whole = overlayDeadlines(plan, { seed: 3, now });
  const part = overlayDeadlines({ ...plan, tasks: plan.tasks.slice(50) }, { seed: 3, now });
  expect(part.tasks).toEqual(whole.tasks.slice(50));
  expect(plan).toEqual(before);
});

test.each(['2026-03-01T00:00:00.000Z', '2026-03-01T23:59:59.999Z'])(
  'at the edge of the day %s every kind is there',
  (edge) => {
    const at = new Date(edge);
    const shares = countShares(overlayDeadlines(makePlan(2_000), { seed: 5, now: at }), at);
    for (const bucket of ['overdue', 'today', 'soon', 'later', 'none'])
      expect(shares[bucket], bucket).toBeGreaterThan(10);
  },
);
