import { formatId } from '@neolith/contracts';
import type { EngineContext } from '../engineContext.js';
import { trimLogs } from '../store/appendLog.js';
import { forgetOldKeys } from '../store/idempotencyKeys.js';
import { reviewRuns } from '../store/lockRun.js';
import { readNow } from '../store/lockTask.js';
import { listRunsToReview } from '../store/readRun.js';
import {
  type AttemptEnding,
  GAVE_WAY,
  prepareEnding,
  type SettleGroup,
  type SettlementRow,
  settleAttempts,
} from '../store/settleAttempts.js';
import { isPassing, toEngineError, transact } from '../store/sql.js';
import { sumUpOutcomes } from '../store/sumUpOutcomes.js';
import {
  type ExpiredLease,
  forgetOldRequests,
  listDue,
  listDueTasks,
  promoteDue,
  promoteTasks,
  putOff,
  readCancelledInProcess,
  readExpired,
} from '../store/sweep.js';
import { trimEvents } from '../store/trimEvents.js';
import type { SweepOptions, SweepReport } from '../workEngine.js';
import { reviewBreakers } from './breakers.js';
import { observeEnding } from './completeTask.js';
import { type FaultIsolation, isolateFaults } from './isolateFaults.js';
import { loseDaemons } from './loseDaemons.js';
import { sweepResources } from './resources/sweepResources.js';

const BATCH = 500;
/** How many lost leases a task may have before it is parked: it may be what kills its daemons. */
const LOSS_BUDGET = 3;
/** Events looked at in one transaction: some tens of milliseconds. */
const TRIM_BATCH = 2_000;
/** Chunks of logs removed in one transaction, or those of one log. */
const TRIM_CHUNKS = 2_000;
/** After that a delayed task is tried again that could not be promoted. */
const PUT_OFF_SECONDS = 3_600;
/** A sweep goes no further with old events, or old logs, after this time, so that leases are looked at in time; the next one goes on. */
const TRIM_MS = 250;

/**
 * Takes back what leases that ran out still hold: the attempt is LOST, its task claimable again at once, or FAILED
 * after the third loss, or CANCELLED where that was asked for. Moves breakers whose time is over. Looks after resources: grants, circles of waiting, locks without an attempt. Notes which daemons fell silent. Promotes delayed tasks whose time has come, and lets runs
 * time out, open waves and end where nothing else made them. Sums up days that are over, for the statistics. Removes
 * events and logs that are older than their workspace keeps them, a piece at a time, and request ids of claims and
 * idempotency keys after a day. Works on all
 * workspaces of the engine; safe to run anywhere, any number of times at once. What can't be done is reported as a fault,
 * and holds up nothing else; only where the database can't be asked at all the sweep fails.
 */
export async function sweepExpiredLeases(
  engine: EngineContext,
  options: SweepOptions = {},
): Promise<SweepReport> {
  const isolation = isolateFaults();
  const group = {
    workspaceId: engine.workspaceId,
    actor: 'engine',
    otherBudget: LOSS_BUDGET,
    now: engine.now(),
  };
  try {
    const lost = await takeBack(engine, isolation, group, options.reachableSeconds ?? null);
    await endCancelled(engine, isolation, group);
    // After the lost leases: one of them may be a probe's.
    await reviewBreakers(engine, isolation);
    const runs = await reviewDueRuns(engine, isolation);
    const promoted = await promoteAll(engine, isolation);
    const orphans = await sweepResources(engine, isolation);
    const silent = await loseDaemons(engine, isolation, options.reachableSeconds ?? null);
    await isolation.one({ step: 'requests' }, () => forgetOldRequests(engine.pool, engine.now()));
    await isolation.one({ step: 'outcomes' }, () => sumUpOutcomes(engine.pool, engine.workspaceId));
    const trimmed = await isolation.one({ step: 'events' }, () =>
      trimForAWhile(engine, TRIM_BATCH, trimEvents),
    );
    const trimmedLogs = await isolation.one({ step: 'logs' }, () =>
      trimForAWhile(engine, TRIM_CHUNKS, trimLogs),
    );
    await isolation.one({ step: 'keys' }, () => forgetOldKeys(engine.pool, engine.now()));
    if (lost.length + promoted + runs.length + silent.length > 0) engine.events.poke();
    return {
      lost,
      promoted,
      runs,
      orphanLocks: orphans.locks,
      orphanWaits: orphans.waits,
      lostDaemons: silent,
      trimmed: trimmed ?? 0,
      trimmedLogs: trimmedLogs ?? 0,
      faults: [...isolation.faults],
    };
  } catch (error) {
    throw toEngineError(error);
  }
}

