import {
  type EventPage,
  formatId,
  type RunGraph,
  type RunProgress,
  type RunSnapshot,
} from '@neolith/contracts';
import type { PoolClient } from 'pg';
import { describeDiagnosis } from '../../domain/describeDiagnosis.js';
import { describeEta, explainWaiting } from '../../domain/explainRun.js';
import { diagnoseGraph } from '../../domain/graph/index.js';
import type { EngineContext } from '../../engineContext.js';
import { readNow } from '../../store/lockTask.js';
import { readEpoch, readHorizon } from '../../store/readEventRows.js';
import {
  readRunEventRows,
  readRunLeases,
  readRunMerges,
  readRunOrchestrators,
  readRunWaves,
} from '../../store/readRun.js';
import { toAttempt } from '../../store/rows.js';
import { toRun } from '../../store/runRows.js';
import { readConsistently, toEngineError } from '../../store/sql.js';
import { sumUsageOfRun } from '../../store/sumUsage.js';
import { formatCursor, parseCursor, toEvent } from '../readEvents.js';
import { readRunRow } from './moveRun.js';
import { readRunGraph, slotsOf } from './readRunGraph.js';

/**
 * The whole run in one consistent read: status, tasks, edges, waves, critical path, live attempts, merge queue, limits,
 * and the cursor of the event stream at which it holds. A client draws it and follows the events from there: it misses
 * nothing, and what it is told twice is the same. Errors: RUN_NOT_FOUND.
 */
export async function getRunSnapshot(engine: EngineContext, runId: string): Promise<RunSnapshot> {
  return readConsistently(engine.pool, async (client) => {
    const row = await readRunRow(client, runId, engine.workspaceId);
    const run = toRun(row);
    const view = await readRunGraph(client, row.id, run);
    return {
      run,
      at: await readNow(client, engine.now()),
      cursor: await readCursor(client),
      tasks: view.tasks,
      edges: view.edges,
      outside: view.outside.map((edge) => ({
        taskId: formatId('task', edge.dependent_id),
        dependsOn: formatId('task', edge.prerequisite_id),
        status: edge.outside as NonNullable<typeof edge.outside>,
      })),
      waves: view.waveIds,
      criticalPath: view.criticalPath,
      usage: await sumUsageOfRun(client, row.id),
      assignments: (await readRunLeases(client, row.id)).map((lease) => toAttempt(lease)),
      mergeQueue: (await readRunMerges(client, row.id)).map((merge) => ({
        taskId: formatId('task', merge.task_id),
        attemptId: formatId('attempt', merge.attempt_id),
        readyAt: merge.ready_at,
        grantedAt: merge.granted_at,
      })),
    };
  });
}

/** The graph of a run: tasks, edges, waves, critical path, and what is odd about it. Errors: RUN_NOT_FOUND. */
export async function getRunGraph(
  engine: EngineContext,
  runId: string,
): Promise<NonNullable<RunGraph['graph']> & { name: string }> {
  return readConsistently(engine.pool, async (client) => {
    const row = await readRunRow(client, runId, engine.workspaceId);
    const view = await readRunGraph(client, row.id, toRun(row));
    const diagnosis = diagnoseGraph(view.built, {
      statusOf: (node) => (view.rows[node] as (typeof view.rows)[number]).status,
      maxListed: 100,
    });
    return {
      name: row.name,
      tasks: view.tasks,
      edges: view.edges,
      waves: view.waveIds,
      criticalPath: view.criticalPath,
      diagnosis: describeDiagnosis(diagnosis, (id) => {
        const node = view.built.graph.indexOf(id);
        return { id: formatId('task', id), title: view.rows[node]?.title ?? id };
      }),
    };
  });
}

/**
 * How far a run is: counts, percent weighted by estimates, the current wave, what runs, what it waits for, and when it
 * may be over, with how that was computed. Errors: RUN_NOT_FOUND.
 */
export async function getProgress(engine: EngineContext, runId: string): Promise<RunProgress> {
  return readConsistently(engine.pool, async (client) => {
    const row = await readRunRow(client, runId, engine.workspaceId);
    const run = toRun(row);
    const view = await readRunGraph(client, row.id, run);
    const at = await readNow(client, engine.now());
    const waves = await readRunWaves(client, row.id);
    const leases = await readRunLeases(client, row.id);
    const merges = await readRunMerges(client, row.id);
    const orchestrators = await readRunOrchestrators(client, row.id);
    const usage = await sumUsageOfRun(client, row.id);
    const { forecast } = view;
    const taskOf = new Map(view.tasks.map((task) => [task.id, task]));
    return {
      runId: run.id,
      status: run.status,
      at,
      counts: run.counts,
      percent: Math.round(forecast.percent * 100) / 100,
      plannedSeconds: forecast.plannedSeconds,
      doneSeconds: Math.round(forecast.doneSeconds),
      currentWave:
        run.currentWave ??
        waves.find((wave) => wave.live + wave.blocked > 0)?.wave ??
        Math.max(view.waves.count - 1, 0),
      waveCount: view.waves.count,
      waves,
      running: leases.map((lease) => {
        const task = taskOf.get(formatId('task', lease.task_id));
        return {
          taskId: formatId('task', lease.task_id),
          title: task?.title ?? '',
          attemptId: formatId('attempt', lease.id),
          status: task?.status ?? 'IN_PROGRESS',
          progress: task?.progress ?? 0,
          since: lease.claimed_at,
        };
      }),
      waitingFor: explainWaiting({
        run,
        at,
        slots: slotsOf(run),
        tasks: view.tasks,
        availableAt: view.rows.map((task) => task.available_at),
        outside: view.outside.length,
        orchestrators,
        merges: merges.map((merge) => ({ granted: merge.granted_at !== null })),
      }),
      usage,
      eta: describeEta({
        run,
        at,
        forecast,
        slots: slotsOf(run),
        lastWave: waves.findLast((wave) => wave.live + wave.blocked > 0)?.wave ?? 0,
      }),
    };
  });
}

/** The events of a run and its tasks, oldest first, page by page (default 50, at most 5,000). Errors: RUN_NOT_FOUND, INVALID_CURSOR. */
export async function getRunHistory(
  engine: EngineContext,
  runId: string,
  page: { limit?: number | undefined; cursor?: string | undefined } = {},
): Promise<EventPage> {
  const row = await readRunRow(engine.pool, runId, engine.workspaceId);
  const after = page.cursor === undefined ? null : parseCursor(page.cursor);
  const limit = Math.min(Math.max(Math.trunc(page.limit ?? 50), 1), 5_000);
  try {
    const epoch = await readEpoch(engine.pool);
    const rows = await readRunEventRows(engine.pool, {
      runId: row.id,
      // A place in another history is no place in this one.
      afterXid: after?.epoch === epoch ? after.xid : '0',
      afterSeq: after?.epoch === epoch ? after.seq : '0',
      limit,
    });
    const events = rows.map((event) => toEvent(event, epoch));
    return {
      events,
      cursor: events[events.length - 1]?.cursor ?? page.cursor ?? formatCursor({ epoch, xid: '0', seq: '0' }),
    };
  } catch (error) {
    throw toEngineError(error);
  }
}

async function readCursor(client: PoolClient): Promise<string> {
  return formatCursor({ epoch: await readEpoch(client), ...(await readHorizon(client)) });
}
