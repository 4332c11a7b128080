import type { EventType, RunStatus } from '@neolith/contracts';

/** What people do to a run. */
export type RunVerb = 'start' | 'pause' | 'resume' | 'stop' | 'release' | 'retry' | 'reset' | 'complete';

/**
 * Every legal change of a run's status. The verbs are people's; what the counts make due (success, failure, quarantine)
 * the database decides in the same transaction, by the same table: see `review_runs`. The picture of it is
 * docs/concepts/runs.md.
 */
const VERBS: Readonly<Record<RunVerb, { from: readonly RunStatus[]; to: readonly RunStatus[] }>> = {
  start: { from: ['PENDING'], to: ['RUNNING'] },
  pause: { from: ['RUNNING'], to: ['PAUSED'] },
  resume: { from: ['PAUSED'], to: ['RUNNING'] },
  stop: { from: ['RUNNING', 'PAUSED', 'QUARANTINED'], to: ['CANCELLED'] },
  release: { from: ['QUARANTINED'], to: ['RUNNING'] },
  retry: { from: ['FAILED', 'QUARANTINED'], to: ['RUNNING'] },
  reset: { from: ['PAUSED', 'QUARANTINED', 'SUCCEEDED', 'FAILED', 'CANCELLED'], to: ['PENDING'] },
  complete: { from: ['RUNNING', 'PAUSED'], to: ['SUCCEEDED', 'FAILED', 'CANCELLED'] },
};

/** What happens by itself, when the counts say so. */
const OF_THEMSELVES: Readonly<Partial<Record<RunStatus, readonly RunStatus[]>>> = {
  RUNNING: ['SUCCEEDED', 'FAILED', 'CANCELLED', 'QUARANTINED'],
  PAUSED: ['SUCCEEDED', 'FAILED', 'CANCELLED'],
};

const EVENTS: Readonly<Record<Exclude<RunVerb, 'complete'>, EventType>> = {
  start: 'run.started',
  pause: 'run.paused',
  resume: 'run.resumed',
  stop: 'run.stopped',
  release: 'run.released',
  retry: 'run.retried',
  reset: 'run.reset',
};

/** The event that tells of a verb. */
export function runEventOf(verb: Exclude<RunVerb, 'complete'>): EventType {
  return EVENTS[verb];
}

/** Whether a verb may be used on a run, and else which ones may. Pure. */
export function canMoveRun(
  run: { id: string; status: RunStatus },
  verb: RunVerb,
): { allowed: boolean; reason?: string; possible: RunVerb[] } {
  const open = (Object.keys(VERBS) as RunVerb[]).filter((name) => VERBS[name].from.includes(run.status));
  if (open.includes(verb)) return { allowed: true, possible: open };
  return {
    allowed: false,
    possible: open,
    reason: `Run ${run.id} is ${run.status}${isDeletable(run.status) ? ' (it can be deleted)' : ''}; ${verb} needs ${VERBS[verb].from.join(' or ')}. Possible now: ${open.join(', ')}`,
  };
}

/** Where a run may go from each status, by whatever cause. */
export const RUN_TRANSITIONS: Readonly<Record<RunStatus, readonly RunStatus[]>> = Object.fromEntries(
  (
    ['PENDING', 'RUNNING', 'PAUSED', 'QUARANTINED', 'SUCCEEDED', 'FAILED', 'CANCELLED'] satisfies RunStatus[]
  ).map((from) => [
    from,
    [
      ...new Set([
        ...Object.values(VERBS)
          .filter((verb) => verb.from.includes(from))
          .flatMap((verb) => verb.to),
        ...(OF_THEMSELVES[from] ?? []),
      ]),
    ],
  ]),
) as unknown as Record<RunStatus, RunStatus[]>;

/** Whether it may be deleted: it is not active. */
export function isDeletable(status: RunStatus): boolean {
  return status === 'PENDING' || isRunEnded(status);
}

/** Whether it is over, unless somebody takes it up again. */
export function isRunEnded(status: RunStatus): boolean {
  return status === 'SUCCEEDED' || status === 'FAILED' || status === 'CANCELLED';
}
