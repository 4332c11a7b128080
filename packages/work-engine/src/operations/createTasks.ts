import {
  formatId,
  NeolithError,
  type NewTask,
  newTaskSchema,
  type ParsedNewTask,
  type Task,
  type TaskStatus,
} from '@neolith/contracts';
import type { PoolClient } from 'pg';
import { type ArrangedTask, arrangeNewTasks } from '../domain/arrangeNewTasks.js';
import { isRunEnded } from '../domain/runTransitions.js';
import type { EngineContext } from '../engineContext.js';
import { newUuid, notFound, uuidOf } from '../ids.js';
import { findOwners, insertTasks, type NewTaskRow } from '../store/insertTasks.js';
import { failDependents, lockRun } from '../store/lockRun.js';
import { readNow } from '../store/lockTask.js';
import { lockPrerequisites } from '../store/prerequisites.js';
import { renumberWaves } from '../store/renumberWaves.js';
import { type TaskRow, toTask } from '../store/rows.js';
import { transact } from '../store/sql.js';
import { parseWritten } from './parseWritten.js';

/** Creates one task; see createTasks. */
export async function createTask(engine: EngineContext, task: NewTask): Promise<Task> {
  const [created] = await createTasks(engine, [task]);
  return created as Task;
}

/**
 * Creates tasks with the dependencies among them, all or none. `dependsOn` and `parentId` name existing tasks by id
 * and tasks of the same call by their `key`. A task with unmet prerequisites is BLOCKED, any other TODO.
 *
 * The workspace is the engine's, or that of the orchestrator where the engine has none.
 * Errors: INVALID_INPUT, ORCHESTRATOR_NOT_FOUND, CHANNEL_NOT_FOUND, TASK_NOT_FOUND, DEPENDENCY_CYCLE,
 * DEPENDENCY_ON_ITSELF, DUPLICATE_DEPENDENCY, DUPLICATE_SOURCE_ID, RUN_NOT_FOUND, RUN_ENDED.
 */
export async function createTasks(engine: EngineContext, tasks: readonly NewTask[]): Promise<Task[]> {
  if (!Array.isArray(tasks)) throw new NeolithError('INVALID_INPUT', 'createTasks takes a list of tasks');
  const parsed = tasks.map((task: NewTask, index) =>
    parseWritten(newTaskSchema, task, `Task ${index + 1}`, ['tasks', index]),
  );
  const rows = await transact(engine.pool, (client) => insertNewTasks(engine, client, parsed));
  engine.events.poke();
  return rows.map(toTask);
}

/** Inserts tasks within a transaction; those of a run make its waves anew. */
export async function insertNewTasks(
  engine: EngineContext,
  client: PoolClient,
  tasks: readonly ParsedNewTask[],
): Promise<TaskRow[]> {
  const uuids = tasks.map(newUuid);
  const arranged = arrangeNewTasks(tasks.map((task, index) => ({ ...task, uuid: uuids[index] as string })));
  const owners = await ownersOf(engine, client, tasks);
  const runIds = await lockRunsOf(client, tasks, owners.workspaceId);
  const now = await readNow(client, engine.now());
  const statusOf = await statusesOf(client, tasks, arranged, owners.workspaceId);
  const toInsert = tasks.map((task, index) =>
    toRow(task, arranged[index] as ArrangedTask, { ...owners, now, statusOf }),
  );
  const made = await insertTasks(client, {
    rows: toInsert,
    workspaceId: owners.workspaceId,
    actor: engine.actor,
    now,
  });
  for (const runId of runIds) await renumberWaves(client, runId, now);
  const ended = [...statusOf].filter(([, status]) => status === 'FAILED' || status === 'CANCELLED');
  if (ended.length > 0) {
    // What they wait for is over already: the policy of their run holds as if it ended now.
    await failDependents(client, {
      endedIds: ended.map(([id]) => id),
      policy: undefined,
      only: made.map((row) => row.id),
      actor: engine.actor,
      now,
    });
  }
  return made;
}

/** The runs that get new tasks, locked in order of their ids. Errors: RUN_NOT_FOUND, RUN_ENDED. */
async function lockRunsOf(
  client: PoolClient,
  tasks: readonly ParsedNewTask[],
  workspaceId: string,
): Promise<string[]> {
  const given = new Map(
    tasks
      .filter((task) => task.runId !== null)
      .map((task) => [uuidOf('run', task.runId as string), task.runId as string]),
  );
  const runIds = [...given.keys()].sort();
  for (const runId of runIds) {
    const run = await lockRun(client, runId, workspaceId, given.get(runId) as string);
    if (isRunEnded(run.status)) {
      throw new NeolithError(
        'RUN_ENDED',
        `Run ${formatId('run', runId)} is ${run.status}; reset it before adding tasks, or add them to another run`,
        { details: { runId: formatId('run', runId), status: run.status } },
      );
    }
  }
  return runIds;
}

