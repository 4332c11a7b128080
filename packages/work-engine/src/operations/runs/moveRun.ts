import { formatId, NeolithError, type Run } from '@neolith/contracts';
import type { PoolClient } from 'pg';
import { canMoveRun, type RunVerb, runEventOf } from '../../domain/runTransitions.js';
import { storableText } from '../../domain/storable.js';
import type { EngineContext } from '../../engineContext.js';
import { notFound, uuidOf } from '../../ids.js';
import { lockRun, reviewRuns } from '../../store/lockRun.js';
import { readNow } from '../../store/lockTask.js';
import { findRun } from '../../store/readRun.js';
import { type RunRow, toRun } from '../../store/runRows.js';
import { type Connection, transact } from '../../store/sql.js';
import {
  countEndingLeases,
  countRunLeases,
  moveRun,
  readLeasesInProcess,
  requeueRun,
  resetRunTasks,
  stopRunTasks,
} from '../../store/writeRun.js';
import { settle } from '../completeTask.js';

const REASON_CHARS_MAX = 2_000;

export interface RunReason {
  /** Kept with the event, and with the run where it ends by this. */
  reason?: string | undefined;
}

/** From now on the run's tasks are handed out. Errors: RUN_NOT_FOUND, INVALID_TRANSITION. */
export async function startRun(engine: EngineContext, runId: string, options: RunReason = {}): Promise<Run> {
  return changeRun(engine, runId, 'start', options, async (client, row, move) => {
    const started = await moveRun(client, row, { ...move, to: 'RUNNING', fresh: true });
    await requeueRun(client, row.id, move.now);
    return started;
  });
}

/** Hands out nothing new; what is running goes on, and if the last task ends meanwhile the run succeeds. */
export async function pauseRun(engine: EngineContext, runId: string, options: RunReason = {}): Promise<Run> {
  return changeRun(engine, runId, 'pause', options, (client, row, move) =>
    moveRun(client, row, { ...move, to: 'PAUSED' }),
  );
}

/** Hands out work again after a pause. */
export async function resumeRun(engine: EngineContext, runId: string, options: RunReason = {}): Promise<Run> {
  return changeRun(engine, runId, 'resume', options, (client, row, move) =>
    moveRun(client, row, { ...move, to: 'RUNNING' }),
  );
}

/** Hands out work again after a quarantine; the failures are counted anew. */
export async function releaseRun(
  engine: EngineContext,
  runId: string,
  options: RunReason = {},
): Promise<Run> {
  return changeRun(engine, runId, 'release', options, (client, row, move) =>
    moveRun(client, row, { ...move, to: 'RUNNING', fresh: true }),
  );
}

/**
 * Goes on with a failed run: what FAILED or was CANCELLED with it gets another chance, with its budgets afresh, and a run that
 * failed by its threshold or its time hands out again. What somebody asked to cancel stays so: retry it by name. Errors: RUN_NOT_FOUND, INVALID_TRANSITION, RUN_HAS_ATTEMPTS while
 * attempts that were asked to end have not yet.
 */
export async function retryRun(engine: EngineContext, runId: string, options: RunReason = {}): Promise<Run> {
  return changeRun(engine, runId, 'retry', options, async (client, row, move) => {
    await refuseEndingAttempts(client, row);
    const moved = await moveRun(client, row, { ...move, to: 'RUNNING', fresh: true });
    await resetRunTasks(client, { runId: row.id, which: 'failed', actor: engine.actor, now: move.now });
    return moved;
  });
}

/**
 * Cancels a run: its waiting tasks at once, its running attempts as soon as their daemons confirm that the processes
 * have ended. What is being merged is let through.
 */
export async function stopRun(engine: EngineContext, runId: string, options: RunReason = {}): Promise<Run> {
  let inProcess: { task_id: string; attempt_id: string }[] = [];
  const stopped = await changeRun(engine, runId, 'stop', options, async (client, row, move) => {
    const moved = await moveRun(client, row, {
      ...move,
      to: 'CANCELLED',
      reason: options.reason === undefined ? 'Stopped' : storableText(options.reason),
    });
    await stopRunTasks(client, {
      runId: row.id,
      reason: options.reason === undefined ? 'The run was stopped' : storableText(options.reason),
      actor: engine.actor,
      now: move.now,
    });
    inProcess = await readLeasesInProcess(client, row.id);
    return moved;
  });
  // Work in this or another process has no daemon that would confirm its end.
  for (const lease of inProcess) {
    await settle(engine, formatId('task', lease.task_id), {
      taskId: lease.task_id,
      attemptId: lease.attempt_id,
      result: 'cancelled',
    }).catch((error: unknown) => {
      // It ended by itself meanwhile.
      if (!(error instanceof NeolithError && error.code === 'LEASE_LOST')) throw error;
    });
  }
  return inProcess.length === 0 ? stopped : getRun(engine, runId);
}

/**
 * Back to PENDING: everything that is not DONE is afresh, with its budgets, also what somebody cancelled (unlike `retryRun`,
 * which goes on with the run as people left it; this begins it anew), and the history stays. Refused while attempts are live. Errors: RUN_NOT_FOUND, INVALID_TRANSITION, RUN_HAS_ATTEMPTS.
 */
