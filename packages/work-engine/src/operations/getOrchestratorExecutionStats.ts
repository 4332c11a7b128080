import {
  type ExecutionStats,
  formatId,
  NeolithError,
  TASK_PRIORITIES,
  type TaskPriority,
} from '@neolith/contracts';
import { emptyBacklog } from '../domain/backlog.js';
import type { EngineContext } from '../engineContext.js';
import { notFound, uuidOf } from '../ids.js';
import { readNow } from '../store/lockTask.js';
import { readBacklogs, readStats } from '../store/readStats.js';
import { toEngineError } from '../store/sql.js';
import { sumUsageOfOrchestrator } from '../store/sumUsage.js';

const DAY_MS = 86_400_000;
const DEFAULT_RANGE_DAYS = 30;
const LONGEST_RANGE_DAYS = 3_660;

/**
 * Statistics of an orchestrator over [start, end): tasks whose final event lies in the range, credited to the
 * orchestrator that held them last. Rates are percentages, times are seconds, null where there is nothing to divide
 * by; days are days in the orchestrator's time zone. Blocked, in progress and backlog are as of now.
 * Without a range: the last 30 days. Definitions: docs/concepts/statistics.md.
 *
 * Errors: ORCHESTRATOR_NOT_FOUND, INVALID_INPUT (start not before end, or more than 3,660 days).
 */
export async function getOrchestratorExecutionStats(
  engine: EngineContext,
  orchestratorId: string,
  range: { start?: Date | undefined; end?: Date | undefined } = {},
): Promise<ExecutionStats> {
  const uuid = uuidOf('orchestrator', orchestratorId);
  const end = range.end ?? (await databaseNow(engine));
  const start = range.start ?? new Date(end.getTime() - DEFAULT_RANGE_DAYS * DAY_MS);
  checkRange(start, end);
  try {
    const [stats, backlogs, usage] = await Promise.all([
      readStats(engine.pool, { orchestratorId: uuid, workspaceId: engine.workspaceId, start, end }),
      readBacklogs(engine.pool, { orchestratorId: uuid, workspaceId: engine.workspaceId }),
      sumUsageOfOrchestrator(engine.pool, { orchestratorId: uuid, start, end }),
    ]);
    if (stats === null) throw notFound('orchestrator', orchestratorId);
    const byPriority = Object.fromEntries(
      TASK_PRIORITIES.map((priority) => [
        priority,
        stats.by_priority.find((row) => row.priority === priority) ?? {
          completed: 0,
          failed: 0,
          cancelled: 0,
        },
      ]),
    ) as Record<TaskPriority, { completed: number; failed: number; cancelled: number }>;
    const backlog = backlogs.get(uuid) ?? emptyBacklog();
    return {
      orchestratorId: formatId('orchestrator', uuid),
      range: { start, end, timeZone: stats.time_zone },
      completed: stats.completed,
      failed: stats.failed,
      cancelled: stats.cancelled,
      successRate: percentage(stats.completed, stats.completed + stats.failed),
      averageCompletionTime: stats.average_seconds,
      p50CompletionTime: stats.p50_seconds,
      p95CompletionTime: stats.p95_seconds,
      onTimeRate: percentage(stats.on_time, stats.with_due_date),
      retries: stats.retries,
      usage,
      byPriority: Object.fromEntries(
        Object.entries(byPriority).map(([priority, { completed, failed, cancelled }]) => [
          priority,
          { completed, failed, cancelled },
        ]),
      ) as ExecutionStats['byPriority'],
      byDay: stats.by_day,
      blocked: backlog.blocked,
      inProgress: stats.in_progress,
      backlog,
    };
  } catch (error) {
    throw toEngineError(error);
  }
}

/** The database's clock, whatever this machine's says: a clock that is behind would leave out the latest work. */
async function databaseNow(engine: EngineContext): Promise<Date> {
  return readNow(engine.pool, engine.now()).catch((error: unknown) => {
    throw toEngineError(error);
  });
}

function checkRange(start: Date, end: Date): void {
  if (Number.isNaN(start.getTime()) || Number.isNaN(end.getTime()) || start >= end) {
    throw new NeolithError('INVALID_INPUT', 'The range needs a start before its end', {
      details: { errors: [{ path: 'start', message: 'must be before end' }] },
    });
  }
  if (end.getTime() - start.getTime() > LONGEST_RANGE_DAYS * DAY_MS) {
    throw new NeolithError('INVALID_INPUT', `The range may have at most ${LONGEST_RANGE_DAYS} days`, {
      details: { errors: [{ path: 'start', message: 'is too long before end' }] },
    });
  }
}

/** `part` of `whole` in percent, null where there is no whole. */
export function percentage(part: number, whole: number): number | null {
  return whole === 0 ? null : (part / whole) * 100;
}
