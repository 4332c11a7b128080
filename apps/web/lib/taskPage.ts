import { apiGet } from './apiGet';
import type { EventJson, EventPageJson, OrchestratorDetailJson, TaskDetailJson } from './wire';

/** How many events of its history a task's page shows. */
export const HISTORY_LENGTH = 500;

export interface TaskPageData {
  task: TaskDetailJson;
  /** Null where the task belongs to nobody. */
  orchestrator: OrchestratorDetailJson | null;
  /** Oldest first. */
  history: EventJson[];
}

/** Reads a task's page again; the orchestrator only where it has changed hands. */
export async function readTaskPage(
  id: string,
  known: OrchestratorDetailJson | null,
  signal: AbortSignal,
): Promise<TaskPageData> {
  const own = `/tasks/${encodeURIComponent(id)}`;
  const [task, history] = await Promise.all([
    apiGet<TaskDetailJson>(own, signal),
    apiGet<EventPageJson>(`${own}/events?limit=${HISTORY_LENGTH}`, signal),
  ]);
  const orchestrator =
    task.orchestratorId === null || task.orchestratorId === known?.id
      ? known
      : await apiGet<OrchestratorDetailJson>(
          `/orchestrators/${encodeURIComponent(task.orchestratorId)}`,
          signal,
        );
  return { task, orchestrator: task.orchestratorId === null ? null : orchestrator, history: history.events };
}
