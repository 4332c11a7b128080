import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decideRoute, parseRouterConfig, type RouteInput } from '../../src/routing/index.js';
import { readStrategy, usesFigures } from '../../src/routing/routerConfig.js';

const TASK: RouteInput['task'] = {
  classification: { type: 'bug', confidence: 0.7, complexity: 'high', technologies: [], evidence: [] },
  tags: [],
  priority: 'HIGH',
  capabilities: [],
};
const configuration = (value: unknown) => parseRouterConfig(JSON.stringify(value), 'router.config.json');
const there = (...names: string[]) => names.map((name) => ({ name, available: true }));

describe('round robin', () => {
  const turns = configuration({
    rules: [{ name: 'turns', agents: ['a', 'b', 'c'], strategy: 'round_robin' }],
  });

  test('gives one after the other the work, and begins anew after the last', () => {
    let last: string | null = null;
    const given = Array.from({ length: 7 }, () => {
      const decision = decideRoute({
        ...{ task: TASK, agents: there('a', 'b', 'c'), configuration: turns },
        lastTurn: () => last,
      });
      last = decision.agent;
      return decision.agent;
    });
    expect(given).toEqual(['a', 'b', 'c', 'a', 'b', 'c', 'a']);
  });

  test('whoever may be used gets as much as any other of them, to within one, whoever is missing', () => {
    const names = ['a', 'b', 'c', 'd', 'e'];
    fc.assert(
      fc.property(fc.subarray(names, { minLength: 1 }), fc.nat(60), (present, tasks) => {
        const config = configuration({ rules: [{ agents: names, strategy: 'round_robin' }] });
        const counts = new Map(present.map((name) => [name, 0]));
        let last: string | null = null;
        for (let task = 0; task < tasks; task += 1) {
          const { agent } = decideRoute({
            ...{ task: TASK, configuration: config, lastTurn: () => last },
            agents: names.map((name) => ({ name, available: present.includes(name) })),
          });
          expect(present).toContain(agent);
          counts.set(agent as string, (counts.get(agent as string) ?? 0) + 1);
          last = agent;
        }
        expect(Math.max(...counts.values()) - Math.min(...counts.values())).toBeLessThanOrEqual(1);
      }),
    );
  });

  test('says whose turn it is, who is next, and why others are not', () => {
    const decision = decideRoute({
      ...{ task: TASK, configuration: turns, lastTurn: () => 'a' },
      agents: [
        ...there('a'),
        { name: 'b', available: false, state: 'held', reason: 'Used up' },
        { name: 'c', available: true },
      ],
    });
    expect(decision).toMatchObject({ agent: 'c', next: 'a', rule: 'turns', strategy: 'round_robin' });
    expect(decision.reason).toContain('It is its turn.');
    expect(decision.candidates).toEqual([
      { agent: 'b', state: 'held', reason: 'Used up' },
      { agent: 'c', state: 'chosen', reason: 'its turn' },
      { agent: 'a', state: 'next', reason: 'its turn' },
    ]);
  });
});

describe('auto', () => {
  test('chooses among those that may be used by their record, and says it', () => {
    const decision = decideRoute({
      task: TASK,
      agents: [...there('a', 'b'), { name: 'c', available: false, state: 'busy', reason: '1 of 1 run' }],
      configuration: configuration({ rules: [{ agents: ['a', 'c', 'b'], strategy: 'auto' }] }),
      figures: [
        ['a', 5, 45],
        ['b', 45, 5],
        ['c', 50, 0],
      ].map(([agent, good, bad]) => ({
        ...{ agent: String(agent), taskType: 'bug', attempts: 50 },
        ...{ recentSuccesses: Number(good), recentFailures: Number(bad) },
        ...{ averageDurationMs: 60_000, averageCostUsd: 0.25 },
      })),
    });
    expect(decision).toMatchObject({ agent: 'b', next: 'a', strategy: 'auto' });
    expect(decision.reason).toContain('It was chosen by its record: 90 % of 50 at bug, 60 s, $0.25.');
    expect(decision.candidates.find(({ agent }) => agent === 'c')).toEqual({
      ...{ agent: 'c', state: 'busy', reason: '1 of 1 run' },
    });
  });

  test('needs figures only where a rule or the defaults ask for it', () => {
    expect(usesFigures(configuration({ rules: [{ agents: ['a'] }] }))).toBe(false);
    expect(usesFigures(configuration({ rules: [{ agents: ['a'], strategy: 'auto' }] }))).toBe(true);
    expect(usesFigures(configuration({ defaultStrategy: { kind: 'auto', costWeight: 0 } }))).toBe(true);
    expect(readStrategy({ kind: 'auto', costWeight: 0 })).toEqual({
      ...{ kind: 'auto', costWeight: 0, durationWeight: 0.1 },
    });
  });
});

test('after a rule without fallback nobody else is looked at', () => {
  const rules = [{ name: 'only', agents: ['a'], fallback: false }, { agents: ['b'] }];
  const decide = (agents: RouteInput['agents']) =>
    decideRoute({ task: TASK, agents, configuration: configuration({ rules }) });
  expect(decide(there('a', 'b', 'c'))).toMatchObject({ agent: 'a', next: null });
  expect(decide([{ name: 'a', available: false }, ...there('b', 'c')])).toMatchObject({ agent: null });
});

test('one whose provider failed at this very task comes behind all others, and does it where there is no other', () => {
  const decide = (failed: readonly string[], rules: unknown[] = [{ agents: ['a', 'b'] }]) =>
    decideRoute({
      ...{ task: TASK, agents: there('a', 'b', 'c'), failedBefore: new Set(failed) },
      configuration: configuration({ rules, defaultAgents: ['a', 'b', 'c'] }),
    });
  expect(decide([])).toMatchObject({ agent: 'a', next: 'b' });
  const second = decide(['a']);
  expect(second).toMatchObject({ agent: 'b', next: 'c' });
  expect(second.reason).toContain('Wanted more but not available: a (its provider failed at this task)');
  expect(second.candidates.find(({ agent }) => agent === 'a')).toEqual({
    ...{ agent: 'a', state: 'waiting', reason: 'its provider failed at this task' },
  });
  expect(decide(['a', 'b'])).toMatchObject({ agent: 'c', next: 'a' });
  expect(decide(['a', 'b', 'c'])).toMatchObject({ agent: 'a', next: 'b' });
  expect(decide(['a'], [{ agents: ['a'], fallback: false }])).toMatchObject({ agent: 'a', next: null });
});

test.each([
  [{ rules: [{ agents: ['a'], strategy: 'best' }] }, 'rules[0].strategy', 'must be one of "fixed"'],
  [{ rules: [{ agents: ['a'], strategy: { kind: 'fixed' } }] }, 'rules[0].strategy', 'or {"kind": "auto"'],
  [{ rules: [{ agents: ['a'], fallback: 'no' }] }, 'rules[0].fallback', 'must be of the type boolean'],
  [{ limits: { claude: 0 } }, 'limits.claude', 'must be at least 1'],
  [{ limits: { Claude: 1 } }, 'limits.Claude', 'must be the name of an agent'],
])('%j is refused, and the place is named', (value, path, message) => {
  expect(() => configuration(value)).toThrow(`${path} `);
  expect(() => configuration(value)).toThrow(message);
});