/** Attempts whose lease ran out are lost. */
async function takeBack(
  engine: EngineContext,
  isolation: FaultIsolation,
  group: SettleGroup,
  reachableSeconds: number | null,
): Promise<SweepReport['lost']> {
  const lost: SweepReport['lost'] = [];
  // Onwards from the last one that was looked at: one that can't be taken back would be found again and again.
  let afterTaskId: string | null = null;
  for (;;) {
    const place: string | null = afterTaskId;
    const expired: ExpiredLease[] | undefined = await isolation.one({ step: 'leases' }, () =>
      readExpired(engine.pool, {
        workspaceId: engine.workspaceId,
        now: engine.now(),
        limit: BATCH,
        reachableSeconds,
        afterTaskId: place,
      }),
    );
    const rows = await settleIsolated(
      engine,
      isolation,
      group,
      (expired ?? []).map((lease) => ({
        taskId: lease.task_id,
        attemptId: lease.attempt_id,
        result: lease.gave_way ? 'released' : 'lost',
        error: lease.gave_way
          ? GAVE_WAY
          : `The lease ran out at ${lease.expires_at.toISOString()} without a sign of life`,
      })),
    );
    const gaveWay = new Set(expired?.filter((lease) => lease.gave_way).map((lease) => lease.attempt_id));
    for (const row of rows.filter(({ attempt_id: id }) => id === null || !gaveWay.has(id))) {
      lost.push({
        taskId: formatId('task', row.task_id),
        attemptId: formatId('attempt', row.attempt_id as string),
      });
    }
    if (expired === undefined || expired.length < BATCH) return lost;
    afterTaskId = expired[expired.length - 1]?.task_id ?? null;
  }
}

/** Attempts without expiry that were asked to end: nobody would confirm it. */
async function endCancelled(
  engine: EngineContext,
  isolation: FaultIsolation,
  group: SettleGroup,
): Promise<void> {
  const unheard = await isolation.one({ step: 'cancels' }, () =>
    readCancelledInProcess(engine.pool, engine.workspaceId),
  );
  if (unheard === undefined || unheard.length === 0) return;
  await settleIsolated(
    engine,
    isolation,
    group,
    unheard.map((lease) => ({ taskId: lease.task_id, attemptId: lease.attempt_id, result: 'cancelled' })),
  );
  engine.events.poke();
}

/** Ends many attempts together, and those that can't be ended by themselves. Answers those that were. */
async function settleIsolated(
  engine: EngineContext,
  isolation: FaultIsolation,
  group: SettleGroup,
  endings: readonly AttemptEnding[],
): Promise<SettlementRow[]> {
  const settled = await isolation.many(
    { step: 'leases', kind: 'task', idOf: (ending: AttemptEnding) => ending.taskId },
    endings,
    async (items) => {
      const answers = await settleAttempts(engine.pool, group, items.map(prepareEnding));
      // Renewed or ended since: not this sweep's.
      return answers.flatMap((rows, index) =>
        rows
          .filter((row) => row.code === null)
          .map((row) => ({ row, ending: items[index] as AttemptEnding })),
      );
    },
  );
  for (const { row, ending } of settled) observeEnding(engine, ending, row);
  return settled.map(({ row }) => row);
}

/** A time-out, the next wave, an end that came about elsewhere: what no ending of the run itself brought about. */
async function reviewDueRuns(engine: EngineContext, isolation: FaultIsolation): Promise<string[]> {
  const due = await isolation.one({ step: 'runs' }, () =>
    listRunsToReview(engine.pool, engine.workspaceId, engine.now()),
  );
  const reviewed: string[] = [];
  for (const id of due ?? []) {
    const changed = await isolation.one({ step: 'runs', kind: 'run', id }, () =>
      transact(engine.pool, async (client) =>
        reviewRuns(client, { runIds: [id], actor: 'engine', now: await readNow(client, engine.now()) }),
      ),
    );
    reviewed.push(...(changed ?? []).map((runId) => formatId('run', runId)));
  }
  return reviewed;
}

/** Delayed tasks whose time has come, one orchestrator after another. */
async function promoteAll(engine: EngineContext, isolation: FaultIsolation): Promise<number> {
  const input = { workspaceId: engine.workspaceId, now: engine.now() };
  const due = await isolation.one({ step: 'delayed' }, () => listDue(engine.pool, input));
  let promoted = 0;
  for (const id of due ?? []) {
    const more = await isolation.one({ step: 'delayed', kind: 'orchestrator', id }, () =>
      promoteDue(engine.pool, { orchestratorId: id, now: engine.now() }).catch(() =>
        promoteApart(engine, isolation, id),
      ),
    );
    promoted += more ?? 0;
  }
  return promoted;
}

/** Where they can't be promoted together: apart. Those that can't be at all are put off, or every claim would meet them. */
async function promoteApart(
  engine: EngineContext,
  isolation: FaultIsolation,
  orchestratorId: string | null,
): Promise<number> {
  const due = await listDueTasks(engine.pool, { orchestratorId, now: engine.now() });
  const done = await isolation.many(
    { step: 'delayed', kind: 'task', idOf: (taskId: string) => taskId },
    due,
    async (taskIds) => {
      await promoteTasks(engine.pool, { orchestratorId, taskIds, now: engine.now() });
      return taskIds;
    },
  );
  // One that only met a lock, or took too long, is the next sweep's.
  const passing = new Set(isolation.faults.filter(({ error }) => isPassing(error)).map(({ id }) => id));
  const left = due.filter((taskId) => !done.includes(taskId) && !passing.has(formatId('task', taskId)));
  if (left.length > 0)
    await putOff(engine.pool, { taskIds: left, seconds: PUT_OFF_SECONDS, now: engine.now() });
  return done.length;
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
