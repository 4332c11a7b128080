import type { Renewal } from '@neolith/contracts';

/** Where an attempt stands on this machine. */
export type AttemptPhase =
  /** Its agent is being started or runs. */
  | 'running'
  /** Its agent has ended, or is being ended by us. */
  | 'ending'
  /** Its code is complete: it waits for the merge slot, or merges. */
  | 'merging'
  /** Its outcome is on the way to the server. */
  | 'settling';

export type RenewalAction = 'carry_on' | 'drop' | 'cancel' | 'give_way';

/**
 * What a renewal means for an attempt. Pure. While its outcome is on the way nothing is done: an attempt that was
 * just settled owns nothing any more, and the answer to the outcome says what became of it.
 */
export function decideRenewal(
  phase: AttemptPhase,
  renewal: Pick<Renewal, 'owned' | 'cancelRequested' | 'gaveWay'>,
): RenewalAction {
  if (phase !== 'running' && phase !== 'merging') return 'carry_on';
  if (!renewal.owned) return 'drop';
  if (renewal.cancelRequested) return 'cancel';
  return renewal.gaveWay ? 'give_way' : 'carry_on';
}
