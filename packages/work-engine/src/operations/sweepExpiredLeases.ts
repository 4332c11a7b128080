import { formatId } from '@neolith/contracts';
import type { EngineContext } from '../engineContext.js';
import { trimLogs } from '../store/appendLog.js';
import { forgetOldKeys } from '../store/idempotencyKeys.js';
import { reviewRuns } from '../store/lockRun.js';
import { readNow } from '../store/lockTask.js';
import { listRunsToReview } from '../store/readRun.js';
import { prepareEnding, settleAttempts } from '../store/settleAttempts.js';
import { toEngineError, transact } from '../store/sql.js';
import { sumUpOutcomes } from '../store/sumUpOutcomes.js';
import { forgetOldRequests, promoteDue, readCancelledInProcess, readExpired } from '../store/sweep.js';
import { trimEvents } from '../store/trimEvents.js';
import type { SweepOptions, SweepReport } from '../workEngine.js';

const BATCH = 500;
/** How many lost leases a task may have before it is parked: it may be what kills its daemons. */
const LOSS_BUDGET = 3;
/** Events looked at in one transaction: some tens of milliseconds. */
const TRIM_BATCH = 2_000;
/** Chunks of logs removed in one transaction, or those of one log. */
const TRIM_CHUNKS = 2_000;
/** A sweep goes no further with old events, or old logs, after this time, so that leases are looked at in time; the next one goes on. */
const TRIM_MS = 250;

/**
 * Takes back what leases that ran out still hold: the attempt is LOST, its task claimable again at once, or FAILED
 * after the third loss, or CANCELLED where that was asked for. Promotes delayed tasks whose time has come, and lets runs
 * time out, open waves and end where nothing else made them. Sums up days that are over, for the statistics. Removes
 * events and logs that are older than their workspace keeps them, a piece at a time, and request ids of claims and
 * idempotency keys after a day. Works on all
 * workspaces of the engine; safe to run anywhere, any number of times at once.
 */
export async function sweepExpiredLeases(
  engine: EngineContext,
  options: SweepOptions = {},
): Promise<SweepReport> {
  const lost: SweepReport['lost'] = [];
  const reviewed: string[] = [];
  try {
    for (;;) {
      const expired = await readExpired(engine.pool, {
        workspaceId: engine.workspaceId,
        now: engine.now(),
        limit: BATCH,
        reachableSeconds: options.reachableSeconds ?? null,
      });
      if (expired.length === 0) break;
      const answers = await settleAttempts(
        engine.pool,
        { workspaceId: engine.workspaceId, actor: 'engine', otherBudget: LOSS_BUDGET, now: engine.now() },
        expired.map((lease) =>
          prepareEnding({
            taskId: lease.task_id,
            attemptId: lease.attempt_id,
            result: 'lost',
            error: `The lease ran out at ${lease.expires_at.toISOString()} without a sign of life`,
          }),
        ),
      );
      const taken = answers.flat().filter((row) => row.code === null);
      lost.push(
        ...taken.map((row) => ({
          taskId: formatId('task', row.task_id),
          attemptId: formatId('attempt', row.attempt_id as string),
        })),
      );
      // Renewed since: not this sweep's.
      if (taken.length === 0) break;
    }
    const unheard = await readCancelledInProcess(engine.pool, engine.workspaceId);
    if (unheard.length > 0) {
      await settleAttempts(
        engine.pool,
        { workspaceId: engine.workspaceId, actor: 'engine', otherBudget: LOSS_BUDGET, now: engine.now() },
        unheard.map((lease) =>
          prepareEnding({ taskId: lease.task_id, attemptId: lease.attempt_id, result: 'cancelled' }),
        ),
      );
      engine.events.poke();
    }
    // A time-out, the next wave, an end that came about elsewhere: what no ending of the run itself brought about.
    for (const runId of await listRunsToReview(engine.pool, engine.workspaceId, engine.now())) {
      const changed = await transact(engine.pool, async (client) =>
        reviewRuns(client, { runIds: [runId], actor: 'engine', now: await readNow(client, engine.now()) }),
      );
      reviewed.push(...changed.map((id) => formatId('run', id)));
    }
    const promoted = await promoteDue(engine.pool, { workspaceId: engine.workspaceId, now: engine.now() });
    await forgetOldRequests(engine.pool, engine.now());
    await sumUpOutcomes(engine.pool, engine.workspaceId);
    const trimmed = await trimForAWhile(engine, TRIM_BATCH, trimEvents);
    const trimmedLogs = await trimForAWhile(engine, TRIM_CHUNKS, trimLogs);
    await forgetOldKeys(engine.pool, engine.now());
    if (lost.length > 0 || promoted > 0 || reviewed.length > 0) engine.events.poke();
    return { lost, promoted, runs: reviewed, trimmed, trimmedLogs };
  } catch (error) {
    throw toEngineError(error);
  }
}

/** Removes what is old, piece by piece, until nothing is left or the time is up. Returns how much. */
async function trimForAWhile(engine: EngineContext, limit: number, trim: typeof trimEvents): Promise<number> {
  const until = performance.now() + TRIM_MS;
  let trimmed = 0;
  for (;;) {
    const { removed, is_over: isOver } = await trim(engine.pool, {
      workspaceId: engine.workspaceId,
      now: engine.now(),
      limit,
    });
    trimmed += removed;
    if (isOver || performance.now() >= until) return trimmed;
  }
}
