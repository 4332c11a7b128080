import type { RunSnapshotJson } from './wire';

/** What is drawn of a task among the waves. */
export type WaveTask = Pick<
  RunSnapshotJson['tasks'][number],
  'id' | 'title' | 'status' | 'progress' | 'critical' | 'blockedReason'
>;

export interface WaveColumn {
  wave: number;
  /** How many tasks it has, shown or not. */
  total: number;
  tasks: WaveTask[];
}

export interface WaveColumns {
  columns: WaveColumn[];
  /** Waves before and after those shown. */
  before: number;
  after: number;
}

/** A run may have thousands of either; a page of that many would show nothing. */
const COLUMNS = 24;
const TASKS = 40;

const FINAL = new Set<string>(['DONE', 'FAILED', 'CANCELLED']);

/**
 * The waves of a run as columns: at most 24 of them, beginning just before the first that is not over, each with at
 * most 40 of its tasks. Of a larger wave what can still change comes first. Pure.
 */
export function arrangeWaves({ tasks, waves }: Pick<RunSnapshotJson, 'tasks' | 'waves'>): WaveColumns {
  const taskOf = new Map(tasks.map((task) => [task.id, task]));
  const open = waves.findIndex((ids) => ids.some((id) => !FINAL.has(taskOf.get(id)?.status ?? 'DONE')));
  const wanted = open === -1 ? 0 : open - 1;
  const first = Math.max(0, Math.min(wanted, waves.length - COLUMNS));
  const columns = waves.slice(first, first + COLUMNS).map((ids, place): WaveColumn => {
    const all = ids.flatMap((id) => taskOf.get(id) ?? []);
    const shown =
      all.length <= TASKS
        ? all
        : [
            ...all.filter(({ status }) => !FINAL.has(status)),
            ...all.filter(({ status }) => FINAL.has(status)),
          ];
    return {
      wave: first + place,
      total: ids.length,
      tasks: shown.slice(0, TASKS).map(({ id, title, status, progress, critical, blockedReason }) => ({
        id,
        title,
        status,
        progress,
        critical,
        blockedReason,
      })),
    };
  });
  return { columns, before: first, after: Math.max(0, waves.length - first - COLUMNS) };
}