interface Owners {
  workspaceId: string;
}

/** The workspace of new things, with their orchestrators and channels found in it. */
export async function ownersOf(
  engine: EngineContext,
  client: PoolClient,
  tasks: readonly { orchestratorId: string | null; channelId?: string | null }[],
): Promise<Owners> {
  const orchestratorIds = new Map(
    tasks
      .filter((task) => task.orchestratorId !== null)
      .map((task) => [uuidOf('orchestrator', task.orchestratorId as string), task.orchestratorId as string]),
  );
  const channelIds = new Map(
    tasks
      .filter((task) => task.channelId != null)
      .map((task) => [uuidOf('channel', task.channelId as string), task.channelId as string]),
  );
  const found = await findOwners(client, {
    orchestratorIds: [...orchestratorIds.keys()],
    channelIds: [...channelIds.keys()],
    workspaceId: engine.workspaceId,
  });
  const workspaceId =
    engine.workspaceId ??
    found.orchestrators[0]?.workspace_id ??
    (found.workspaceIds.length === 1 ? (found.workspaceIds[0] as string) : null);
  if (workspaceId === null) {
    throw new NeolithError(
      'INVALID_INPUT',
      'Say which workspace the tasks belong to: engine.as({ workspaceId }), or give them an orchestrator',
    );
  }
  if (!found.workspaceIds.includes(workspaceId))
    throw notFound('workspace', formatId('workspace', workspaceId));
  for (const [uuid, given] of orchestratorIds) {
    if (!found.orchestrators.some((row) => row.id === uuid && row.workspace_id === workspaceId))
      throw notFound('orchestrator', given);
  }
  for (const [uuid, given] of channelIds) {
    if (!found.channels.some((row) => row.id === uuid && row.workspace_id === workspaceId))
      throw notFound('channel', given);
  }
  return { workspaceId };
}

/** The status of every task that is referred to, the existing ones held still until the edges to them are counted. */
async function statusesOf(
  client: PoolClient,
  tasks: readonly ParsedNewTask[],
  arranged: readonly ArrangedTask[],
  workspaceId: string,
): Promise<Map<string, TaskStatus>> {
  const statusOf = new Map<string, TaskStatus>(
    arranged.map((task, index) => [task.uuid, (tasks[index] as ParsedNewTask).status]),
  );
  const existing = new Set(
    arranged
      .flatMap((task) => [...task.prerequisites, ...(task.parent === null ? [] : [task.parent])])
      .filter((id) => !statusOf.has(id)),
  );
  for (const row of await lockPrerequisites(client, [...existing])) {
    if (row.workspace_id === workspaceId) statusOf.set(row.id, row.status);
  }
  for (const id of existing) if (!statusOf.has(id)) throw notFound('task', formatId('task', id));
  return statusOf;
}

function toRow(
  task: ParsedNewTask,
  arranged: ArrangedTask,
  known: Owners & { now: Date; statusOf: ReadonlyMap<string, TaskStatus> },
): NewTaskRow {
  const unmet = arranged.prerequisites.filter((id) => known.statusOf.get(id) !== 'DONE').length;
  const blocked = task.status === 'TODO' && unmet > 0;
  return {
    id: arranged.uuid,
    orchestrator_id: task.orchestratorId === null ? null : uuidOf('orchestrator', task.orchestratorId),
    channel_id: task.channelId === null ? null : uuidOf('channel', task.channelId),
    parent_id: arranged.parent,
    run_id: task.runId === null ? null : uuidOf('run', task.runId),
    wave: task.runId === null ? null : 0,
    source: task.source,
    source_id: task.sourceId,
    created_at: task.createdAt ?? known.now,
    due_at: task.dueAt,
    available_at: task.status === 'TODO' ? task.availableAt : null,
    priority: task.priority,
    status: blocked ? 'BLOCKED' : task.status,
    max_attempts: task.maxAttempts,
    timeout_seconds: task.timeoutSeconds,
    estimate_minutes: task.estimateMinutes,
    tags: [...new Set(task.tags)],
    title: task.title,
    description: task.description,
    acceptance_criteria: task.acceptanceCriteria,
    metadata: task.metadata,
    unmet: blocked ? unmet : 0,
    prerequisites: arranged.prerequisites,
  };
}
