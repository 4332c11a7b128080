import type { Tally } from './tally.js';

/** How often something must have come up in a hundred stories, at the very least: about a quarter of what does. */
const EVENTS_IN_A_HUNDRED: Readonly<Record<string, number>> = {
  'task.claimed': 180,
  'task.completed': 90,
  'task.failed': 20,
  'task.lease_lost': 25,
  'task.unblocked': 40,
  'task.cancelled': 15,
  'task.cancel_requested': 5,
  'task.blocked': 10,
  'task.retried': 5,
  'task.merge_granted': 10,
  'run.wave_opened': 3,
  'run.succeeded': 10,
  'run.failed': 2,
  'resources.granted': 20,
  'resources.waiting': 4,
};
const FAULTS_IN_A_HUNDRED: Readonly<Record<string, number>> = {
  'a call is lost': 25,
  'a call loses its answer': 30,
  'a call comes twice': 25,
  'a call comes late': 20,
  'asked again without an answer': 50,
  'a daemon is killed': 10,
  'a daemon stands still': 10,
  'an agent fails at everything': 8,
  'the clock jumps': 30,
};
const REFUSALS_IN_A_HUNDRED: Readonly<Record<string, number>> = { LEASE_LOST: 25, INVALID_TRANSITION: 8 };
/** Rarer ones: at least one in so many stories. */
const STORIES_FOR_ONE: Readonly<Record<string, number>> = {
  'breaker.opened': 150,
  'breaker.half_opened': 150,
  'run.quarantined': 150,
  'task.reopened': 100,
  'task.merge_failed': 150,
  'resources.deadlock': 300,
};

/** What came up too seldom for the stories to prove anything, each with how often it did. */
export function findTooFew(tally: Tally): string[] {
  const few = (of: ReadonlyMap<string, number>, name: string, least: number) => {
    const count = of.get(name) ?? 0;
    return count < least ? [`${name}: ${count} times in ${tally.stories} stories, and not ${least}`] : [];
  };
  const scaled = (of: ReadonlyMap<string, number>, rates: Readonly<Record<string, number>>) =>
    Object.entries(rates).flatMap(([name, rate]) => few(of, name, Math.floor((rate * tally.stories) / 100)));
  return [
    ...scaled(tally.events, EVENTS_IN_A_HUNDRED),
    ...scaled(tally.faults, FAULTS_IN_A_HUNDRED),
    ...scaled(tally.codes, REFUSALS_IN_A_HUNDRED),
    ...Object.entries(STORIES_FOR_ONE).flatMap(([name, stories]) =>
      few(tally.events, name, Math.floor(tally.stories / stories)),
    ),
    ...few(tally.done, 'let through as the probe', Math.floor(tally.stories / 150)),
  ];
}
