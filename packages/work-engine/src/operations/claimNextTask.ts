import { NeolithError } from '@neolith/contracts';
import type { EngineContext } from '../engineContext.js';
import { newUuid, notFound, uuidOf } from '../ids.js';
import type { ClaimRow } from '../store/claimReady.js';
import { findAttempt } from '../store/findAttempt.js';
import { toReadyCriteria } from '../store/readyCriteria.js';
import { type AttemptRow, type TaskRow, toAttempt, toTask } from '../store/rows.js';
import { toEngineError } from '../store/sql.js';
import type { Claim, ClaimOptions, ClaimResult } from '../workEngine.js';

export const DEFAULT_LEASE_SECONDS = 30;
const MAX_CLAIMS = 100;

/**
 * Selects and claims the next task of an orchestrator, or up to `max` of them, in one round trip. Each gets an
 * attempt, whose id is the fencing token for all that follows. Claims for one orchestrator happen one after another,
 * so limits are never exceeded and the order of claims is the order of scores.
 *
 * Without work the result has no claims and a reason. The same `requestId` again gets the same attempts.
 * Errors: ORCHESTRATOR_NOT_FOUND, DAEMON_NOT_FOUND, INVALID_INPUT.
 */
export async function claimNextTask(
  engine: EngineContext,
  orchestratorId: string,
  options: ClaimOptions = {},
): Promise<ClaimResult> {
  const max = options.max ?? 1;
  if (!Number.isInteger(max) || max < 1 || max > MAX_CLAIMS) {
    throw new NeolithError('INVALID_INPUT', `max must be a whole number from 1 to ${MAX_CLAIMS}, not ${max}`);
  }
  const leaseSeconds = checkLeaseSeconds(
    options.leaseSeconds === undefined ? DEFAULT_LEASE_SECONDS : options.leaseSeconds,
  );
  const askedMs = performance.now();
  const rows = await engine.lanes.claim(
    {
      workspaceId: engine.workspaceId,
      orchestratorId: uuidOf('orchestrator', orchestratorId),
      leaseSeconds,
      criteria: toReadyCriteria(options.criteria),
      now: engine.now(),
    },
    {
      daemonId: options.daemonId === undefined ? null : uuidOf('daemon', options.daemonId),
      agent: options.agent ?? null,
      actor: engine.actor,
      requestId: options.requestId ?? null,
      attemptIds: Array.from({ length: max }, newUuid),
    },
  );
  const reason = rows[0]?.reason ?? null;
  if (reason === 'ORCHESTRATOR_NOT_FOUND') throw notFound('orchestrator', orchestratorId);
  if (reason === 'DAEMON_NOT_FOUND') throw notFound('daemon', options.daemonId ?? '');
  const taken = rows.filter(isClaim);
  engine.observe({
    kind: 'claim',
    tasks: taken.filter((row) => !row.replay).length,
    reason,
    seconds: (performance.now() - askedMs) / 1_000,
  });
  if (taken.some((row) => row.replay)) return { claims: await replay(engine, taken), reason };
  const claims = taken.map((row) => toClaim(row, options, leaseSeconds));
  if (claims.length > 0) engine.events.poke();
  return { claims, reason };
}

/** What became of the attempts since is told as it is: a daemon must not begin anew what has ended. */
async function replay(engine: EngineContext, rows: readonly TakenRow[]): Promise<Claim[]> {
  return Promise.all(
    rows.map(async (row) => {
      const attempt = await findAttempt(engine.pool, row.attempt_id, engine.workspaceId).catch(rethrow);
      return { task: toTask(row), attempt: toAttempt(attempt as AttemptRow), score: null };
    }),
  );
}

function rethrow(error: unknown): never {
  throw toEngineError(error);
}

export function checkLeaseSeconds(seconds: number | null): number | null {
  if (seconds !== null && (!Number.isInteger(seconds) || seconds < 1 || seconds > 86_400)) {
    throw new NeolithError(
      'INVALID_INPUT',
      `leaseSeconds must be a whole number from 1 to 86400, or null, not ${seconds}`,
    );
  }
  return seconds;
}

type TakenRow = ClaimRow & TaskRow;

function isClaim(row: ClaimRow): row is TakenRow {
  return row.id !== null;
}

function endOfLease(claimedAt: Date, leaseSeconds: number | null): Date | null {
  return leaseSeconds === null ? null : new Date(claimedAt.getTime() + leaseSeconds * 1_000);
}

function toClaim(row: TakenRow, options: ClaimOptions, leaseSeconds: number | null): Claim {
  return {
    task: toTask(row),
    attempt: toAttempt({
      id: row.attempt_id,
      task_id: row.id,
      orchestrator_id: row.orchestrator_id as string,
      daemon_id: options.daemonId === undefined ? null : uuidOf('daemon', options.daemonId),
      number: row.attempt_count,
      agent: options.agent ?? null,
      status: 'RUNNING',
      claimed_at: row.claimed_at as Date,
      ended_at: null,
      expires_at: endOfLease(row.claimed_at as Date, leaseSeconds),
      cancel_requested_at: null,
      failure_class: null,
      error: null,
      metrics: null,
    }),
    score:
      row.weight === null || row.boost === null
        ? null
        : { weight: row.weight, boost: row.boost, score: row.weight * row.boost },
  };
}
