import type { EventJson, OverviewJson } from './wire';

/** What a `task.progress` event says: percent, and perhaps a message; null where it says neither. */
export function readProgress(event: EventJson): { progress: number | null; message: string | null } | null {
  if (event.type !== 'task.progress') return null;
  const progress = typeof event.data?.progress === 'number' ? event.data.progress : null;
  const message = typeof event.data?.message === 'string' ? event.data.message : null;
  return progress === null && message === null ? null : { progress, message };
}

/** The overview with the progress of one event; the same object where the event touches nothing shown. */
export function applyProgress(overview: OverviewJson, event: EventJson): OverviewJson {
  const told = readProgress(event);
  if (told === null) return overview;
  let touched = false;
  const orchestrators = overview.orchestrators.map((row) => {
    if (!row.running.some((work) => work.task.id === event.taskId)) return row;
    touched = true;
    return {
      ...row,
      running: row.running.map((work) =>
        work.task.id === event.taskId
          ? {
              ...work,
              progress: told.progress ?? work.progress,
              progressMessage: told.message ?? work.progressMessage,
            }
          : work,
      ),
    };
  });
  return touched ? { ...overview, orchestrators } : overview;
}
