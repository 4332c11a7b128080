import type { BreakerStatus } from '@neolith/contracts';

/** When a breaker opens, and for how long. */
export interface BreakerPolicy {
  /** Only attempts that ended within it count, seconds. */
  windowSeconds: number;
  /** So many faults with no good attempt between open it. */
  faultsInRow: number;
  /** Or this share of faults, of at least `attemptsMin`. */
  faultRate: number;
  attemptsMin: number;
  /** For how long it opens at first; twice as long after each probe that fails, up to the cap. Seconds. */
  openSeconds: number;
  openSecondsMax: number;
  /** The longest that a provider's word about its reset is believed, seconds: a clock may be wrong by years. */
  resetSecondsMax: number;
}

export const DEFAULT_BREAKER_POLICY: Readonly<BreakerPolicy> = {
  windowSeconds: 600,
  faultsInRow: 5,
  faultRate: 0.5,
  attemptsMin: 10,
  openSeconds: 60,
  openSecondsMax: 1_800,
  resetSecondsMax: 31 * 86_400,
};

export interface BreakerState {
  readonly status: BreakerStatus;
  /** Held there by a person. */
  readonly forced: 'open' | 'closed' | null;
  readonly reason: string | null;
  readonly changedAt: Date;
  /** Of one that is open; null: until it is released. */
  readonly openUntil: Date | null;
  /** Openings in a row, without a good attempt between. */
  readonly trips: number;
  readonly probeAttemptId: string | null;
}

/** What the attempts of late say, newest first, as far as the breaker counts them. */
export interface FaultCounts {
  /** Faults since the last good attempt. */
  readonly inRow: number;
  readonly faults: number;
  /** Faults and good ones. */
  readonly attempts: number;
}

export type BreakerFact =
  /** An attempt ended by a fault of the agent or its provider. */
  | {
      readonly kind: 'fault';
      readonly attemptId: string;
      readonly why: string;
      readonly resetAt: Date | null;
      readonly counts: FaultCounts;
    }
  /** An attempt showed that agent and provider work, however its task fared. */
  | { readonly kind: 'good'; readonly attemptId: string }
  /** An attempt ended and says nothing about them: it was lost, given back or cancelled, or its ground gave way. */
  | { readonly kind: 'gone'; readonly attemptId: string }
  /** Time has passed. */
  | { readonly kind: 'look' }
  /** An attempt wants to use the agent. */
  | { readonly kind: 'permit'; readonly attemptId: string }
  | {
      readonly kind: 'force';
      readonly to: 'open' | 'closed';
      readonly reason: string | null;
      readonly until: Date | null;
    }
  | { readonly kind: 'release'; readonly reason: string | null };

/** What a state change is called in the history. */
export type BreakerEvent =
  | 'breaker.opened'
  | 'breaker.half_opened'
  | 'breaker.closed'
  | 'breaker.forced'
  | 'breaker.released';

export interface BreakerDecision {
  readonly state: BreakerState;
  /** Null: nothing that anybody need be told. */
  readonly event: BreakerEvent | null;
  /** Of a permit: nothing stands in the way, this one is the probe, or not now. Null for other facts. */
  readonly grant: 'free' | 'probe' | 'refused' | null;
}

/** Of an agent that nothing is known against. */
export function closedBreaker(changedAt: Date): BreakerState {
  return {
    status: 'closed',
    forced: null,
    reason: null,
    changedAt,
    openUntil: null,
    trips: 0,
    probeAttemptId: null,
  };
}

/** For how long the k-th opening in a row holds, k from 1, seconds. Pure. */
export function openSeconds(trips: number, policy: BreakerPolicy): number {
  return Math.min(policy.openSecondsMax, policy.openSeconds * 2 ** Math.max(0, trips - 1));
}

/**
 * What becomes of a breaker by one fact. Pure. Only three things move one that nobody holds: faults open it, its time
 * makes it half-open, and the attempt that holds the probe decides how it goes on; what other attempts bring then, which
 * began before it opened, is no proof of anything.
 *
 * Example: open until 12:00. A permit asked for at 11:59 is refused; at 12:00 the asker becomes the probe, and the next
 * one is refused. The probe is lost: the place is free, and the next asker has it. It succeeds: closed.
 */
