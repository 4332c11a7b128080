import type { TaskStatus } from '@neolith/contracts';
import { apiGet } from './apiGet';
import { arrangeWaves, type WaveColumns, type WaveTask } from './arrangeWaves';
import type { EventJson, RunJson, RunProgressJson, RunSnapshotJson } from './wire';

/** How many runs a page of the list has. */
export const RUNS_LENGTH = 50;

/** What the whole run looks like: read when its shape may have changed, and kept up by its events. */
export interface RunShape {
  run: RunJson;
  waves: WaveColumns;
  mergeQueue: (RunSnapshotJson['mergeQueue'][number] & { title: string })[];
}

/** Pure: the server makes the first paint of it, the browser every later one. */
export function shapeOf(snapshot: RunSnapshotJson): RunShape {
  const titles = new Map(snapshot.tasks.map((task) => [task.id, task.title]));
  return {
    run: snapshot.run,
    waves: arrangeWaves(snapshot),
    mergeQueue: snapshot.mergeQueue.map((merge) => ({
      ...merge,
      title: titles.get(merge.taskId) ?? merge.taskId,
    })),
  };
}

const pathOf = (id: string) => `/runs/${encodeURIComponent(id)}`;

export async function readRunShape(id: string, signal: AbortSignal): Promise<RunShape> {
  return shapeOf(await apiGet<RunSnapshotJson>(`${pathOf(id)}/snapshot`, signal));
}

export function readRunProgress(id: string, signal: AbortSignal): Promise<RunProgressJson> {
  return apiGet<RunProgressJson>(`${pathOf(id)}/progress`, signal);
}

/** Whether an event of the run changes more than the state of one task. */
export function reshapes(event: EventJson): boolean {
  return (
    event.taskId === null ||
    event.type === 'task.created' ||
    event.type === 'task.updated' ||
    event.type === 'task.merge_granted' ||
    event.type.startsWith('dependency.') ||
    event.from === 'MERGING' ||
    event.to === 'MERGING'
  );
}

/** The shape after one event; the same object where the event touches nothing that is shown. */
export function applyTaskEvent(shape: RunShape, event: EventJson): RunShape {
  const { columns } = shape.waves;
  const touched = columns.find(({ tasks }) => tasks.some(({ id }) => id === event.taskId));
  if (touched === undefined) return shape;
  const tasks = touched.tasks.map((task) => (task.id === event.taskId ? afterEvent(task, event) : task));
  return {
    ...shape,
    waves: {
      ...shape.waves,
      columns: columns.map((column) => (column === touched ? { ...touched, tasks } : column)),
    },
  };
}

function afterEvent(task: WaveTask, { type, to, data }: EventJson): WaveTask {
  const status = (to as TaskStatus | null) ?? task.status;
  // By a report of a person, or of the attempt; or only by what it depends on.
  const told = data?.reason ?? data?.error;
  const reported =
    type !== 'task.blocked' || typeof told !== 'string' || told === 'DEPENDENCIES'
      ? task.blockedReason
      : told;
  return {
    ...task,
    status,
    progress:
      typeof data?.progress === 'number' ? data.progress : type === 'task.claimed' ? 0 : task.progress,
    blockedReason: status === 'BLOCKED' ? reported : null,
  };
}
