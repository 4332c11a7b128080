import {
  type Attempt,
  type AttemptPage,
  type BlockReason,
  mergeBackoff,
  NeolithError,
  parseId,
  type TaskDetail,
  type TaskFilter,
  type TaskPage,
} from '@neolith/contracts';
import type { EngineContext } from '../engineContext.js';
import { notFound, uuidOf } from '../ids.js';
import { findRoutes } from '../store/attemptRoutes.js';
import { findAttempt, findAttemptsOfTask } from '../store/findAttempt.js';
import { findTask } from '../store/findTask.js';
import { listAttemptRows, listTaskRows } from '../store/listRows.js';
import { readRunBackoff } from '../store/readRunBackoff.js';
import { type TaskRow, toAttempt, toTask, toTaskReference } from '../store/rows.js';
import { toEngineError } from '../store/sql.js';
import { findNeighbours, findResult } from '../store/taskNeighbours.js';
import { waitsFor as readWaitsFor } from '../store/waitsFor.js';
import { formatTimeCursor, parseTimeCursor } from './timeCursor.js';

/** One task, what it waits for, what waits for it, its attempts and its result. Errors: TASK_NOT_FOUND. */
export async function getTask(engine: EngineContext, taskId: string): Promise<TaskDetail> {
  const uuid = uuidOf('task', taskId);
  try {
    const row = await findTask(engine.pool, uuid, engine.workspaceId);
    if (row === null) throw notFound('task', taskId);
    const [prerequisites, dependents, attempts, result] = await Promise.all([
      findNeighbours(engine.pool, uuid, 'prerequisites'),
      findNeighbours(engine.pool, uuid, 'dependents'),
      findAttemptsOfTask(engine.pool, uuid),
      findResult(engine.pool, uuid),
    ]);
    const ofRun = row.run_id === null ? null : await readRunBackoff(engine.pool, row.run_id);
    const routes = await findRoutes(
      engine.pool,
      attempts.map(({ id }) => id),
    );
    const waitsFor = row.status === 'BLOCKED' ? await readWaitsFor(engine.pool, uuid) : [];
    const blockReasons: BlockReason[] = [
      ...(waitsFor.length > 0 ? (['DEPENDENCIES'] as const) : []),
      ...(row.blocked_reason !== null ? (['REPORTED'] as const) : []),
    ];
    return {
      ...toTask(row),
      blockReasons,
      prerequisites: prerequisites.map(toTaskReference),
      waitsFor: waitsFor.map(toTaskReference),
      dependents: dependents.map(toTaskReference),
      attempts: attempts.map((attempt) => toAttempt(attempt, routes.get(attempt.id))),
      retryBackoff: mergeBackoff(ofRun, row.backoff),
      result:
        result === null
          ? null
          : { output: result.output, artifacts: result.artifacts ?? [], error: result.error },
    };
  } catch (error) {
    throw toEngineError(error);
  }
}

/**
 * Tasks by filter, newest first, page by page. Errors: INVALID_CURSOR.
 * A filter by status walks along the tasks: cheap for an orchestrator or for what is common, a scan for what is rare.
 */
export async function listTasks(engine: EngineContext, filter: Partial<TaskFilter> = {}): Promise<TaskPage> {
  const limit = pageSize(filter.limit);
  const before = filter.cursor === undefined ? null : parseId('task', filter.cursor);
  if (filter.cursor !== undefined && before === null) {
    throw new NeolithError(
      'INVALID_CURSOR',
      'The cursor is not one that this list gave; leave it out to begin anew',
    );
  }
  const rows = await listTaskRows(engine.pool, {
    workspaceId: engine.workspaceId,
    orchestratorId:
      filter.orchestratorId === undefined ? null : uuidOf('orchestrator', filter.orchestratorId),
    unassigned: filter.unassigned === 'true',
    status: filter.status ?? null,
    source: filter.source ?? null,
    runId: filter.runId === undefined ? null : uuidOf('run', filter.runId),
    before,
    limit: limit + 1,
  }).catch((error: unknown) => {
    throw toEngineError(error);
  });
  const tasks = rows.slice(0, limit).map(toTask);
  return { tasks, nextCursor: rows.length > limit ? (tasks[tasks.length - 1]?.id ?? null) : null };
}

/** One attempt, live or ended. Errors: ATTEMPT_NOT_FOUND. */
export async function getAttempt(engine: EngineContext, attemptId: string): Promise<Attempt> {
  const row = await findAttempt(engine.pool, uuidOf('attempt', attemptId), engine.workspaceId).catch(
    (error: unknown) => {
      throw toEngineError(error);
    },
  );
  if (row === null) throw notFound('attempt', attemptId);
  return toAttempt(row, (await findRoutes(engine.pool, [row.id])).get(row.id));
}

/**
 * The attempts of an orchestrator: on the first page all that run, and `limit` ended ones a page, newest first.
 * Errors: ORCHESTRATOR_NOT_FOUND, INVALID_CURSOR.
 */
export async function listAttempts(
  engine: EngineContext,
  orchestratorId: string,
  page: { limit?: number | undefined; cursor?: string | undefined } = {},
): Promise<AttemptPage> {
  const limit = pageSize(page.limit);
  const before = page.cursor === undefined ? null : parseTimeCursor('attempt', page.cursor);
  const rows = await listAttemptRows(engine.pool, {
    workspaceId: engine.workspaceId,
    orchestratorId: uuidOf('orchestrator', orchestratorId),
    beforeEndedAt: before?.at ?? null,
    beforeId: before?.id ?? null,
    limit: limit + 1,
  }).catch((error: unknown) => {
    throw toEngineError(error);
  });
  if (rows === null) throw notFound('orchestrator', orchestratorId);
  const running = rows.filter((row) => row.ended_at === null);
  const ended = rows.filter((row) => row.ended_at !== null);
  const last = ended[limit - 1];
  return {
    attempts: [...running, ...ended.slice(0, limit)].map((row) => ({
      ...toAttempt(row),
      taskTitle: row.title,
    })),
    nextCursor:
      ended.length > limit && last !== undefined
        ? formatTimeCursor('attempt', last.ended_at as Date, last.id)
        : null,
  };
}

function pageSize(limit: number | undefined): number {
  return Math.min(Math.max(Math.floor(limit ?? 50), 1), 500);
}

/** The row of a task. Errors: TASK_NOT_FOUND. */
export async function readTaskRow(engine: EngineContext, taskId: string): Promise<TaskRow> {
  const task = await findTask(engine.pool, uuidOf('task', taskId), engine.workspaceId).catch(
    (error: unknown) => {
      throw toEngineError(error);
    },
  );
  if (task === null) throw notFound('task', taskId);
  return task;
}
