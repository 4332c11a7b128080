import {
  attemptPageSchema,
  daemonSchema,
  executionStatsSchema,
  orchestratorDetailSchema,
  rankingSchema,
  taskSchema,
} from '@neolith/contracts';
import type { WorkEngine } from '@neolith/work-engine';
import {
  ATTEMPTS_LENGTH,
  QUEUE_LENGTH,
  RUNNING_LENGTH,
  STUCK_LENGTH,
  type WorkDone,
  type WorkNow,
} from './orchestratorPage';
import { type RangeChoice, resolveRange } from './statsRange';
import { toJson } from './toJson';

/** The first paint of an orchestrator's page: the same as its client reads later over HTTP. */
export async function loadOrchestratorPage(
  engine: WorkEngine,
  { id, choice, now }: { id: string; choice: RangeChoice; now: number },
): Promise<{ cursor: string; workNow: WorkNow; workDone: WorkDone }> {
  // The cursor before the data: what happens in between is then told once more instead of missed.
  const cursor = await engine.currentCursor();
  const orchestrator = await engine.getOrchestrator(id);
  const { start, end } = resolveRange(choice, now, orchestrator.timeZone);
  const tasks = (status: 'IN_PROGRESS' | 'MERGING' | 'BLOCKED', limit: number) =>
    engine.listTasks({ orchestratorId: orchestrator.id, status, limit });
  const [daemons, running, merging, blocked, queue, stats, attempts] = await Promise.all([
    engine.listDaemons(),
    tasks('IN_PROGRESS', RUNNING_LENGTH),
    tasks('MERGING', RUNNING_LENGTH),
    tasks('BLOCKED', STUCK_LENGTH),
    engine.rankTasks(orchestrator.id, { limit: QUEUE_LENGTH }),
    engine.getOrchestratorExecutionStats(orchestrator.id, { start, end }),
    engine.listAttempts(orchestrator.id, { limit: ATTEMPTS_LENGTH }),
  ]);
  return {
    cursor,
    workNow: {
      orchestrator: toJson(orchestratorDetailSchema, orchestrator),
      daemons: daemons
        .filter((daemon) => daemon.orchestratorIds.includes(orchestrator.id))
        .map((daemon) => toJson(daemonSchema, daemon)),
      running: [...running.tasks, ...merging.tasks].map((task) => toJson(taskSchema, task)),
      blocked: blocked.tasks.map((task) => toJson(taskSchema, task)),
      moreBlocked: blocked.nextCursor !== null,
      queue: toJson(rankingSchema, queue),
    },
    workDone: {
      stats: toJson(executionStatsSchema, stats),
      attempts: toJson(attemptPageSchema, attempts),
    },
  };
}
