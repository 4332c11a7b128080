import {
  formatId,
  isNeolithError,
  NeolithError,
  type NewTask,
  newTaskSchema,
  type ParsedNewTask,
} from '@neolith/contracts';
import type { EngineContext } from '../engineContext.js';
import { findSourceIds, lockSource } from '../store/sourceIds.js';
import { transact } from '../store/sql.js';
import type { TaskImportChunk, TaskImportOptions, TaskImportResult } from '../workEngine.js';
import { insertNewTasks, ownersOf } from './createTasks.js';
import { parseWritten } from './parseWritten.js';

const CHUNK = 5_000;
const CHUNK_MAX = 50_000;

/** A task of the stream, found again by its source id. */
type StreamedTask = ParsedNewTask & { sourceId: string };
interface Chunk {
  /** The place of its first task in the stream, from 0. */
  first: number;
  tasks: StreamedTask[];
}

/**
 * Stores a stream of tasks, however long, in chunks: each chunk all or none, in a transaction of its own, and no more
 * than two of them in memory. Each task has a `sourceId`; those whose `source` and `sourceId` are stored already are
 * left as they are and counted as `existing`, so that a stream that broke off is taken up by giving it again.
 *
 * `dependsOn` and `parentId` name tasks that came earlier, in this stream or in an older one of the same source, by
 * their `sourceId` (or by their `key`, within a chunk), and any others by id. So there can be no cycle.
 *
 * A task that can't be stored ends the import: nothing of its chunk is stored, and the chunks before it stay. The error is
 * the one that createTasks has, and its details say where: `index` in the stream (from 0) or, where only the database
 * could tell, `from` and `to`; and how many tasks are `stored`.
 *
 * Tasks of a run that is under way may be claimed, and the run may end, before the stream does: import into a run that is
 * PENDING.
 */
export async function importTasks(
  engine: EngineContext,
  tasks: Iterable<NewTask> | AsyncIterable<NewTask>,
  options: TaskImportOptions,
): Promise<TaskImportResult> {
  const size = chunkSizeOf(options);
  const result: TaskImportResult = { read: 0, created: 0, existing: 0 };
  // One chunk is checked while the one before it is stored.
  let storing: Promise<void> = Promise.resolve();
  const store = async (chunk: Chunk): Promise<void> => {
    const done = await storeChunk(engine, chunk, { options, stored: result.created });
    result.created += done.created.length;
    result.existing += done.existing;
    engine.events.poke();
    await options.onChunk?.(done);
  };
  let chunk: Chunk = { first: 0, tasks: [] };
  try {
    for await (const task of tasks) {
      chunk.tasks.push(parseStreamed(task, result.read, options));
      result.read += 1;
      if (chunk.tasks.length < size) continue;
      const full = chunk;
      chunk = { first: result.read, tasks: [] };
      await storing;
      storing = store(full);
      // Whoever awaits it next hears of it; until then it is not unheard.
      storing.catch(() => undefined);
    }
  } catch (error) {
    await storing;
    throw placed(error, { index: result.read, stored: result.created });
  }
  await storing;
  if (chunk.tasks.length > 0) await store(chunk);
  return result;
}

function chunkSizeOf({ chunk = CHUNK, source }: TaskImportOptions): number {
  if (!Number.isInteger(chunk) || chunk < 1 || chunk > CHUNK_MAX)
    throw new NeolithError('INVALID_INPUT', `A chunk has 1 to ${CHUNK_MAX} tasks`, { details: { chunk } });
  if (typeof source !== 'string' || source.trim() === '')
    throw new NeolithError(
      'INVALID_INPUT',
      'An import names its source, so that its tasks are found again by their source ids',
    );
  return chunk;
}

function parseStreamed(task: NewTask, index: number, options: TaskImportOptions): StreamedTask {
  const sourceId = task.sourceId ?? task.key;
  if (sourceId === undefined) {
    throw new NeolithError(
      'INVALID_INPUT',
      `Task ${index + 1} ("${String(task.title).slice(0, 100)}") has no sourceId; give each task of a stream its own, so that a second import finds it again`,
    );
  }
  const written = { ...task, source: options.source, sourceId, key: task.key ?? sourceId };
  const parsed = parseWritten(newTaskSchema, written, `Task ${index + 1}`, ['tasks', index]);
  return {
    ...parsed,
    sourceId,
    orchestratorId: parsed.orchestratorId ?? options.orchestratorId ?? null,
    runId: parsed.runId ?? options.runId ?? null,
  };
}

