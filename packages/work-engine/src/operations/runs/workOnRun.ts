import {
  type Completion,
  type Execution,
  formatId,
  isNeolithError,
  type Json,
  NeolithError,
  type Settlement,
  type Task,
  type TaskExecutionContext,
  type TaskStatus,
} from '@neolith/contracts';
import { canTransitionToStatus } from '../../domain/transitions.js';
import type { EngineContext } from '../../engineContext.js';
import { notFound, uuidOf } from '../../ids.js';
import { findTask } from '../../store/findTask.js';
import { findTaskLease } from '../../store/findTaskLease.js';
import { readNextOfRun, readReadyOfRun } from '../../store/readRun.js';
import { type TaskRow, toTask } from '../../store/rows.js';
import { toEngineError } from '../../store/sql.js';
import type { ExecuteOptions } from '../../workEngine.js';
import { blockTask, unblockTask } from '../blockTask.js';
import { cancelTask } from '../cancelTask.js';
import { claimNextTask } from '../claimNextTask.js';
import { completeTask } from '../completeTask.js';
import { confirmCancelled, releaseAttempt } from '../endAttempt.js';
import { executeTask } from '../executeTask.js';
import { getTaskContext } from '../prepareTaskContext.js';
import { renewLease } from '../renewLease.js';
import { reopenTask, retryTask } from '../retryTask.js';
import { updateTask } from '../updateTask.js';
import { updateTaskProgress } from '../updateTaskProgress.js';
import { completeMerge, completeTaskCode, failMerge, requestMerge } from './merge.js';
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

export interface TransitionOptions {
  attemptId?: string | undefined;
  orchestratorId?: string | undefined;
  /** Why it fails, is blocked or cancelled. */
  reason?: string | undefined;
  output?: Json | undefined;
  /** With unblocking: the answer to the question. */
  answer?: string | undefined;
}

/**
 * Moves a task to a status by the verb that the state table names for it, with all that belongs to it: limits, fences,
 * cascades, events. Answers with the task as it is then; a failure may leave it TODO, for it is tried again.
 * Errors: INVALID_TRANSITION with what is possible, and those of the verb.
 */
export async function transitionTask(
  engine: EngineContext,
  taskId: string,
  to: TaskStatus,
  options: TransitionOptions = {},
): Promise<Task> {
  const task = await readTaskRow(engine, taskId);
  const verdict = canTransitionToStatus({ id: taskId, status: task.status }, to);
  if (!verdict.allowed) {
    throw new NeolithError('INVALID_TRANSITION', verdict.reason ?? '', {
      details: { taskId, status: task.status, to },
    });
  }
  await moveBy(engine, taskId, task.status, to, options);
  return toTask(await readTaskRow(engine, taskId));
}

async function moveBy(
  engine: EngineContext,
  taskId: string,
  from: TaskStatus,
  to: TaskStatus,
  options: TransitionOptions,
): Promise<unknown> {
  const { attemptId, reason, output, answer } = options;
  const live = from === 'IN_PROGRESS' || from === 'MERGING';
  switch (to) {
    case 'CANCELLED':
      return cancelTask(engine, taskId, { reason });
    case 'IN_PROGRESS':
      return assignTask(engine, taskId, { orchestratorId: options.orchestratorId });
    case 'MERGING':
      return completeTaskCode(engine, taskId, { attemptId, output });
    case 'DONE':
      return from === 'MERGING'
        ? completeMerge(engine, taskId, { attemptId, output })
        : completeTask(engine, taskId, { status: 'completed', attemptId, output });
    case 'FAILED':
      return failTask(engine, taskId, { error: reason ?? 'Failed', attemptId });
    case 'BLOCKED':
      if (from === 'DONE') return reopenTask(engine, taskId);
      if (from === 'FAILED' || from === 'CANCELLED') return retryTask(engine, taskId);
      return live
        ? completeTask(engine, taskId, { status: 'blocked', error: reason, attemptId })
        : blockTask(engine, taskId, { reason: reason ?? 'Blocked' });
    case 'TODO':
      if (from === 'DONE') return reopenTask(engine, taskId);
      if (from === 'FAILED' || from === 'CANCELLED') return retryTask(engine, taskId);
      if (from === 'MERGING')
        return failMerge(engine, taskId, { error: reason ?? 'Merge failed', attemptId });
      if (from === 'BLOCKED') return unblockTask(engine, taskId, { answer });
      return releaseAttempt(engine, attemptId ?? (await attemptOf(engine, taskId)));
  }
}

/** What the function of a step is given. */
export interface StepInput {
  task: Task;
  attemptId: string;
  context: TaskExecutionContext;
  /** Aborted when the task is cancelled, its lease is lost, or its time is over. */
  signal: AbortSignal;
  /** Percent, and what is being done. */
  report(progress: number, message?: string): Promise<void>;
}

export interface StepOptions {
  /** Only this orchestrator's tasks. Default: the best of the run, whoever it belongs to. */
  orchestratorId?: string | undefined;
  agent?: string | undefined;
  /** Seconds; renewed by a third of it. Default 30. */
  leaseSeconds?: number | undefined;
  /** In a run with a merge stage: what is done while the merge slot is held; its result takes the place of the output. */
  merge?:
    | ((input: StepInput & { output: Json | undefined }) => Promise<Json | undefined> | Json | undefined)
    | undefined;
}

/** What came of a step; null where nothing could be started. */
export type StepResult = { task: Task; settlement: Settlement } | null;

