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
import { storeUses } from '../domain/resources/storeUses.js';
import { isRunEnded } from '../domain/runTransitions.js';
import { storeBackoff } from '../domain/storeBackoff.js';
import { type StoredWave, waveNewTasks } from '../domain/waveNewTasks.js';
import type { EngineContext } from '../engineContext.js';
import { newUuid, notFound, uuidOf } from '../ids.js';
import { findOwners, insertTasks, type NewTaskRow, readTaskRows } from '../store/insertTasks.js';
import { failDependents, lockRun } from '../store/lockRun.js';
import { readNow } from '../store/lockTask.js';
import { lockPrerequisites, type PrerequisiteRow } from '../store/prerequisites.js';
import { toTask } from '../store/rows.js';
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
  const rows = await transact(engine.pool, async (client) =>
    readTaskRows(client, await insertNewTasks(engine, client, parsed)),
  );
  const created = rows.map(toTask);
  engine.events.poke(ownersOfReady(created));
  return created;
}

function ownersOfReady(tasks: readonly Task[]): Set<string> {
  const owners = tasks.filter(({ status }) => status === 'TODO').map(({ orchestratorId }) => orchestratorId);
  return new Set(owners.filter((owner) => owner !== null));
}

/**
 * Inserts tasks within a transaction; those of a run get their waves. Returns their UUIDs, in the order given, which is
 * that of their ids. `known` names stored tasks by keys of the caller's.
 */
export async function insertNewTasks(
  engine: EngineContext,
  client: PoolClient,
  tasks: readonly ParsedNewTask[],
  known?: ReadonlyMap<string, string>,
): Promise<string[]> {
  const uuids = tasks.map(newUuid);
  const { tasks: arranged, graph } = arrangeNewTasks(
    tasks.map((task, index) => ({ ...task, uuid: uuids[index] as string })),
    known,
  );
  const { workspaceId } = await ownersOf(engine, client, tasks);
  await lockRunsOf(client, tasks, workspaceId);
  const now = await readNow(client, engine.now());
  const stored = await holdReferences(client, arranged, workspaceId);
  const statusOf = new Map<string, TaskStatus>(stored.map((row) => [row.id, row.status]));
  for (const [index, task] of arranged.entries())
    statusOf.set(task.uuid, (tasks[index] as ParsedNewTask).status);
  const runIds = tasks.map((task) => (task.runId === null ? null : uuidOf('run', task.runId)));
  const waves = waveNewTasks(
    graph,
    arranged.map((task, index) => ({ ...task, runId: runIds[index] as string | null })),
    storedWaves(stored),
  );
  await insertTasks(client, {
    rows: tasks.map((task, index) =>
      toRow(task, arranged[index] as ArrangedTask, {
        now,
        statusOf,
        runId: runIds[index] as string | null,
        wave: waves[index] as number | null,
      }),
    ),
    workspaceId,
    actor: engine.actor,
    now,
  });
  const ended = [...statusOf].filter(([, status]) => status === 'FAILED' || status === 'CANCELLED');
  if (ended.length > 0) {
    // What they wait for is over already: the policy of their run holds as if it ended now.
    await failDependents(client, {
      endedIds: ended.map(([id]) => id),
      policy: undefined,
      only: uuids,
      actor: engine.actor,
      now,
    });
  }
  return uuids;
}

function storedWaves(rows: readonly PrerequisiteRow[]): Map<string, StoredWave> {
  return new Map(
    rows.flatMap((row) =>
      row.run_id === null ? [] : [[row.id, { runId: row.run_id, wave: row.wave ?? 0 }]],
    ),
  );
}

/** The runs that get new tasks, locked in order of their ids. Errors: RUN_NOT_FOUND, RUN_ENDED. */
async function lockRunsOf(
  client: PoolClient,
  tasks: readonly ParsedNewTask[],
  workspaceId: string,
): Promise<void> {
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

/** The stored tasks that new ones refer to, held still until the edges to them are counted. Errors: TASK_NOT_FOUND. */
async function holdReferences(
  client: PoolClient,
  arranged: readonly ArrangedTask[],
  workspaceId: string,
): Promise<PrerequisiteRow[]> {
  const own = new Set(arranged.map(({ uuid }) => uuid));
  const existing = new Set<string>();
  for (const { prerequisites, parent } of arranged) {
    for (const id of prerequisites) if (!own.has(id)) existing.add(id);
    if (parent !== null && !own.has(parent)) existing.add(parent);
  }
  const rows = (await lockPrerequisites(client, [...existing])).filter(
    (row) => row.workspace_id === workspaceId,
  );
  const found = new Set(rows.map(({ id }) => id));
  for (const id of existing) if (!found.has(id)) throw notFound('task', formatId('task', id));
  return rows;
}

function toRow(
  task: ParsedNewTask,
  arranged: ArrangedTask,
  known: {
    now: Date;
    statusOf: ReadonlyMap<string, TaskStatus>;
    runId: string | null;
    wave: number | null;
  },
): NewTaskRow {
  const unmet = arranged.prerequisites.filter((id) => known.statusOf.get(id) !== 'DONE').length;
  const blocked = task.status === 'TODO' && unmet > 0;
  return {
    id: arranged.uuid,
    orchestrator_id: task.orchestratorId === null ? null : uuidOf('orchestrator', task.orchestratorId),
    channel_id: task.channelId === null ? null : uuidOf('channel', task.channelId),
    parent_id: arranged.parent,
    run_id: known.runId,
    wave: known.wave,
    source: task.source,
    source_id: task.sourceId,
    created_at: task.createdAt ?? known.now,
    due_at: task.dueAt,
    available_at: task.status === 'TODO' ? task.availableAt : null,
    priority: task.priority,
    status: blocked ? 'BLOCKED' : task.status,
    max_attempts: task.maxAttempts,
    backoff: storeBackoff(task.backoff),
    timeout_seconds: task.timeoutSeconds,
    estimate_minutes: task.estimateMinutes,
    tags: [...new Set(task.tags)],
    resources: storeUses(task.resources),
    title: task.title,
    description: task.description,
    acceptance_criteria: task.acceptanceCriteria,
    metadata: task.metadata,
    unmet: blocked ? unmet : 0,
    prerequisites: arranged.prerequisites,
  };
}
