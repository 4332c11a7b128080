import { type Random, seededRandom, whole } from './seededRandom.js';

/** Each is done to real processes and sockets; what they do is in `injectFaults.ts`. */
export const PLANNED_FAULTS = [
  'postgres_killed',
  'postgres_everything_killed',
  'postgres_restarted',
  'postgres_session_killed',
  'postgres_sessions_terminated',
  'postgres_links_cut',
  'postgres_links_silent',
  'postgres_links_slow',
  'web_killed',
  'daemon_killed',
  'daemon_stopped_past_lease',
] as const;
export type PlannedFault = (typeof PLANNED_FAULTS)[number];

export interface FaultAt {
  /** Since the faults began. */
  readonly atMs: number;
  readonly fault: PlannedFault;
  /** In [0, 1): which of several servers or daemons it hits. */
  readonly target: number;
  /** In [0, 1): how long or how much. */
  readonly amount: number;
}

/** Faults of one series never overlap; those of different series do. */
interface Series {
  readonly faults: readonly PlannedFault[];
  readonly everyMs: readonly [min: number, max: number];
}

const SERIES: readonly Series[] = [
  {
    faults: ['postgres_killed', 'postgres_everything_killed', 'postgres_restarted'],
    everyMs: [5_000, 10_000],
  },
  { faults: ['postgres_session_killed', 'postgres_sessions_terminated'], everyMs: [9_000, 16_000] },
  {
    faults: ['postgres_links_cut', 'postgres_links_silent', 'postgres_links_slow'],
    everyMs: [6_000, 11_000],
  },
  { faults: ['web_killed'], everyMs: [11_000, 18_000] },
  { faults: ['daemon_killed'], everyMs: [8_000, 14_000] },
  { faults: ['daemon_stopped_past_lease'], everyMs: [12_000, 20_000] },
];

/** Before the first fault something must be under way. */
const FIRST_MS = 2_000;

/**
 * What happens when, all of it from the seed: for each series the faults in turn, at random distances, beginning with a
 * random one, so that even a short run has each of them. Pure.
 */
export function planFaults(seed: number, seconds: number): FaultAt[][] {
  return SERIES.map((series, index) => {
    const random = seededRandom(seed * 31 + index);
    const plan: FaultAt[] = [];
    let turn = whole(random, 0, series.faults.length - 1);
    let atMs = FIRST_MS + Math.round(random() * between(random, series.everyMs) * 0.5);
    while (atMs < seconds * 1_000) {
      const fault = series.faults[turn % series.faults.length] as PlannedFault;
      plan.push({ atMs, fault, target: random(), amount: random() });
      turn += 1;
      atMs += between(random, series.everyMs);
    }
    return plan;
  });
}

function between(random: Random, [min, max]: readonly [number, number]): number {
  return whole(random, min, max);
}
