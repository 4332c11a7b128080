import type { ClaimWithContext, Renewal } from '@neolith/contracts';
import type { TerminationReason } from '../process/processSpec.js';
import type { ProcessHealth } from '../process/watchHealth.js';
import { type Attempt, type AttemptDependencies, startAttempt } from './attempt.js';
import type { AttemptEvent, AttemptListener } from './attemptEvents.js';
import { countTaken } from './countTaken.js';
import { type AttemptPhase, decideRenewal } from './decideRenewal.js';
import { describeError } from './judgeCallError.js';
import type { WorkerLog } from './log.js';
import type { AttemptResult } from './settleAttempt.js';

export interface RosterOptions {
  /** Of an attempt that begins now. */
  readonly dependencies: () => Omit<AttemptDependencies, 'onMerging' | 'onEvent'>;
  readonly mergesAside: number;
  readonly log: WorkerLog;
  readonly onEvent: AttemptListener;
  /** A slot became free. */
  readonly onRoom: () => void;
  /** Whether what is claimed now came too late to be begun. */
  readonly isEnding: () => boolean;
}

/** How one attempt is doing, without a word of what it is about. */
export interface AttemptLook {
  readonly phase: AttemptPhase;
  readonly agent: string;
  /** Of its agent and everything that it started, at the last look; null before it. */
  readonly health: ProcessHealth | null;
}

/** The attempts that a daemon is at. */
export interface AttemptRoster {
  readonly results: Readonly<Record<AttemptResult, number>>;
  readonly size: () => number;
  /** How many slots they take. */
  readonly taken: () => number;
  readonly ids: () => string[];
  readonly has: (attemptId: string) => boolean;
  readonly list: () => { readonly taskId: string; readonly attemptId: string }[];
  /** How each of them is doing. */
  readonly look: () => AttemptLook[];
  /** Begins a claimed task. */
  take(claim: ClaimWithContext): void;
  /** Somebody wants it cancelled. */
  cancel(attemptId: string): void;
  /** What a heartbeat answered about one of them. */
  react(renewal: Renewal): void;
  endAll(reason: TerminationReason, graceMs?: number): void;
  allFinished(): Promise<void>;
}

export function createAttemptRoster(options: RosterOptions): AttemptRoster {
  const { log } = options;
  const attempts = new Map<string, Attempt>();
  const results: Record<AttemptResult, number> = {
    completed: 0,
    failed: 0,
    blocked: 0,
    cancelled: 0,
    released: 0,
    merge_failed: 0,
    dropped: 0,
  };

  function tell(event: AttemptEvent): void {
    try {
      options.onEvent(event);
    } catch (error) {
      // Whoever watches must not be able to end the work.
      log.warn('A listener of attempts failed', { kind: event.kind, ...describeError(error) });
    }
  }

  function take(claim: ClaimWithContext): void {
    // The same claim may be answered twice.
    if (attempts.has(claim.attempt.id)) return;
    // An answer that was repeated so late that the lease was over: what it brings is somebody else's by now.
    if (claim.attempt.status !== 'RUNNING') {
      log.warn('A claim came too late: its attempt has ended already', {
        taskId: claim.task.id,
        attemptId: claim.attempt.id,
        status: claim.attempt.status,
      });
      return;
    }
    const startedMs = performance.now();
    const ids = { taskId: claim.task.id, attemptId: claim.attempt.id };
    const logged = {
      ...ids,
      orchestratorId: claim.task.orchestratorId,
    };
    const attempt = startAttempt(
      {
        ...options.dependencies(),
        onMerging: () => {
          log.info(`Code complete: ${claim.task.title}`, logged);
          options.onRoom();
        },
        onEvent: (event) => tell({ ...ids, ...event }),
      },
      claim,
    );
    log.info(`Started: ${claim.task.title}`, {
      ...logged,
      priority: claim.task.priority,
      attempt: claim.attempt.number,
      traceId: attempt.traceId ?? undefined,
    });
    attempts.set(attempt.attemptId, attempt);
    // Came while the claims were being stopped.
    if (options.isEnding()) attempt.end('shutdown');
    void attempt.finished.then((result) => {
      attempts.delete(attempt.attemptId);
      results[result] += 1;
      log.info(`Ended, ${result}: ${claim.task.title}`, {
        ...logged,
        result,
        durationMs: Math.round(performance.now() - startedMs),
      });
      options.onRoom();
    });
  }

  function cancel(attemptId: string): void {
    const attempt = attempts.get(attemptId);
    if (attempt === undefined) return;
    const phase = attempt.phase();
    if (phase !== 'running' && phase !== 'merging') return;
    log.info(phase === 'running' ? 'Cancelled: ending the agent' : 'Cancelled: leaving the merge queue', {
      taskId: attempt.taskId,
      attemptId,
    });
    attempt.end('cancelled');
  }

  function react(renewal: Renewal): void {
    const attempt = attempts.get(renewal.attemptId);
    if (attempt === undefined) return;
    const action = decideRenewal(attempt.phase(), renewal);
    if (action === 'cancel') cancel(renewal.attemptId);
    if (action === 'drop') {
      log.warn('The task is no longer ours; ending its agent', {
        taskId: attempt.taskId,
        attemptId: attempt.attemptId,
      });
      attempt.end('lease_lost');
    }
    if (action === 'give_way') {
      log.warn('The attempt gave way to others; ending its agent', {
        taskId: attempt.taskId,
        attemptId: attempt.attemptId,
      });
      attempt.end('gave_way');
    }
  }

  return {
    results,
    size: () => attempts.size,
    taken: () => countTaken(attempts.values(), options.mergesAside),
    ids: () => [...attempts.keys()],
    has: (attemptId) => attempts.has(attemptId),
    look: () =>
      [...attempts.values()].map((one) => ({ phase: one.phase(), agent: one.agent(), health: one.health() })),
    list: () => [...attempts.values()].map(({ taskId, attemptId }) => ({ taskId, attemptId })),
    take,
    cancel,
    react,
    endAll(reason, graceMs) {
      for (const attempt of attempts.values()) attempt.end(reason, graceMs);
    },
    async allFinished() {
      while (attempts.size > 0) await Promise.all([...attempts.values()].map((one) => one.finished));
    },
  };
}
