import {
  type DeadLetter,
  type DeadLetterFilter,
  type DeadLetterPage,
  formatId,
  NeolithError,
  REDRIVE_MAX,
  type RedriveRequest,
  type RedriveResult,
  redriveRequestSchema,
  type SpentBudget,
} from '@neolith/contracts';
import type { EngineContext } from '../engineContext.js';
import { uuidOf } from '../ids.js';
import { type DeadLetterRow, listDeadLetterRows } from '../store/deadLetters.js';
import { toTask } from '../store/rows.js';
import { toEngineError } from '../store/sql.js';
import { OTHER_BUDGET } from './completeTask.js';
import { parseWritten } from './parseWritten.js';
import { retryTask } from './retryTask.js';
import { formatTimeCursor, parseTimeCursor } from './timeCursor.js';

/**
 * Tasks that are parked because they failed for good, newest first, page by page, each with the reason of its last
 * attempt. All its attempts are with `getTask`, all its history with `listTaskEvents`. Errors: INVALID_CURSOR.
 */
export async function listDeadLetters(
  engine: EngineContext,
  filter: Partial<DeadLetterFilter> = {},
): Promise<DeadLetterPage> {
  const limit = Math.min(Math.max(Math.floor(filter.limit ?? 50), 1), REDRIVE_MAX);
  const rows = await readRows(engine, filter, limit + 1);
  const page = rows.slice(0, limit);
  const last = page[page.length - 1];
  return {
    deadLetters: page.map(toDeadLetter),
    nextCursor:
      rows.length > limit && last !== undefined
        ? formatTimeCursor('task', last.finished_at as Date, last.id)
        : null,
  };
}

/**
 * Gives parked tasks another chance, each by itself and with its budgets afresh, as `retryTask` does: those that are named, or
 * the newest 500 that the filter finds. Errors: INVALID_INPUT; a task that can't be retried is named with its own.
 */
export async function redriveDeadLetters(
  engine: EngineContext,
  input: RedriveRequest,
): Promise<RedriveResult> {
  const { taskIds, runId, orchestratorId } = parseWritten(redriveRequestSchema, input, 'The request');
  const rows =
    taskIds === undefined ? await readRows(engine, { runId, orchestratorId }, REDRIVE_MAX + 1) : [];
  const chosen =
    taskIds === undefined
      ? rows.slice(0, REDRIVE_MAX).map(({ id }) => formatId('task', id))
      : [...new Set(taskIds)];
  const redriven: string[] = [];
  const refused: RedriveResult['refused'] = [];
  for (const taskId of chosen) {
    try {
      redriven.push((await retryTask(engine, taskId)).id);
    } catch (error) {
      if (!(error instanceof NeolithError) || error.code === 'DATABASE_UNAVAILABLE') throw error;
      refused.push({ taskId, code: error.code, message: error.message });
    }
  }
  return { redriven, refused, more: rows.length > REDRIVE_MAX };
}

async function readRows(
  engine: EngineContext,
  filter: Partial<DeadLetterFilter>,
  limit: number,
): Promise<DeadLetterRow[]> {
  const before = filter.cursor === undefined ? null : parseTimeCursor('task', filter.cursor);
  return listDeadLetterRows(engine.pool, {
    workspaceId: engine.workspaceId,
    orchestratorId:
      filter.orchestratorId === undefined ? null : uuidOf('orchestrator', filter.orchestratorId),
    runId: filter.runId === undefined ? null : uuidOf('run', filter.runId),
    before: before && { finishedAt: before.at, id: before.id },
    limit,
  }).catch((error: unknown) => {
    throw toEngineError(error);
  });
}

function toDeadLetter(row: DeadLetterRow): DeadLetter {
  return {
    task: toTask(row),
    spent: spentOf(row),
    reason: row.last_error,
    failureClass: row.last_failure_class,
    agent: row.last_agent,
    parkedAt: row.finished_at as Date,
  };
}

function spentOf(row: DeadLetterRow): SpentBudget | null {
  if (row.failure_count >= row.max_attempts) return 'attempts';
  if (row.provider_failure_count >= OTHER_BUDGET) return 'provider';
  if (row.infrastructure_failure_count >= OTHER_BUDGET) return 'infrastructure';
  return row.lost_count >= OTHER_BUDGET ? 'lost' : null;
}