async function storeChunk(
  engine: EngineContext,
  chunk: Chunk,
  { options, stored }: { options: TaskImportOptions; stored: number },
): Promise<TaskImportChunk> {
  try {
    return await transact(engine.pool, async (client) => {
      const { workspaceId } = await ownersOf(engine, client, chunk.tasks);
      // Two imports of one source take turns chunk by chunk: what the other has just stored is seen.
      await lockSource(client, workspaceId, options.source);
      const named = new Set(chunk.tasks.map(({ sourceId }) => sourceId));
      for (const { dependsOn, parentId } of chunk.tasks) {
        for (const name of dependsOn) named.add(name);
        if (parentId !== null) named.add(parentId);
      }
      const known = await findSourceIds(client, { workspaceId, source: options.source, named: [...named] });
      const fresh = takeFresh(chunk, known);
      const uuids = fresh.length === 0 ? [] : await insertNewTasks(engine, client, fresh, known);
      return {
        read: chunk.first + chunk.tasks.length,
        existing: chunk.tasks.length - fresh.length,
        created: fresh.map(({ sourceId }, index) => ({
          sourceId,
          taskId: formatId('task', uuids[index] as string),
        })),
      };
    });
  } catch (error) {
    const to = chunk.first + chunk.tasks.length - 1;
    throw placed(error, { from: chunk.first, to, stored });
  }
}

/**
 * The tasks of a chunk that are not stored yet, each named by its source id, as are those that it names: a name is a
 * source id first, and a key only where nothing has that source id. What a task names must have come before it, also
 * within the chunk: else it would depend on the chunks' size whether it is found.
 */
function takeFresh(chunk: Chunk, known: ReadonlyMap<string, string>): StreamedTask[] {
  const fresh: StreamedTask[] = [];
  const later = new Set<string>();
  for (const { key, sourceId } of chunk.tasks)
    if (!known.has(sourceId)) later.add(sourceId).add(key ?? sourceId);
  const taken = new Set<string>();
  const sourceIdOf = new Map<string, string>();
  for (const [offset, task] of chunk.tasks.entries()) {
    const { sourceId, key = sourceId } = task;
    const index = chunk.first + offset;
    const owner = sourceIdOf.get(key);
    if (owner !== undefined && owner !== sourceId) {
      throw new NeolithError(
        'INVALID_INPUT',
        `Two tasks of this call have the key "${key}"; give each its own`,
        { details: { key, index } },
      );
    }
    sourceIdOf.set(key, sourceId);
    later.delete(key);
    later.delete(sourceId);
    // The same source id once more, before its first is stored: as if it were.
    if (known.has(sourceId) || taken.has(sourceId)) continue;
    taken.add(sourceId);
    const resolve = (name: string): string => {
      if (known.has(name) || taken.has(name)) return name;
      const named = sourceIdOf.get(name);
      if (named !== undefined) return named;
      if (!later.has(name)) return name;
      throw new NeolithError(
        'TASK_NOT_FOUND',
        `Task ${index + 1} of the stream names ${name}, which comes later; give each task after those that it names`,
        { details: { id: name, index } },
      );
    };
    fresh.push({
      ...task,
      key: sourceId,
      dependsOn: task.dependsOn.map(resolve),
      parentId: task.parentId === null ? null : resolve(task.parentId),
    });
  }
  return fresh;
}

/** The same error, saying where in the stream it was and what is stored. What isn't ours is passed on as it is. */
function placed(error: unknown, place: Record<string, number>): unknown {
  if (!isNeolithError(error) || error.details?.stored !== undefined) return error;
  const { message, details } = error;
  return new NeolithError(error.code, `${message} (${place.stored} tasks before it are stored)`, {
    details: { ...place, ...details },
    cause: error,
  });
}
