import type { TaskStatus } from '@neolith/contracts';
import { findCriticalPath, type TaskGraph } from './graph/index.js';

/** A task of a run, as its forecast sees it. */
export interface ForecastTask {
  status: TaskStatus;
  /** Percent, 0 to 100. */
  progress: number;
  estimateMinutes: number | null;
  claimedAt: Date | null;
  finishedAt: Date | null;
}

/** How long a task takes about which nothing is known. */
export const ASSUMED_SECONDS = 1_800;

export interface RunForecast {
  /** Work by estimates, in seconds: of everything that was not cancelled, and of what is done. */
  plannedSeconds: number;
  doneSeconds: number;
  /** 0 to 100. */
  percent: number;
  /** The median duration of what is done, from claim to end, in seconds; null while there is none. */
  medianSeconds: number | null;
  /** Where the durations of what is left come from. */
  estimated: number;
  measured: number;
  assumed: number;
  /** Longest chain of what is left, and its amount divided by the slots. */
  chainSeconds: number;
  slotSeconds: number;
  /** The nodes on the longest chain of what is left, and how much each may be late. */
  criticalPath: Int32Array;
  slack: Float64Array;
}

/**
 * How much of a run is done and how long the rest may take. A task counts with its estimate; without one with the
 * median duration of the run's finished tasks; while nothing is finished, with half an hour. What runs counts with the
 * share it has not reported yet. The rest takes no less than its longest chain, and no less than all of it over the slots.
 * Pure.
 */
export function forecastRun(graph: TaskGraph, tasks: readonly ForecastTask[], slots: number): RunForecast {
  const medianSeconds = median(
    tasks
      .filter((task) => task.status === 'DONE' && task.claimedAt !== null && task.finishedAt !== null)
      .map((task) =>
        Math.max(((task.finishedAt as Date).getTime() - (task.claimedAt as Date).getTime()) / 1_000, 0),
      ),
  );
  let estimated = 0;
  let measured = 0;
  let assumed = 0;
  let plannedSeconds = 0;
  let doneSeconds = 0;
  let leftSeconds = 0;
  const left = new Float64Array(tasks.length);
  for (const [node, task] of tasks.entries()) {
    if (task.status === 'CANCELLED') continue;
    const whole =
      task.estimateMinutes === null ? (medianSeconds ?? ASSUMED_SECONDS) : task.estimateMinutes * 60;
    const share = shareDone(task);
    plannedSeconds += whole;
    doneSeconds += whole * share;
    // A failed task is not going to be done unless somebody retries it.
    if (task.status === 'DONE' || task.status === 'FAILED') continue;
    if (task.estimateMinutes !== null) estimated += 1;
    else if (medianSeconds !== null) measured += 1;
    else assumed += 1;
    left[node] = whole * (1 - share);
    leftSeconds += left[node] as number;
  }
  const path = findCriticalPath(graph, left);
  return {
    plannedSeconds,
    doneSeconds,
    percent: plannedSeconds === 0 ? shareByCount(tasks) : Math.min((doneSeconds / plannedSeconds) * 100, 100),
    medianSeconds,
    estimated,
    measured,
    assumed,
    chainSeconds: path.totalSeconds,
    slotSeconds: leftSeconds / Math.max(slots, 1),
    criticalPath: path.path.filter((node) => (left[node] as number) > 0),
    slack: path.slack,
  };
}

/** Where all that is done took no time at all. */
function shareByCount(tasks: readonly ForecastTask[]): number {
  const counted = tasks.filter((task) => task.status !== 'CANCELLED');
  if (counted.length === 0) return 0;
  return (counted.filter((task) => task.status === 'DONE').length / counted.length) * 100;
}

/** Of a task whose code is complete only the merge is left. */
function shareDone(task: ForecastTask): number {
  if (task.status === 'DONE') return 1;
  if (task.status === 'MERGING') return 0.95;
  return task.status === 'IN_PROGRESS' ? Math.min(task.progress, 95) / 100 : 0;
}

function median(values: number[]): number | null {
  if (values.length === 0) return null;
  values.sort((a, b) => a - b);
  const middle = values.length >> 1;
  return values.length % 2 === 1
    ? (values[middle] as number)
    : ((values[middle - 1] as number) + (values[middle] as number)) / 2;
}