/**
 * Claims the next task of a run and does it in this process: `work` gets the context and brings the output. What it
 * throws fails the attempt. The lease is renewed meanwhile, so a process that dies gives the task back by itself.
 * Errors: RUN_NOT_FOUND, LEASE_LOST where the attempt was taken away.
 */
export async function executeStep(
  engine: EngineContext,
  runId: string,
  work: (input: StepInput) => Promise<Json | undefined> | Json | undefined,
  options: StepOptions = {},
): Promise<StepResult> {
  const leaseSeconds = options.leaseSeconds ?? 30;
  const claimed = await claimOfRun(engine, runId, { ...options, leaseSeconds });
  if (claimed === null) return null;
  const { task, attemptId } = claimed;
  const stop = new AbortController();
  let cancelRequested = false;
  const renewal = setInterval(
    () => {
      renewLease(engine, attemptId).then(
        (renewed) => {
          if (!renewed.cancelRequested) return;
          cancelRequested = true;
          stop.abort(new NeolithError('INVALID_TRANSITION', `Task ${task.id} was cancelled`));
        },
        (error: unknown) => {
          // While the database is away the lease goes on until it is lost, which the end of the step will be told.
          if (isNeolithError(error) && error.code === 'LEASE_LOST') stop.abort(error);
        },
      );
    },
    (leaseSeconds * 1_000) / 3,
  );
  renewal.unref();
  const timeout =
    task.timeoutSeconds === null
      ? null
      : setTimeout(
          () => stop.abort(new NeolithError('INVALID_TRANSITION', `Task ${task.id} ran out of its time`)),
          task.timeoutSeconds * 1_000,
        );
  try {
    const input: StepInput = {
      task,
      attemptId,
      context: await getTaskContext(engine, task.id),
      signal: stop.signal,
      report: async (progress, message) => {
        await updateTaskProgress(engine, { taskId: task.id, progress, message, attemptId });
      },
    };
    const settlement = await runStep(engine, input, work, options);
    return { task, settlement };
  } catch (error) {
    if (isNeolithError(error) && error.code === 'LEASE_LOST') throw error;
    if (cancelRequested) return { task, settlement: await confirmCancelled(engine, attemptId) };
    const settlement = await failTask(engine, task.id, {
      attemptId,
      error: error instanceof Error ? error.message : String(error),
      timedOut: stop.signal.aborted,
    });
    return { task, settlement };
  } finally {
    clearInterval(renewal);
    if (timeout !== null) clearTimeout(timeout);
  }
}

async function runStep(
  engine: EngineContext,
  input: StepInput,
  work: (input: StepInput) => Promise<Json | undefined> | Json | undefined,
  options: StepOptions,
): Promise<Settlement> {
  const { task, attemptId } = input;
  const output = await work(input);
  input.signal.throwIfAborted();
  const settled = await completeTask(engine, task.id, { status: 'completed', output, attemptId });
  if (settled.status !== 'MERGING') return settled;
  for (;;) {
    const turn = await requestMerge(engine, attemptId, { waitSeconds: 20, signal: input.signal });
    input.signal.throwIfAborted();
    if (turn.cancelRequested) return confirmCancelled(engine, attemptId);
    if (turn.granted) break;
  }
  try {
    const merged = await options.merge?.({ ...input, output });
    return await completeMerge(engine, task.id, {
      attemptId,
      ...(merged === undefined ? {} : { output: merged }),
    });
  } catch (error) {
    if (isNeolithError(error)) throw error;
    return failMerge(engine, task.id, {
      attemptId,
      error: error instanceof Error ? error.message : String(error),
    });
  }
}

async function claimOfRun(
  engine: EngineContext,
  runId: string,
  options: { orchestratorId?: string | undefined; agent?: string | undefined; leaseSeconds: number },
): Promise<{ task: Task; attemptId: string } | null> {
  // Somebody else may take what was seen; then there may be another.
  for (;;) {
    const [next] =
      options.orchestratorId === undefined ? await getNextTasks(engine, runId, { limit: 1 }) : [undefined];
    const orchestratorId = options.orchestratorId ?? next?.orchestratorId ?? null;
    if (orchestratorId === null) return null;
    const { claims } = await claimNextTask(engine, orchestratorId, {
      criteria: { runId },
      agent: options.agent,
      leaseSeconds: options.leaseSeconds,
    });
    const claim = claims[0];
    if (claim !== undefined) return { task: claim.task, attemptId: claim.attempt.id };
    if (options.orchestratorId !== undefined) {
      await readRunRow(engine.pool, runId, engine.workspaceId);
      return null;
    }
  }
}

async function readTaskRow(engine: EngineContext, taskId: string): Promise<TaskRow> {
  const task = await findTask(engine.pool, uuidOf('task', taskId), engine.workspaceId).catch(rethrow);
  if (task === null) throw notFound('task', taskId);
  return task;
}

async function attemptOf(engine: EngineContext, taskId: string): Promise<string> {
  const lease = await findTaskLease(engine.pool, uuidOf('task', taskId)).catch(rethrow);
  if (lease === null || lease.expires_at !== null) {
    throw new NeolithError(
      'ATTEMPT_REQUIRED',
      `Task ${taskId} is held under a lease that can run out; name its attemptId`,
      { details: { taskId } },
    );
  }
  return formatId('attempt', lease.attempt_id);
}

function rethrow(error: unknown): never {
  throw toEngineError(error);
}
