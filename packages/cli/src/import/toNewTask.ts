import type { CallInput, endpoints } from '@neolith/contracts';
import type { NormalisedTask } from '@neolith/daemon';

type CreateBody = NonNullable<CallInput<(typeof endpoints)['createTasks']>['body']>;
export type NewTaskBody = CreateBody['tasks'][number];

/** What the server takes of a tag. */
const TAG_CHARS_MAX = 64;

export interface Placement {
  readonly source: string;
  readonly orchestratorId: string | null;
  readonly channelId: string | null;
}

/** The fields of a task that a plan decides, as the server takes them; what the plan leaves open is left out. Pure. */
export function plannedFields(task: NormalisedTask) {
  return {
    title: task.title,
    priority: task.priority,
    tags: fitTags(task.tags),
    acceptanceCriteria: [...task.acceptanceCriteria],
    metadata: task.metadata as NonNullable<NewTaskBody['metadata']>,
    ...(task.description === null ? {} : { description: task.description }),
    ...(task.dueAt === null ? {} : { dueAt: task.dueAt.toISOString() }),
    ...(task.maxAttempts === null ? {} : { maxAttempts: task.maxAttempts }),
    ...(task.timeoutSeconds === null ? {} : { timeoutSeconds: Math.max(1, Math.round(task.timeoutSeconds)) }),
    ...(task.estimateMinutes === null
      ? {}
      : { estimateMinutes: Math.max(1, Math.round(task.estimateMinutes)) }),
  };
}

/**
 * A task as it is created. Pure.
 * @param idOf how the call names another task of the plan: an id, or the key of one in the same call; null where
 *   it can't be named yet.
 */
export function toNewTask(
  task: NormalisedTask,
  placement: Placement,
  idOf: (sourceId: string) => string | null,
): NewTaskBody {
  const parentId = task.parentSourceId === null ? null : idOf(task.parentSourceId);
  return {
    ...plannedFields(task),
    ...placement,
    key: task.sourceId,
    sourceId: task.sourceId,
    dependsOn: task.dependsOn.map((id) => idOf(id) ?? id),
    ...(parentId === null ? {} : { parentId }),
    ...(task.createdAt === null ? {} : { createdAt: task.createdAt.toISOString() }),
    status: task.status === 'done' ? 'DONE' : task.status === 'cancelled' ? 'CANCELLED' : 'TODO',
  };
}

function fitTags(tags: readonly string[]): string[] {
  const fitting = tags
    .map((tag) => tag.trim().slice(0, TAG_CHARS_MAX).trim().toWellFormed())
    .filter((tag) => tag !== '');
  return [...new Set(fitting)];
}

/** The tags that had to be cut. */
export function cutTags(tags: readonly string[]): string[] {
  return tags.filter((tag) => tag.trim().length > TAG_CHARS_MAX);
}
