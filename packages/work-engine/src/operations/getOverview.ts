import { formatId, type OrchestratorOverview, type Overview } from '@neolith/contracts';
import { emptyBacklog } from '../domain/backlog.js';
import type { EngineContext } from '../engineContext.js';
import { type RunningRow, readAlive, readRunning, readWeek } from '../store/readOverview.js';
import { readBacklogs } from '../store/readStats.js';
import { toAttempt, toOrchestrator } from '../store/rows.js';
import { toEngineError } from '../store/sql.js';
import { percentage } from './getOrchestratorExecutionStats.js';
import { currentCursor } from './readEvents.js';

/** All orchestrators at a glance, by name; rates and times are of the last seven days. */
export async function getOverview(engine: EngineContext): Promise<Overview> {
  const { workspaceId } = engine;
  try {
    // Before the facts: what changes after it was read is told by the stream.
    const cursor = await currentCursor(engine);
    const [orchestrators, running, backlogs, weeks, alive] = await Promise.all([
      engine.prisma.orchestrator.findMany({
        where: workspaceId === null ? {} : { workspaceId },
        orderBy: [{ name: 'asc' }, { id: 'asc' }],
      }),
      readRunning(engine.pool, workspaceId),
      readBacklogs(engine.pool, { orchestratorId: null, workspaceId }),
      readWeek(engine.pool, workspaceId, engine.now()),
      readAlive(engine.pool, workspaceId, engine.now()),
    ]);
    const weekOf = new Map(weeks.map((week) => [week.orchestrator_id, week]));
    return {
      orchestrators: orchestrators.map((orchestrator): OrchestratorOverview => {
        const week = weekOf.get(orchestrator.id);
        return {
          orchestrator: toOrchestrator(orchestrator),
          daemonAlive: alive.has(orchestrator.id),
          running: running.filter((row) => row.orchestrator_id === orchestrator.id).map(toRunning),
          backlog: backlogs.get(orchestrator.id) ?? emptyBacklog(),
          successRate: week === undefined ? null : percentage(week.completed, week.completed + week.failed),
          averageCompletionTime: week?.average_seconds ?? null,
          throughput: week?.throughput ?? [],
        };
      }),
      unassigned: backlogs.get(null)?.total ?? 0,
      cursor,
    };
  } catch (error) {
    throw toEngineError(error);
  }
}

function toRunning(row: RunningRow): OrchestratorOverview['running'][number] {
  return {
    task: {
      id: formatId('task', row.task_id),
      title: row.title,
      status: row.task_status,
      priority: row.priority,
    },
    attempt: toAttempt(row),
    progress: row.progress,
    progressMessage: row.progress_message,
  };
}
