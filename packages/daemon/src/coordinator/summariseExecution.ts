import type { RunSnapshot, RunTask } from '@neolith/contracts';
import type { AgentUsage } from '../agents/agentAdapter.js';
import { sumUsage, type TaskRecord } from './executionRecord.js';

export interface TaskSummary
  extends Pick<RunTask, 'id' | 'title' | 'sourceId' | 'status' | 'wave' | 'blockedReason'> {
  /** Titles of what it depends on that is not done. */
  readonly waitsFor: readonly string[];
  /** Of its last attempt in this process; null where it had none. */
  readonly record: TaskRecord | null;
}

/** How an execution stands, or stood at its end. */
export interface ExecutionSummary {
  readonly run: RunSnapshot['run'];
  /** In the order of waves, then as the server lists them. */
  readonly tasks: readonly TaskSummary[];
  /** Of all attempts of this process, those that failed, too. */
  readonly usage: AgentUsage;
  /** Branches whose work is in no target yet. */
  readonly keptBranches: readonly string[];
  /** Milliseconds from the start of this execution. */
  readonly durationMs: number;
}

/** Pure. */
export function summariseExecution(
  snapshot: Pick<RunSnapshot, 'run' | 'tasks' | 'edges'>,
  records: ReadonlyMap<string, TaskRecord>,
  durationMs: number,
): ExecutionSummary {
  const waitsFor = snapshot.tasks.map((): string[] => []);
  for (const [dependent, prerequisite] of snapshot.edges) {
    const task = snapshot.tasks[prerequisite];
    if (task !== undefined && task.status !== 'DONE') waitsFor[dependent]?.push(task.title);
  }
  const tasks = snapshot.tasks
    .map((task, place) => ({ task, place }))
    .sort((a, b) => a.task.wave - b.task.wave || a.place - b.place)
    .map(({ task: { id, title, sourceId, status, wave, blockedReason }, place }) => ({
      ...{ id, title, sourceId, status, wave, blockedReason },
      waitsFor: waitsFor[place] ?? [],
      record: records.get(id) ?? null,
    }));
  return {
    run: snapshot.run,
    tasks,
    usage: sumUsage([...records.values()].flatMap(({ usage, usedBefore }) => [usage, usedBefore])),
    keptBranches: [...records.values()].flatMap(({ branch, kept, keptBefore, result }) => [
      ...(result === 'completed' ? [] : keptBefore),
      ...(branch !== null && kept !== null ? [branch] : []),
    ]),
    durationMs,
  };
}
