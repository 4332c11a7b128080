import { NeolithError } from '@neolith/contracts';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { backoffMs, SERVER_BACKOFF } from '../../src/worker/backoff.js';
import { decideRenewal } from '../../src/worker/decideRenewal.js';
import { describeError, judgeCallError, retryAfterOf } from '../../src/worker/judgeCallError.js';
import { type PollState, planPolls } from '../../src/worker/planPolls.js';

const pollState = (id: number) =>
  fc.record({
    orchestratorId: fc.constant(`orch_${id}`),
    polling: fc.boolean(),
    eager: fc.boolean(),
    notBeforeMs: fc.integer({ min: 0, max: 2_000 }),
    lastPolledMs: fc.integer({ min: 0, max: 1_000 }),
  });

const situation = fc
  .record({
    nowMs: fc.constant(1_000),
    slots: fc.integer({ min: 1, max: 200 }),
    taken: fc.integer({ min: 0, max: 220 }),
    waitSecondsMax: fc.integer({ min: 0, max: 25 }),
    count: fc.integer({ min: 0, max: 12 }),
  })
  .chain(({ count, ...rest }) =>
    fc
      .tuple(...Array.from({ length: count }, (_, index) => pollState(index)))
      .map((orchestrators) => ({ ...rest, orchestrators: orchestrators as PollState[] })),
  );

const idle = (id: string, overrides: Partial<PollState> = {}): PollState => ({
  orchestratorId: id,
  polling: false,
  eager: false,
  notBeforeMs: 0,
  lastPolledMs: 0,
  ...overrides,
});

it('never asks for more than the free slots, never twice at once, never before the time', () => {
  fc.assert(
    fc.property(situation, (input) => {
      const polls = planPolls(input);
      const sum = polls.reduce((total, { max }) => total + max, 0);
      expect(sum).toBeLessThanOrEqual(Math.max(0, input.slots - input.taken));
      expect(new Set(polls.map(({ orchestratorId }) => orchestratorId)).size).toBe(polls.length);
      for (const { orchestratorId, max, waitSeconds } of polls) {
        const one = input.orchestrators.find((state) => state.orchestratorId === orchestratorId);
        expect(one?.polling).toBe(false);
        expect(one?.notBeforeMs).toBeLessThanOrEqual(input.nowMs);
        expect(max).toBeGreaterThanOrEqual(1);
        expect(max).toBeLessThanOrEqual(100);
        expect(waitSeconds).toBeLessThanOrEqual(input.waitSecondsMax);
      }
    }),
  );
});

it('asks somebody whenever a slot is free and anybody may be asked', () => {
  fc.assert(
    fc.property(situation, (input) => {
      const may = input.orchestrators.some((one) => !one.polling && one.notBeforeMs <= input.nowMs);
      expect(planPolls(input).length > 0).toBe(may && input.slots > input.taken);
    }),
  );
});

it('uses every free slot for those that have more work', () => {
  fc.assert(
    fc.property(situation, (input) => {
      const polls = planPolls(input);
      const eager = polls.filter(
        ({ orchestratorId }) =>
          input.orchestrators.find((one) => one.orchestratorId === orchestratorId)?.eager,
      );
      if (eager.length === 0) return;
      const sum = polls.reduce((total, { max }) => total + max, 0);
      const most = Math.min(input.slots - input.taken, polls.length - eager.length + 100 * eager.length);
      // With the widest share full, the others may be one short of it.
      expect(sum).toBeGreaterThanOrEqual(Math.min(most, 100));
      for (const { waitSeconds } of eager) expect(waitSeconds).toBe(0);
    }),
  );
});

it('asks each in its turn: with one slot nobody waits for more turns than there are others', () => {
  const states = ['a', 'b', 'c', 'd', 'e'].map((id) => ({ ...idle(id), eager: true }));
  const turns: string[] = [];
  for (let nowMs = 1; nowMs <= 15; nowMs += 1) {
    const [poll] = planPolls({ nowMs, slots: 1, taken: 0, orchestrators: states, waitSecondsMax: 20 });
    const asked = states.find(({ orchestratorId }) => orchestratorId === poll?.orchestratorId);
    if (asked === undefined) throw new Error('nobody was asked');
    Object.assign(asked, { lastPolledMs: nowMs });
    turns.push(asked.orchestratorId);
  }
  for (let start = 0; start <= 10; start += 1) {
    expect(new Set(turns.slice(start, start + 5)).size).toBe(5);
  }
});