export function decideBreaker(
  state: BreakerState,
  fact: BreakerFact,
  now: Date,
  policy: BreakerPolicy = DEFAULT_BREAKER_POLICY,
): BreakerDecision {
  switch (fact.kind) {
    case 'force':
      return force(state, fact, now);
    case 'release':
      return release(state, fact.reason, now);
    case 'permit':
      return grantPermit(state, fact.attemptId, now);
    case 'look':
      return isDue(state, now) ? halfOpen(state, now, null) : stay(state);
    case 'good':
      return isProbe(state, fact.attemptId)
        ? tell('breaker.closed', { ...closedBreaker(now), reason: 'The probe showed that it works again' })
        : stay(state);
    case 'gone':
      return isProbe(state, fact.attemptId) ? stay({ ...state, probeAttemptId: null }) : stay(state);
    case 'fault':
      return state.forced === null ? judgeFault(state, fact, now, policy) : stay(state);
  }
}

function judgeFault(
  state: BreakerState,
  { attemptId, why, resetAt, counts }: Extract<BreakerFact, { kind: 'fault' }>,
  now: Date,
  policy: BreakerPolicy,
): BreakerDecision {
  const open = (trips: number, seconds: number, reason: string): BreakerDecision => {
    const until = Math.max(
      now.getTime() + seconds * 1_000,
      resetsAt ?? 0,
      state.status === 'open' ? (state.openUntil?.getTime() ?? 0) : 0,
    );
    return tell('breaker.opened', {
      status: 'open',
      forced: null,
      reason,
      changedAt: now,
      openUntil: new Date(until),
      trips,
      probeAttemptId: null,
    });
  };
  const latest = now.getTime() + policy.resetSecondsMax * 1_000;
  const resetsAt =
    resetAt === null || resetAt.getTime() <= now.getTime() ? null : Math.min(resetAt.getTime(), latest);
  if (isProbe(state, attemptId)) {
    const trips = state.trips + 1;
    return open(trips, openSeconds(trips, policy), `The probe failed: ${why}`);
  }
  if (resetsAt !== null && (state.status !== 'open' || resetsAt > (state.openUntil?.getTime() ?? Infinity)))
    return open(Math.max(1, state.trips), 0, why);
  if (state.status !== 'closed') return stay(state);
  if (counts.inRow >= policy.faultsInRow)
    return open(1, openSeconds(1, policy), `${counts.inRow} faults in a row, the last: ${why}`);
  if (counts.attempts >= policy.attemptsMin && counts.faults / counts.attempts >= policy.faultRate)
    return open(
      1,
      openSeconds(1, policy),
      `${counts.faults} of ${counts.attempts} attempts failed, the last: ${why}`,
    );
  return stay(state);
}

function grantPermit(state: BreakerState, attemptId: string, now: Date): BreakerDecision {
  if (state.status === 'closed') return { state, event: null, grant: 'free' };
  if (isDue(state, now)) return { ...halfOpen(state, now, attemptId), grant: 'probe' };
  if (state.status === 'open') return { state, event: null, grant: 'refused' };
  if (state.probeAttemptId === null)
    return { state: { ...state, changedAt: now, probeAttemptId: attemptId }, event: null, grant: 'probe' };
  // The answer of its first call may have been lost.
  return { state, event: null, grant: state.probeAttemptId === attemptId ? 'probe' : 'refused' };
}

function force(
  state: BreakerState,
  { to, reason, until }: Extract<BreakerFact, { kind: 'force' }>,
  now: Date,
): BreakerDecision {
  return tell('breaker.forced', {
    status: to,
    forced: to,
    reason,
    changedAt: now,
    openUntil: to === 'open' ? until : null,
    trips: to === 'open' ? state.trips : 0,
    probeAttemptId: null,
  });
}

function release(state: BreakerState, reason: string | null, now: Date): BreakerDecision {
  if (state.status !== 'open' && state.forced === null) return stay(state);
  const status = state.status === 'closed' ? 'closed' : 'half_open';
  return tell('breaker.released', {
    ...state,
    status,
    forced: null,
    reason,
    changedAt: now,
    openUntil: null,
    probeAttemptId: null,
  });
}

function halfOpen(state: BreakerState, now: Date, probeAttemptId: string | null): BreakerDecision {
  return tell('breaker.half_opened', {
    ...state,
    status: 'half_open',
    forced: null,
    changedAt: now,
    openUntil: null,
    probeAttemptId,
  });
}

/** Also one that a person opened for a time. */
function isDue(state: BreakerState, now: Date): boolean {
  return state.status === 'open' && state.openUntil !== null && state.openUntil.getTime() <= now.getTime();
}

function isProbe(state: BreakerState, attemptId: string): boolean {
  return state.status === 'half_open' && state.probeAttemptId === attemptId;
}

function stay(state: BreakerState): BreakerDecision {
  return { state, event: null, grant: null };
}

function tell(event: BreakerEvent, state: BreakerState): BreakerDecision {
  return { state, event, grant: null };
}
