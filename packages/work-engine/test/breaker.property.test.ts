import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  type BreakerPolicy,
  type BreakerState,
  closedBreaker,
  decideBreaker,
  type FaultCounts,
} from '../src/domain/breaker.js';

const POLICY: BreakerPolicy = {
  windowSeconds: 100,
  faultsInRow: 3,
  faultRate: 0.5,
  attemptsMin: 6,
  openSeconds: 10,
  openSecondsMax: 60,
  resetSecondsMax: 1_000,
};
const T0 = Date.UTC(2026, 0, 1);
const at = (seconds: number) => new Date(T0 + seconds * 1_000);

/**
 * The naive model keeps every attempt that ever ended and every word that was ever said, and asks them all anew: whether the
 * agent may be used now is worked out from the whole story, not from a state that is carried along.
 */
class Story {
  /** When the present chapter began, and what kind it is. */
  chapter: 'working' | 'held back' | 'trying' | 'kept open' | 'kept closed' = 'working';
  since = 0;
  until: number | null = null;
  failedTries = 0;
  trying: string | null = null;
  readonly ended: { readonly at: number; readonly good: boolean }[] = [];

  counts(now: number): FaultCounts {
    const seen = this.ended.filter((one) => one.at > this.since && one.at > now - POLICY.windowSeconds);
    let inRow = 0;
    for (const one of seen) inRow = one.good ? 0 : inRow + 1;
    return { inRow, faults: seen.filter(({ good }) => !good).length, attempts: seen.length };
  }

  tick(now: number): void {
    const timed = this.chapter === 'held back' || this.chapter === 'kept open';
    if (timed && this.until !== null && this.until <= now) this.begin('trying', now);
  }

  begin(chapter: Story['chapter'], now: number, until: number | null = null): void {
    this.chapter = chapter;
    this.since = now;
    this.until = until;
    this.trying = null;
    if (chapter === 'working' || chapter === 'kept closed') this.failedTries = 0;
  }

  fault(id: string, now: number, resetAt: number | null): void {
    this.ended.push({ at: now, good: false });
    const reset = resetAt !== null && resetAt > now ? Math.min(resetAt, now + POLICY.resetSecondsMax) : null;
    if (this.chapter === 'trying' && this.trying === id) {
      this.failedTries += 1;
      const wait = Math.min(POLICY.openSecondsMax, POLICY.openSeconds * 2 ** (this.failedTries - 1));
      this.begin('held back', now, Math.max(now + wait, reset ?? 0));
      return;
    }
    if (this.chapter === 'held back' && reset !== null && reset > (this.until ?? 0)) this.until = reset;
    else if (this.chapter === 'trying' && reset !== null) this.begin('held back', now, reset);
    else if (this.chapter === 'working') {
      const { inRow, faults, attempts } = this.counts(now);
      const tooMany =
        inRow >= POLICY.faultsInRow ||
        (attempts >= POLICY.attemptsMin && faults >= attempts * POLICY.faultRate);
      if (reset === null && !tooMany) return;
      this.failedTries = 1;
      this.begin('held back', now, reset ?? now + POLICY.openSeconds);
    }
  }

  mayUse(id: string): 'free' | 'probe' | 'refused' {
    if (this.chapter === 'working' || this.chapter === 'kept closed') return 'free';
    if (this.chapter !== 'trying' || (this.trying !== null && this.trying !== id)) return 'refused';
    this.trying = id;
    return 'probe';
  }
}

const id = fc.constantFrom('a', 'b', 'c');
const fact = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('fault' as const),
      id,
      reset: fc.constantFrom(null, null, null, -5, 5, 30, 5_000),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('good' as const), id }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('gone' as const), id }) },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('permit' as const), id }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('look' as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('force' as const),
      to: fc.constantFrom('open' as const, 'closed' as const),
      seconds: fc.constantFrom(null, 20),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('release' as const) }) },
);
const story = fc.array(fc.record({ fact, pause: fc.constantFrom(1, 1, 2, 5, 15, 70) }), { maxLength: 60 });