export async function resetRun(engine: EngineContext, runId: string, options: RunReason = {}): Promise<Run> {
  return changeRun(engine, runId, 'reset', options, async (client, row, move) => {
    await refuseLiveAttempts(client, row);
    const moved = await moveRun(client, row, { ...move, to: 'PENDING', fresh: true });
    await resetRunTasks(client, { runId: row.id, which: 'unfinished', actor: engine.actor, now: move.now });
    await requeueRun(client, row.id, move.now);
    return moved;
  });
}

/**
 * Ends a run in which nothing is left that could be done: SUCCEEDED, FAILED or CANCELLED, as its tasks say. It does so by itself;
 * this asks at once. Errors: RUN_NOT_FOUND, INVALID_TRANSITION, RUN_NOT_OVER with what is left.
 */
export async function completeRun(
  engine: EngineContext,
  runId: string,
  options: RunReason = {},
): Promise<Run> {
  return changeRun(engine, runId, 'complete', options, async (client, row, move) => {
    await reviewRuns(client, { runIds: [row.id], actor: engine.actor, now: move.now });
    const reviewed = (await findRun(client, row.id, null)) as RunRow;
    if (reviewed.finished_at !== null) return reviewed;
    const { counts } = toRun(row);
    if (counts.total === 0)
      throw new NeolithError(
        'RUN_NOT_OVER',
        `Run ${runId} has no tasks; add some, stop it, or reset and delete it`,
        {
          details: { runId, ...counts },
        },
      );
    throw new NeolithError(
      'RUN_NOT_OVER',
      `Run ${runId} has ${counts.todo} task(s) to do, ${counts.inProgress} in progress, ${counts.merging} merging and ${counts.blocked} blocked that may still be done; cancel them, or stop the run`,
      { details: { runId, ...counts } },
    );
  });
}

/** One run. Errors: RUN_NOT_FOUND. */
export async function getRun(engine: EngineContext, runId: string): Promise<Run> {
  return toRun(await readRunRow(engine.pool, runId, engine.workspaceId));
}

/** Errors: RUN_NOT_FOUND. */
export async function readRunRow(
  connection: Connection,
  runId: string,
  workspaceId: string | null,
): Promise<RunRow> {
  const row = await findRun(connection, uuidOf('run', runId), workspaceId);
  if (row === null) throw notFound('run', runId);
  return row;
}

export async function refuseLiveAttempts(client: PoolClient, row: RunRow): Promise<void> {
  const live = await countRunLeases(client, row.id);
  if (live === 0) return;
  throw new NeolithError(
    'RUN_HAS_ATTEMPTS',
    `Run ${formatId('run', row.id)} has ${live} live attempt(s); wait for them to end, or stop the run first`,
    { details: { runId: formatId('run', row.id), live } },
  );
}

/** A task whose attempt ends as cancelled while its run goes on again would be lost to it. */
export async function refuseEndingAttempts(client: PoolClient, row: RunRow): Promise<void> {
  const ending = await countEndingLeases(client, row.id);
  if (ending === 0) return;
  throw new NeolithError(
    'RUN_HAS_ATTEMPTS',
    `Run ${formatId('run', row.id)} has ${ending} attempt(s) that were asked to end and have not yet; try again when they have`,
    { details: { runId: formatId('run', row.id), ending } },
  );
}

interface Move {
  event: string;
  actor: string;
  now: Date;
  data?: Record<string, string>;
}

/** Locks a run, asks the state table, lets `change` move it, and tells the followers. */
async function changeRun(
  engine: EngineContext,
  runId: string,
  verb: RunVerb,
  options: RunReason,
  change: (client: PoolClient, row: RunRow, move: Move) => Promise<RunRow>,
): Promise<Run> {
  const uuid = uuidOf('run', runId);
  if ((options.reason?.length ?? 0) > REASON_CHARS_MAX)
    throw new NeolithError(
      'INVALID_INPUT',
      `A reason has at most ${REASON_CHARS_MAX} characters; shorten it`,
    );
  const changed = await transact(engine.pool, async (client) => {
    const row = await lockRun(client, uuid, engine.workspaceId, runId);
    const verdict = canMoveRun({ id: formatId('run', row.id), status: row.status }, verb);
    if (!verdict.allowed) {
      throw new NeolithError('INVALID_TRANSITION', verdict.reason ?? '', {
        details: { runId: formatId('run', row.id), status: row.status, possible: verdict.possible },
      });
    }
    const now = await readNow(client, engine.now());
    await change(client, row, {
      event: verb === 'complete' ? 'run.updated' : runEventOf(verb),
      actor: engine.actor,
      now,
      ...(options.reason === undefined ? {} : { data: { reason: storableText(options.reason) } }),
    });
    await reviewRuns(client, { runIds: [row.id], actor: engine.actor, now });
    return (await findRun(client, row.id, null)) as RunRow;
  });
  engine.events.poke();
  return toRun(changed);
}
