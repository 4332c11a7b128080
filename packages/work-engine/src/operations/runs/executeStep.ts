import {
  isNeolithError,
  type Json,
  NeolithError,
  type Settlement,
  type Task,
  type TaskExecutionContext,
} from '@neolith/contracts';
import type { EngineContext } from '../../engineContext.js';
import { claimNextTask } from '../claimNextTask.js';
import { completeTask } from '../completeTask.js';
import { confirmCancelled, releaseAttempt } from '../endAttempt.js';
import { getTaskContext } from '../prepareTaskContext.js';
import { renewLease } from '../renewLease.js';
import { updateTaskProgress } from '../updateTaskProgress.js';
import { failTask, getNextTasks } from './assignTask.js';
import { completeMerge, failMerge, requestMerge } from './merge.js';
import { readRunRow } from './moveRun.js';

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
  let gaveWay = false;
  const renewal = setInterval(
    () => {
      renewLease(engine, attemptId).then(
        (renewed) => {
          gaveWay ||= renewed.gaveWay;
          if (gaveWay)
            stop.abort(new NeolithError('RESOURCE_DEADLOCK', `Task ${task.id} gave way to others`));
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
  stop.signal.addEventListener('abort', () => clearInterval(renewal), { once: true });
  const cancels = await engine.events.subscribe({
    workspaceId: engine.workspaceId,
    onEvents: (events) => {
      if (!events.some((event) => event.type === 'task.cancel_requested' && event.attemptId === attemptId))
        return;
      cancelRequested = true;
      stop.abort(new NeolithError('INVALID_TRANSITION', `Task ${task.id} was cancelled`));
    },
  });
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
    if (gaveWay || (isNeolithError(error) && error.code === 'RESOURCE_DEADLOCK'))
      return { task, settlement: await releaseAttempt(engine, attemptId) };
    const settlement = await failTask(engine, task.id, {
      attemptId,
      error: error instanceof Error ? error.message : String(error),
      timedOut: stop.signal.aborted,
    });
    return { task, settlement };
  } finally {
    cancels.stop();
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
