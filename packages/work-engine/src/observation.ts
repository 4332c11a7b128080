import type { AttemptStatus, FailureClass, NothingReason } from '@neolith/contracts';

/** What an engine did, told to whoever counts: numbers and closed words only, no ids and no texts. */
export type Observation =
  | {
      readonly kind: 'claim';
      /** Tasks that were handed out; 0: nothing was eligible. */
      readonly tasks: number;
      /** Why it was none, or fewer than asked for. */
      readonly reason: NothingReason | null;
      /** From the call to the answer, with the wait for its lane. */
      readonly seconds: number;
    }
  | {
      readonly kind: 'attempt_ended';
      readonly status: AttemptStatus;
      /** Of a failure: as it was reported, `task` where it was not. */
      readonly failureClass: FailureClass | null;
      /** From when it was claimed to its end. */
      readonly seconds: number;
    }
  /** A task is over because a budget was spent, or its failure is final: a dead letter. */
  | { readonly kind: 'task_parked' }
  /** Attempts waited for one another's resources in a circle, and one of them gave way. */
  | { readonly kind: 'deadlock_broken' }
  | { readonly kind: 'merge_ended'; readonly outcome: 'merged' | 'failed' };

/** Called in the course of the work: it must be quick. What it throws fails nothing. */
export type Observe = (observation: Observation) => void;

/** A listener that can't break what it listens to. */
export function createObserver(observe: Observe | undefined, onError: (error: unknown) => void): Observe {
  if (observe === undefined) return () => undefined;
  return (observation) => {
    try {
      observe(observation);
    } catch (error) {
      onError(error);
    }
  };
}
