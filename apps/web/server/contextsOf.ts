import { isNeolithError, type TaskExecutionContext } from '@neolith/contracts';
import type { WorkEngine } from '@neolith/work-engine';
import { gather } from './gather';

interface Asked {
  engine: WorkEngine;
  taskIds: readonly string[];
}

/** Far more workspaces than are busy at once. */
const KEPT = 1_000;
const CALLS_AT_ONCE = 64;
/** A call for more is a read of its own: contexts can be large, and one that is waited for by many must stay small. */
const TASKS_TO_GATHER = 10;

const readers = new Map<string, (asked: Asked) => Promise<TaskExecutionContext[]>>();

/** The contexts of claimed tasks, in their order. Claims that come together are read together, workspace by workspace. */
export async function contextsOf(
  engine: WorkEngine,
  workspaceId: string,
  taskIds: readonly string[],
): Promise<TaskExecutionContext[]> {
  if (taskIds.length === 0) return [];
  if (taskIds.length > TASKS_TO_GATHER) return engine.prepareTaskContexts(taskIds);
  let reader = readers.get(workspaceId);
  if (reader === undefined) {
    if (readers.size >= KEPT) readers.delete(readers.keys().next().value as string);
    reader = gather(readTogether, CALLS_AT_ONCE);
    readers.set(workspaceId, reader);
  }
  return reader({ engine, taskIds });
}

async function readTogether(
  calls: readonly Asked[],
): Promise<(TaskExecutionContext[] | Promise<TaskExecutionContext[]>)[]> {
  const each = () => calls.map(({ engine, taskIds }) => engine.prepareTaskContexts(taskIds));
  const [first] = calls;
  if (first === undefined || calls.length === 1) return each();
  let all: TaskExecutionContext[];
  try {
    all = await first.engine.prepareTaskContexts(calls.flatMap(({ taskIds }) => taskIds));
  } catch (error) {
    // A task of one call may be what failed it: by itself none fails for another. A database that is away fails them all.
    if (!isNeolithError(error) || error.code === 'DATABASE_UNAVAILABLE') throw error;
    return each();
  }
  let next = 0;
  return calls.map(({ taskIds }) => {
    const own = all.slice(next, next + taskIds.length);
    next += taskIds.length;
    return own;
  });
}
