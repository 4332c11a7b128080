import {
  type AttemptStatus,
  DEFAULT_BACKOFF,
  type FailureClass,
  type Json,
  type PrerequisitePolicy,
  type TaskStatus,
} from '@neolith/contracts';
import type { Pool } from 'pg';
import { runAlone } from './sql.js';

export interface AttemptEnding {
  taskId: string;
  /** Null: the one lease of the task, if it never runs out. */
  attemptId: string | null;
  result: 'completed' | 'merged' | 'merge_failed' | 'failed' | 'blocked' | 'cancelled' | 'released' | 'lost';
  output?: Json | undefined;
  artifacts?: readonly { type: string; content: string }[] | undefined;
  error?: string | undefined;
  question?: string | undefined;
  metrics?: unknown;
  failureClass?: FailureClass | undefined;
  timedOut?: boolean | undefined;
  /** For its dependents, should the task end without being done; default: the policy of their run. */
  onPrerequisiteFailure?: PrerequisitePolicy | undefined;
  /** With `failed`: which part of the longest wait the task waits, a number in [0, 1). */
  draw?: number | undefined;
}

export type SettleRefusal =
  | 'TASK_NOT_FOUND'
  | 'LEASE_LOST'
  | 'ATTEMPT_REQUIRED'
  | 'NOT_IN_PROGRESS'
  | 'CANCEL_NOT_REQUESTED'
  | 'NOT_MERGING'
  | 'MERGE_NOT_GRANTED';

export interface SettlementRow {
  n: number;
  /** Null: settled. FREED: a second row for the same item, with the dependents that it freed. */
  code: null | 'REPLAY' | 'FREED' | SettleRefusal;
  task_id: string;
  attempt_id: string | null;
  status: TaskStatus | null;
  attempt_status: AttemptStatus | null;
  settled_at: Date | null;
  available_at: Date | null;
  freed: string[] | null;
}

/** What endings must have in common to be done together. */
export interface SettleGroup {
  workspaceId: string | null;
  actor: string;
  /** How many failures of a class other than the task's own, and how many lost leases, a task may have. */
  otherBudget: number;
  now: Date | null;
}

const STATEMENT = {
  name: 'settle_attempts',
  text: 'SELECT * FROM settle_attempts($1::uuid[], $2::uuid[], $3::text[], $4::jsonb[], $5, $6, $7, $8)',
};

/** Ends attempts, each fenced by its lease, with all that follows from it, in one round trip; each ending's rows in its place. */
export async function settleAttempts(
  pool: Pool,
  group: SettleGroup,
  endings: readonly PreparedEnding[],
): Promise<SettlementRow[][]> {
  const rows = await runAlone<SettlementRow>(pool, STATEMENT, [
    endings.map((ending) => ending.taskId),
    endings.map((ending) => ending.attemptId),
    endings.map((ending) => ending.result),
    endings.map((ending) => ending.details),
    group.workspaceId,
    group.actor,
    group.otherBudget,
    group.now,
  ]);
  const answers: SettlementRow[][] = endings.map(() => []);
  for (const row of rows) answers[row.n]?.push(row);
  return answers;
}

const RELEASE = {
  name: 'release_attempt_until',
  text: 'SELECT * FROM release_attempt_until($1, $2, $3, $4, $5, $6, $7, $8::jsonb, $9)',
};

/** Gives one task back, not to be handed out before a time; as `settleAttempts` answers. */
export async function releaseAttemptUntil(
  pool: Pool,
  group: SettleGroup,
  release: {
    taskId: string;
    attemptId: string;
    error: string | undefined;
    until: Date;
    /** Which breakers it waits for. */
    heldBy: readonly { agent: string; provider: string }[];
  },
): Promise<SettlementRow[]> {
  return runAlone<SettlementRow>(pool, RELEASE, [
    release.taskId,
    release.attemptId,
    group.workspaceId,
    group.actor,
    group.otherBudget,
    release.until,
    release.error ?? null,
    release.heldBy.length === 0 ? null : JSON.stringify(release.heldBy),
    group.now,
  ]);
}

/** An ending as it travels. */
export interface PreparedEnding extends Pick<AttemptEnding, 'taskId' | 'attemptId' | 'result'> {
  /** What a report says besides how it ended, as JSON; null: nothing, as most do. */
  details: string | null;
}

/** Why an attempt ended that was refused resources in a deadlock. */
export const GAVE_WAY =
  'It gave way: attempts waited for one another’s resources in a circle. The work is kept; the next attempt gets all resources at once';

export function prepareEnding(ending: AttemptEnding): PreparedEnding {
  const details = JSON.stringify({
    output: ending.output,
    artifacts: ending.artifacts,
    error: ending.error,
    question: ending.question,
    metrics: ending.metrics,
    failure_class: ending.failureClass,
    timed_out: ending.timedOut,
    on_prerequisite_failure: ending.onPrerequisiteFailure,
    ...(ending.draw === undefined ? {} : { backoff: DEFAULT_BACKOFF, draw: ending.draw }),
  });
  const { taskId, attemptId, result } = ending;
  return { taskId, attemptId, result, details: details === '{}' ? null : details };
}
