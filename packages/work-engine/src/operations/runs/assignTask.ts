import {
  type Completion,
  type Execution,
  formatId,
  NeolithError,
  type Settlement,
  type Task,
} from '@neolith/contracts';
import type { EngineContext } from '../../engineContext.js';
import { uuidOf } from '../../ids.js';
import { readNextOfRun, readReadyOfRun } from '../../store/readRun.js';
import { toTask } from '../../store/rows.js';
import { toEngineError } from '../../store/sql.js';
import type { ExecuteOptions } from '../../workEngine.js';
import { completeTask } from '../completeTask.js';
import { executeTask } from '../executeTask.js';
import { readTaskRow } from '../readTasks.js';
import { updateTask } from '../updateTask.js';
import { readRunRow } from './moveRun.js';

const NEXT_LIMIT = 50;

/**
 * What of a run would be handed out now, best first: as many as run and orchestrators have room for, at most `limit`
 * (default 50). Reads only. Errors: RUN_NOT_FOUND.
 */
export async function getNextTasks(
  engine: EngineContext,
  runId: string,
  options: { limit?: number | undefined } = {},
): Promise<Task[]> {
  const run = await readRunRow(engine.pool, runId, engine.workspaceId);
  const limit = Math.min(Math.max(Math.trunc(options.limit ?? NEXT_LIMIT), 1), 1_000);
  const rows = await readNextOfRun(engine.pool, { runId: run.id, limit, now: engine.now() }).catch(rethrow);
  return rows.map(toTask);
}

/** The tasks of a run that wait for nothing but a slot, best first, whatever its limits and state. Errors: RUN_NOT_FOUND. */
export async function getReadyTasks(engine: EngineContext, runId: string): Promise<Task[]> {
  const run = await readRunRow(engine.pool, runId, engine.workspaceId);
  return (await readReadyOfRun(engine.pool, run.id, engine.now()).catch(rethrow)).map(toTask);
}

/**
 * Starts one task of a run, by default with the orchestrator that it belongs to; another one takes it over first.
 * TODO → IN_PROGRESS, under the limits of run and orchestrator.
 * Errors: as executeTask; TASK_NOT_ASSIGNED where neither the task nor the caller names an orchestrator.
 */
export async function assignTask(
  engine: EngineContext,
  taskId: string,
  options: ExecuteOptions & { orchestratorId?: string | undefined } = {},
): Promise<Execution> {
  const task = await readTaskRow(engine, taskId);
  const { orchestratorId, ...execution } = options;
  const assignee =
    orchestratorId ?? (task.orchestrator_id === null ? null : formatId('orchestrator', task.orchestrator_id));
  if (assignee === null) {
    throw new NeolithError('TASK_NOT_ASSIGNED', `Task ${taskId} belongs to nobody; name an orchestratorId`, {
      details: { taskId },
    });
  }
  if (task.orchestrator_id !== uuidOf('orchestrator', assignee))
    await updateTask(engine, taskId, { orchestratorId: assignee });
  return executeTask(engine, assignee, taskId, execution);
}

/** The attempt at a task has failed: tried again after its backoff, or FAILED when its budget is spent. See completeTask. */
export async function failTask(
  engine: EngineContext,
  taskId: string,
  failure: Omit<Completion, 'status' | 'output'> & { error: string },
): Promise<Settlement> {
  return completeTask(engine, taskId, { ...failure, status: 'failed' });
}

function rethrow(error: unknown): never {
  throw toEngineError(error);
}
