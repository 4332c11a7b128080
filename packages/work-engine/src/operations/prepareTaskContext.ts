import { formatId, NeolithError, type TaskExecutionContext } from '@neolith/contracts';
import { readCharter } from '../domain/charter.js';
import type { EngineContext } from '../engineContext.js';
import { notFound, uuidOf } from '../ids.js';
import { type ContextRow, readContexts } from '../store/readContexts.js';
import { toTask } from '../store/rows.js';
import { toEngineError } from '../store/sql.js';

const RELATED_LIMIT = 10;
const RELATIONS = ['parent', 'child', 'sibling', 'tags'] as const;

/**
 * Everything an agent needs to do a task: the task, its orchestrator and charter, its prerequisites with their status
 * and results, related tasks, how earlier attempts ended, workspace and channel.
 * Errors: ORCHESTRATOR_NOT_FOUND, TASK_NOT_FOUND, TASK_NOT_ASSIGNED.
 */
export async function prepareTaskContext(
  engine: EngineContext,
  orchestratorId: string,
  taskId: string,
): Promise<TaskExecutionContext> {
  const orchestrator = uuidOf('orchestrator', orchestratorId);
  const task = uuidOf('task', taskId);
  const [row] = await read(engine, [task]);
  if (row?.orchestrator_id === orchestrator) return toContext(row);
  const known = await engine.prisma.orchestrator.count({
    where: { id: orchestrator, ...(engine.workspaceId === null ? {} : { workspaceId: engine.workspaceId }) },
  });
  if (known === 0) throw notFound('orchestrator', orchestratorId);
  if (row === undefined) throw notFound('task', taskId);
  throw new NeolithError(
    'TASK_NOT_ASSIGNED',
    `Task ${taskId} is not assigned to Orchestrator ${orchestratorId}`,
    { details: { taskId, orchestratorId } },
  );
}

/** The context of a task for whichever orchestrator it is assigned to. Errors: TASK_NOT_FOUND, TASK_NOT_ASSIGNED. */
export async function getTaskContext(engine: EngineContext, taskId: string): Promise<TaskExecutionContext> {
  const [row] = await read(engine, [uuidOf('task', taskId)]);
  if (row === undefined) throw notFound('task', taskId);
  if (row.orchestrator_name === null) throw unassigned(taskId);
  return toContext(row);
}

function unassigned(taskId: string): NeolithError {
  return new NeolithError('TASK_NOT_ASSIGNED', `Task ${taskId} is not assigned to any Orchestrator`, {
    details: { taskId },
  });
}

/** The contexts of several assigned tasks in the order asked for, in one round trip. Errors: TASK_NOT_FOUND, TASK_NOT_ASSIGNED. */
export async function prepareTaskContexts(
  engine: EngineContext,
  taskIds: readonly string[],
): Promise<TaskExecutionContext[]> {
  const uuids = taskIds.map((id) => uuidOf('task', id));
  const byId = new Map((await read(engine, uuids)).map((row) => [row.id, row]));
  return uuids.map((uuid, index) => {
    const row = byId.get(uuid);
    if (row === undefined) throw notFound('task', taskIds[index] as string);
    if (row.orchestrator_name === null) throw unassigned(taskIds[index] as string);
    return toContext(row);
  });
}

async function read(engine: EngineContext, uuids: readonly string[]): Promise<ContextRow[]> {
  return readContexts(engine.pool, uuids, engine.workspaceId).catch((error: unknown) => {
    throw toEngineError(error);
  });
}

export function toContext(row: ContextRow): TaskExecutionContext {
  return {
    task: toTask(row),
    orchestrator: {
      id: formatId('orchestrator', row.orchestrator_id as string),
      name: row.orchestrator_name as string,
      role: row.orchestrator_role,
      discipline: row.orchestrator_discipline,
      capabilities: row.orchestrator_capabilities,
      daemonEndpoint: row.orchestrator_daemon_endpoint,
    },
    charter: readCharter(row.user_config),
    dependencies: row.dependencies.map((dependency) => ({
      taskId: formatId('task', dependency.id),
      title: dependency.title,
      status: dependency.status,
      finishedAt: dependency.finished_at === null ? null : new Date(dependency.finished_at),
      result: dependency.has_result
        ? { output: dependency.output, artifacts: dependency.artifacts ?? [], error: dependency.error }
        : null,
    })),
    relatedTasks: row.related.slice(0, RELATED_LIMIT).map((other) => ({
      taskId: formatId('task', other.id),
      title: other.title,
      status: other.status,
      priority: other.priority,
      relation: RELATIONS[other.relation - 1] as (typeof RELATIONS)[number],
      sharedTags: other.shared,
    })),
    previousAttempts: row.previous,
    workspace: {
      id: formatId('workspace', row.workspace_id),
      slug: row.workspace_slug,
      name: row.workspace_name,
    },
    channel:
      row.channel_id === null
        ? null
        : {
            id: formatId('channel', row.channel_id),
            name: row.channel_name as string,
            purpose: row.channel_purpose,
          },
  };
}
