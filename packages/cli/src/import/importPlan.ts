import { isNeolithError, type NeolithClient, type Task } from '@neolith/contracts';
import type { NormalisedPlan, NormalisedTask } from '@neolith/daemon';
import { arrangeChunks } from './arrangeChunks.js';
import { compareTask } from './compareTask.js';
import { toNewTask } from './toNewTask.js';

export interface ImportInput {
  readonly plan: NormalisedPlan;
  /** With the task's id in its file it names a task for good. */
  readonly source: string;
  /** By source id; null for nobody. */
  readonly assignments: ReadonlyMap<string, string | null>;
  readonly channelId: string | null;
  readonly dryRun: boolean;
  readonly onProgress?: (done: number, total: number) => void;
}

/** Something that the server would not do; the rest was done. */
export interface Refusal {
  readonly sourceId: string;
  readonly taskId: string;
  readonly code: string;
  readonly message: string;
}

export interface ImportResult {
  readonly created: number;
  readonly unchanged: number;
  readonly updated: number;
  readonly dependenciesAdded: number;
  /** New tasks that belong to nobody. */
  readonly unassigned: number;
  /** Tasks whose parent is too large a family to be created in one call. */
  readonly parentsLeftOut: readonly string[];
  /** Imported as open, finished in the plan by now: only their agents or people can finish them here. */
  readonly finishedInPlan: readonly string[];
  readonly refused: readonly Refusal[];
}

/** Of one call; the server takes 10 MB. */
const CHUNK_LIMITS = { tasks: 1_000, bytes: 8_000_000 };
const AT_ONCE = 8;

/**
 * Brings the tasks of a plan to the server: creates what is new, prerequisites first, and updates what the plan says
 * otherwise. Calling it again, also after it was interrupted, does what is left and nothing twice. It deletes nothing.
 */
export async function importPlan(client: NeolithClient, input: ImportInput): Promise<ImportResult> {
  const { plan, source, dryRun } = input;
  const existing = await listImported(client, source);
  const fresh = plan.tasks.filter(({ sourceId }) => !existing.has(sourceId));
  const known = plan.tasks.filter(({ sourceId }) => existing.has(sourceId));
  const ids = new Map([...existing].map(([sourceId, task]) => [sourceId, task.id]));
  const parentsLeftOut: string[] = [];
  let created = 0;
  let done = 0;
  const step = (count: number): void => {
    done += count;
    input.onProgress?.(done, plan.tasks.length);
  };

  for (const chunk of arrangeChunks(fresh, CHUNK_LIMITS)) {
    const inCall = new Set(chunk.map(({ sourceId }) => sourceId));
    const idOf = (sourceId: string): string | null =>
      ids.get(sourceId) ?? (inCall.has(sourceId) ? sourceId : null);
    const bodies = chunk.map((task) => {
      if (task.parentSourceId !== null && idOf(task.parentSourceId) === null)
        parentsLeftOut.push(task.sourceId);
      const orchestratorId = input.assignments.get(task.sourceId) ?? null;
      return toNewTask(task, { source, orchestratorId, channelId: input.channelId }, idOf);
    });
    if (!dryRun) {
      const { tasks } = await client.createTasks({ body: { tasks: bodies }, timeoutMs: 60_000 });
      for (const task of tasks) if (task.sourceId !== null) ids.set(task.sourceId, task.id);
    }
    created += chunk.length;
    step(chunk.length);
  }

  const refused: Refusal[] = [];
  const finishedInPlan: string[] = [];
  let updated = 0;
  let dependenciesAdded = 0;
  await eachAtOnce(known, async (task) => {
    const now = existing.get(task.sourceId) as Task;
    const attempt = async (work: () => Promise<unknown>): Promise<boolean> => {
      try {
        if (!dryRun) await work();
        return true;
      } catch (error) {
        if (!isNeolithError(error) || ![400, 404, 409, 422].includes(error.status)) throw error;
        refused.push({ sourceId: task.sourceId, taskId: now.id, code: error.code, message: error.message });
        return false;
      }
    };
    let changed = false;
    const patch = compareTask(now, task, input.assignments.get(task.sourceId) ?? null);
    if (patch !== null)
      changed = await attempt(() => client.updateTask({ params: { id: now.id }, body: patch }));
    const isFinished = ['DONE', 'FAILED', 'CANCELLED'].includes(now.status);
    if (!isFinished && task.status !== 'open') finishedInPlan.push(task.sourceId);
    if (!isFinished && task.dependsOn.length > 0) {
      const { prerequisites } = await client.getTask({ params: { id: now.id } });
      const has = new Set(prerequisites.map(({ id }) => id));
      for (const sourceId of task.dependsOn) {
        const dependsOn = ids.get(sourceId);
        if (dependsOn !== undefined && has.has(dependsOn)) continue;
        const added = await attempt(() =>
          client.addDependency({ params: { id: now.id }, body: { dependsOn: dependsOn ?? sourceId } }),
        );
        if (added) dependenciesAdded += 1;
        changed ||= added;
      }
    }
    if (changed) updated += 1;
    step(1);
  });

  return {
    created,
    unchanged: known.length - updated,
    updated,
    dependenciesAdded,
    unassigned: fresh.filter(({ sourceId }) => (input.assignments.get(sourceId) ?? null) === null).length,
    parentsLeftOut,
    finishedInPlan,
    refused,
  };
}

/** The tasks that came from this source, by their id in it. */
async function listImported(client: NeolithClient, source: string): Promise<Map<string, Task>> {
  const found = new Map<string, Task>();
  let cursor: string | null = null;
  do {
    const page: Awaited<ReturnType<NeolithClient['listTasks']>> = await client.listTasks({
      query: { source, limit: 500, ...(cursor === null ? {} : { cursor }) },
    });
    for (const task of page.tasks) if (task.sourceId !== null) found.set(task.sourceId, task);
    cursor = page.nextCursor;
  } while (cursor !== null);
  return found;
}

async function eachAtOnce(
  tasks: readonly NormalisedTask[],
  work: (task: NormalisedTask) => Promise<void>,
): Promise<void> {
  const queue = tasks.values();
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      for (const task of queue) await work(task);
    }),
  );
}
