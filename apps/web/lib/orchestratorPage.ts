import { apiGet } from './apiGet';
import { type RangeChoice, resolveRange } from './statsRange';
import type {
  AttemptPageJson,
  DaemonJson,
  ExecutionStatsJson,
  OrchestratorDetailJson,
  RankingJson,
  TaskJson,
  TaskPageJson,
} from './wire';

/** Lengths of the lists on an orchestrator's page. */
export const QUEUE_LENGTH = 50;
export const ATTEMPTS_LENGTH = 30;
export const STUCK_LENGTH = 20;
export const RUNNING_LENGTH = 100;

/** What the upper part of an orchestrator's page shows: who it is, what runs, what is stuck, what is next. */
export interface WorkNow {
  orchestrator: OrchestratorDetailJson;
  daemons: DaemonJson[];
  running: TaskJson[];
  blocked: TaskJson[];
  moreBlocked: boolean;
  queue: RankingJson;
}

export async function readWorkNow(id: string, signal: AbortSignal): Promise<WorkNow> {
  const own = `/orchestrators/${encodeURIComponent(id)}`;
  const tasks = (status: string, limit: number) =>
    apiGet<TaskPageJson>(
      `/tasks?orchestratorId=${encodeURIComponent(id)}&status=${status}&limit=${limit}`,
      signal,
    );
  const [orchestrator, { daemons }, running, merging, blocked, queue] = await Promise.all([
    apiGet<OrchestratorDetailJson>(own, signal),
    apiGet<{ daemons: DaemonJson[] }>('/daemons', signal),
    tasks('IN_PROGRESS', RUNNING_LENGTH),
    tasks('MERGING', RUNNING_LENGTH),
    tasks('BLOCKED', STUCK_LENGTH),
    apiGet<RankingJson>(`${own}/queue?limit=${QUEUE_LENGTH}`, signal),
  ]);
  return {
    orchestrator,
    daemons: daemons.filter((daemon) => daemon.orchestratorIds.includes(id)),
    running: [...running.tasks, ...merging.tasks],
    blocked: blocked.tasks,
    moreBlocked: blocked.nextCursor !== null,
    queue,
  };
}

/** How it went over a range, and the latest attempts. */
export interface WorkDone {
  stats: ExecutionStatsJson;
  attempts: AttemptPageJson;
}

export async function readWorkDone(
  id: string,
  choice: RangeChoice,
  { timeZone, now }: { timeZone: string; now: number },
  signal: AbortSignal,
): Promise<WorkDone> {
  const own = `/orchestrators/${encodeURIComponent(id)}`;
  const { start, end } = resolveRange(choice, now, timeZone);
  const range = new URLSearchParams({ start: start.toISOString(), end: end.toISOString() });
  const [stats, attempts] = await Promise.all([
    apiGet<ExecutionStatsJson>(`${own}/stats?${range}`, signal),
    apiGet<AttemptPageJson>(`${own}/attempts?limit=${ATTEMPTS_LENGTH}`, signal),
  ]);
  return { stats, attempts };
}