const CHAPTERS = {
  working: { status: 'closed', forced: null },
  'kept closed': { status: 'closed', forced: 'closed' },
  'held back': { status: 'open', forced: null },
  'kept open': { status: 'open', forced: 'open' },
  trying: { status: 'half_open', forced: null },
} as const;

test('a breaker stands where the whole story says it must, after every fact', () => {
  fc.assert(
    fc.property(story, (steps) => {
      const naive = new Story();
      let state: BreakerState = closedBreaker(at(0));
      let now = 0;
      for (const step of steps) {
        now += step.pause;
        const told = step.fact;
        // Only a look or a permit notices that time has passed; the model is told of it then, too.
        if (told.kind === 'look' || told.kind === 'permit') naive.tick(now);
        const before = state;
        switch (told.kind) {
          case 'fault': {
            const resetAt = told.reset === null ? null : now + told.reset;
            const wasDue = naive.until !== null && naive.until <= now;
            // A fault says nothing new to an opening that is over; looking first keeps both in the same chapter.
            if (wasDue) {
              naive.tick(now);
              state = decideBreaker(state, { kind: 'look' }, at(now), POLICY).state;
            }
            naive.fault(told.id, now, resetAt);
            const counts = countsAt(naive, before, now);
            const fault = { kind: 'fault', attemptId: told.id, why: 'x', counts } as const;
            state = decideBreaker(
              state,
              { ...fault, resetAt: resetAt === null ? null : at(resetAt) },
              at(now),
              POLICY,
            ).state;
            break;
          }
          case 'good':
            naive.ended.push({ at: now, good: true });
            if (naive.chapter === 'trying' && naive.trying === told.id) naive.begin('working', now);
            state = decideBreaker(state, { kind: 'good', attemptId: told.id }, at(now), POLICY).state;
            break;
          case 'gone':
            if (naive.trying === told.id) naive.trying = null;
            state = decideBreaker(state, { kind: 'gone', attemptId: told.id }, at(now), POLICY).state;
            break;
          case 'permit': {
            const decision = decideBreaker(state, { kind: 'permit', attemptId: told.id }, at(now), POLICY);
            expect(decision.grant).toBe(naive.mayUse(told.id));
            state = decision.state;
            break;
          }
          case 'look':
            state = decideBreaker(state, { kind: 'look' }, at(now), POLICY).state;
            break;
          case 'force': {
            const until = told.to === 'open' && told.seconds !== null ? now + told.seconds : null;
            naive.begin(told.to === 'open' ? 'kept open' : 'kept closed', now, until);
            const force = { kind: 'force', to: told.to, reason: null } as const;
            const untilDate = until === null ? null : at(until);
            state = decideBreaker(state, { ...force, until: untilDate }, at(now), POLICY).state;
            break;
          }
          case 'release':
            if (naive.chapter === 'kept closed') naive.begin('working', now);
            else if (naive.chapter === 'kept open' || naive.chapter === 'held back')
              naive.begin('trying', now);
            state = decideBreaker(state, { kind: 'release', reason: null }, at(now), POLICY).state;
            break;
        }
        expect(state).toMatchObject({
          ...CHAPTERS[naive.chapter],
          openUntil: naive.until === null ? null : at(naive.until),
          probeAttemptId: naive.trying,
        });
      }
    }),
    { numRuns: 2_000 },
  );
});

/** What the database would count at that moment: since the breaker last changed. */
function countsAt(naive: Story, before: BreakerState, now: number): FaultCounts {
  const since = (before.changedAt.getTime() - T0) / 1_000;
  const seen = naive.ended.filter((one) => one.at > since && one.at > now - POLICY.windowSeconds);
  const lastGood = seen.findLastIndex(({ good }) => good);
  return {
    attempts: seen.length,
    faults: seen.filter(({ good }) => !good).length,
    inRow: seen.length - 1 - lastGood,
  };
}