it.each([
  ['one that is idle waits long', 4, [idle('a')], [{ orchestratorId: 'a', max: 1, waitSeconds: 20 }]],
  [
    'one with work gets what the idle one leaves, and more when that one has nothing',
    4,
    [idle('a', { eager: true }), idle('b')],
    [
      { orchestratorId: 'a', max: 3, waitSeconds: 0 },
      { orchestratorId: 'b', max: 1, waitSeconds: 0 },
    ],
  ],
  [
    'an idle one is only looked at where another could use the slot',
    1,
    [idle('idle'), idle('hungry', { eager: true, lastPolledMs: 5 })],
    [{ orchestratorId: 'idle', max: 1, waitSeconds: 0 }],
  ],
  [
    'idle ones take short turns where slots are fewer',
    1,
    [idle('a'), idle('b')],
    [{ orchestratorId: 'a', max: 1, waitSeconds: 1 }],
  ],
] as const)('%s', (_, slots, orchestrators, expected) => {
  expect(
    planPolls({ nowMs: 10, slots, taken: 0, orchestrators: [...orchestrators], waitSecondsMax: 20 }),
  ).toEqual(expected);
});

it('backs off within its bounds, longer with each failure, and never before what the server asked', () => {
  const chance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1_000 }), chance, (failures, random) => {
      const ms = backoffMs(failures, random, null);
      expect(ms).toBeGreaterThanOrEqual(SERVER_BACKOFF.baseMs / 5);
      expect(ms).toBeLessThanOrEqual(SERVER_BACKOFF.capMs);
      expect(backoffMs(failures + 1, random, null)).toBeGreaterThanOrEqual(ms);
      expect(backoffMs(failures, random, 3)).toBeGreaterThanOrEqual(3_000);
      expect(backoffMs(failures, random, 1e9)).toBeLessThanOrEqual(60_000 + SERVER_BACKOFF.capMs);
    }),
  );
});

it('spreads the tries of a fleet: another draw is another delay', () => {
  const delays = [0.1, 0.3, 0.5, 0.7, 0.9].map((random) => backoffMs(6, random, null));
  expect(new Set(delays).size).toBe(5);
});

it('decides what a renewal means only while the agent runs', () => {
  const gaveWay = false;
  expect(decideRenewal('running', { owned: true, cancelRequested: false, gaveWay })).toBe('carry_on');
  expect(decideRenewal('running', { owned: true, cancelRequested: false, gaveWay: true })).toBe('give_way');
  expect(decideRenewal('ending', { owned: true, cancelRequested: false, gaveWay: true })).toBe('carry_on');
  expect(decideRenewal('running', { owned: false, cancelRequested: false, gaveWay: true })).toBe('drop');
  expect(decideRenewal('running', { owned: true, cancelRequested: true, gaveWay })).toBe('cancel');
  expect(decideRenewal('running', { owned: false, cancelRequested: false, gaveWay })).toBe('drop');
  expect(decideRenewal('running', { owned: false, cancelRequested: true, gaveWay })).toBe('drop');
  for (const phase of ['ending', 'settling'] as const) {
    for (const owned of [true, false]) {
      expect(decideRenewal(phase, { owned, cancelRequested: true, gaveWay: true })).toBe('carry_on');
    }
  }
});

it('tells what an error means for repeating a call', () => {
  const kindOf = (code: ConstructorParameters<typeof NeolithError>[0]) =>
    judgeCallError(new NeolithError(code, 'x'));
  expect(kindOf('SERVER_UNREACHABLE')).toBe('away');
  expect(kindOf('DATABASE_UNAVAILABLE')).toBe('away');
  expect(kindOf('INTERNAL')).toBe('faulty');
  expect(judgeCallError(new TypeError('x'))).toBe('faulty');
  expect(kindOf('UNAUTHENTICATED')).toBe('unauthorised');
  expect(kindOf('LEASE_LOST')).toBe('lost');
  expect(kindOf('INVALID_INPUT')).toBe('refused');
  expect(describeError('text')).toEqual({ code: 'UNEXPECTED', error: 'text' });
  expect(retryAfterOf(new NeolithError('INTERNAL', 'x', { details: { retryAfterSeconds: 2 } }))).toBe(2);
  expect(
    retryAfterOf(new NeolithError('INTERNAL', 'x', { details: { retryAfterSeconds: 'soon' } })),
  ).toBeNull();
  expect(retryAfterOf(new Error('x'))).toBeNull();
});
