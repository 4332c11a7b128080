import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createRandom } from '../../src/plans/mulberry32.js';
import { type MeasuredAgent, rankByFigures } from '../../src/routing/rankByFigures.js';
import { sampleBeta } from '../../src/routing/sampleBeta.js';

/** What the server counts from attempts, as its statement does. */
function countFigures(attempts: readonly { agent: string; good: boolean }[]): MeasuredAgent[] {
  const figures = new Map<string, MeasuredAgent>();
  for (const [age, { agent, good }] of attempts.slice(-500).reverse().entries()) {
    const weight = 0.98 ** age;
    const before = figures.get(agent);
    figures.set(agent, {
      agent,
      taskType: 'bug',
      attempts: (before?.attempts ?? 0) + 1,
      recentSuccesses: (before?.recentSuccesses ?? 0) + (good ? weight : 0),
      recentFailures: (before?.recentFailures ?? 0) + (good ? 0 : weight),
      averageDurationMs: null,
      averageCostUsd: null,
    });
  }
  return [...figures.values()];
}

/** Picks tasks one after the other; `chanceOf` says how good an agent truly is at that time. */
function simulate(seed: number, picks: number, chanceOf: (agent: string, pick: number) => number): string[] {
  const random = createRandom(seed);
  const attempts: { agent: string; good: boolean }[] = [];
  for (let pick = 0; pick < picks; pick += 1) {
    const [first] = rankByFigures({
      agents: ['worse', 'better'],
      taskType: 'bug',
      figures: countFigures(attempts),
      costWeight: 0.2,
      durationWeight: 0.1,
      picked: (agent) => attempts.filter((one) => one.agent === agent).length,
      random,
    });
    const agent = first?.agent as string;
    attempts.push({ agent, good: random() < chanceOf(agent, pick) });
  }
  return attempts.map(({ agent }) => agent);
}

const shareOf = (agent: string, picks: readonly string[]) =>
  picks.filter((one) => one === agent).length / picks.length;
const seeds = fc.integer({ min: 1, max: 2 ** 31 - 1 });

test('both are tried at the beginning, and then nearly all goes to the better one', () => {
  fc.assert(
    fc.property(seeds, (seed) => {
      const picks = simulate(seed, 400, (agent) => (agent === 'better' ? 0.9 : 0.5));
      const beginning = picks.slice(0, 8);
      expect(beginning.filter((agent) => agent === 'better').length).toBeGreaterThanOrEqual(2);
      expect(beginning.filter((agent) => agent === 'worse').length).toBeGreaterThanOrEqual(2);
      expect(shareOf('better', picks.slice(-200))).toBeGreaterThanOrEqual(0.8);
    }),
    { numRuns: 25 },
  );
});

test('where the good one becomes bad and the bad one good, the work follows', () => {
  fc.assert(
    fc.property(seeds, (seed) => {
      const picks = simulate(seed, 700, (agent, pick) => ((agent === 'better') === pick < 300 ? 0.9 : 0.4));
      expect(shareOf('worse', picks.slice(-200))).toBeGreaterThanOrEqual(0.8);
    }),
    { numRuns: 15 },
  );
});

test('one that nobody else is better than gets the work although it costs; a cheaper one that is as good gets it first', () => {
  const figure = (agent: string, good: number, bad: number, cost: number): MeasuredAgent => ({
    ...{ agent, taskType: 'bug', attempts: good + bad, recentSuccesses: good, recentFailures: bad },
    ...{ averageDurationMs: 60_000, averageCostUsd: cost },
  });
  const firstOf = (figures: MeasuredAgent[], seed: number) =>
    rankByFigures({
      agents: figures.map(({ agent }) => agent),
      ...{ taskType: 'bug', figures, costWeight: 0.2, durationWeight: 0.1, picked: () => 0 },
      random: createRandom(seed),
    })[0]?.agent;
  const count = (figures: MeasuredAgent[], agent: string) =>
    Array.from({ length: 200 }, (_, seed) => firstOf(figures, seed + 1)).filter((one) => one === agent)
      .length;
  expect(count([figure('dear', 45, 5, 1), figure('cheap', 45, 5, 0.1)], 'cheap')).toBeGreaterThan(190);
  expect(count([figure('dear', 48, 2, 1), figure('cheap', 5, 45, 0.1)], 'dear')).toBeGreaterThan(190);
});

test('the same figures and the same random numbers give the same order, with every agent once', () => {
  const figure = fc.record({
    agent: fc.constantFrom('a', 'b', 'c'),
    taskType: fc.constantFrom('bug', 'docs', null),
    attempts: fc.nat(1_000),
    recentSuccesses: fc.double({ min: 0, max: 50, noNaN: true }),
    recentFailures: fc.double({ min: 0, max: 50, noNaN: true }),
    averageDurationMs: fc.option(fc.double({ min: 0, max: 1e9, noNaN: true })),
    averageCostUsd: fc.option(fc.double({ min: 0, max: 1e4, noNaN: true })),
  });
  fc.assert(
    fc.property(fc.array(figure, { maxLength: 6 }), seeds, (figures, seed) => {
      const rank = () =>
        rankByFigures({
          ...{ agents: ['a', 'b', 'c'], taskType: 'bug', figures, costWeight: 0.2, durationWeight: 0.1 },
          picked: () => 0,
          random: createRandom(seed),
        });
      expect(rank()).toEqual(rank());
      expect(
        rank()
          .map(({ agent }) => agent)
          .sort(),
      ).toEqual(['a', 'b', 'c']);
    }),
  );
});

test('numbers of the Beta distribution have its mean and its spread', () => {
  const random = createRandom(7);
  for (const [alpha, beta] of [
    [1, 1],
    [0.5, 0.5],
    [20, 5],
    [2, 8],
  ] as const) {
    const drawn = Array.from({ length: 20_000 }, () => sampleBeta(alpha, beta, random));
    const mean = drawn.reduce((sum, one) => sum + one, 0) / drawn.length;
    const variance = drawn.reduce((sum, one) => sum + (one - mean) ** 2, 0) / drawn.length;
    expect(mean).toBeCloseTo(alpha / (alpha + beta), 1.8);
    const truth = (alpha * beta) / ((alpha + beta) ** 2 * (alpha + beta + 1));
    expect(Math.abs(variance / truth - 1)).toBeLessThan(0.1);
  }
});
