import { hostname } from 'node:os';
import { isNeolithError, type NeolithClient, type Run } from '@neolith/contracts';
import type { AttemptEvent, AttemptListener } from '../worker/attemptEvents.js';
import { createDaemon, type WorkerDaemon } from '../worker/createDaemon.js';
import { DaemonError } from '../worker/daemonError.js';
import type { DaemonOptions } from '../worker/daemonOptions.js';
import { describeError } from '../worker/judgeCallError.js';
import { type AgentPool, createAgentPool } from './agentPool.js';
import { CoordinatorError } from './coordinatorError.js';
import { recordEvent, type TaskRecord } from './executionRecord.js';
import { findServed } from './findServed.js';
import { settingsOf } from './runSettings.js';
import { type StorePlanInput, storePlan } from './storePlan.js';
import { type ExecutionSummary, summariseExecution } from './summariseExecution.js';
import { type WatchOptions, watchRun } from './watchRun.js';

export interface CoordinatorOptions
  extends Pick<
    DaemonOptions,
    | 'agent'
    | 'attemptsDirectory'
    | 'drainMs'
    | 'graceMs'
    | 'leaseSeconds'
    | 'log'
    | 'logsDirectory'
    | 'merger'
    | 'secrets'
    | 'stalledAfterMs'
    | 'taskTimeoutMs'
    | 'version'
    | 'workplace'
  > {
  readonly client: NeolithClient;
  /** The name of its daemon. Default: the host name and the run. */
  readonly name?: string;
  /** How many agents run at once. Default 5. */
  readonly maxConcurrent?: number;
  readonly onAttempt?: AttemptListener;
}

/** A plan to be stored and done; or a run that exists, by its id. */
export type ExecutionInput =
  | (Pick<StorePlanInput, 'plan'> & Partial<Omit<StorePlanInput, 'plan' | 'dryRun' | 'start'>>)
  | { readonly runId: string };

export interface StartedExecution {
  readonly run: Run;
  /** What keeps agents from being busy, as sentences. */
  readonly hints: readonly string[];
}

export interface Coordinator extends Omit<AgentPool, 'terminateAll'> {
  /**
   * Stores the plan where it is one, starts its run and a daemon for it in this process. Resolves once work is handed
   * out; of a run in which nothing is left to do, at once. The daemon ends with the run, whether or not somebody waits.
   * With a `merger` the run gets a merge stage: that of a plan unless its settings or the plan say otherwise, and one
   * that exists if nothing of it has begun.
   * @throws CoordinatorError `ALREADY_EXECUTING`, `PLAN_TOO_LARGE`, `TASKS_UNASSIGNED`; DaemonError
   *   `STOPPED_WHILE_STARTING` after a call to end it; what the server refuses
   */
  execute(work: ExecutionInput): Promise<StartedExecution>;
  /** Tells how the run stands, each second, until it is over, or the returned function is called. */
  monitorProgress(listener: ProgressListener): () => void;
  /**
   * Resolves when the run is over or waits for a person, or its daemon has stopped, and nothing of it is at work here.
   * Rejects where the run can't be watched any more, for example since it was deleted; its agents have been ended then.
   * @param timeoutMs rejects with CoordinatorError `TIMED_OUT` then; the work goes on
   */
  waitForCompletion(timeoutMs?: number): Promise<ExecutionSummary>;
  /**
   * Hands out nothing more and lets agents finish; resolves when they have. The run is paused and can go on. Also while
   * it is being started. Rejects, after the agents have ended all the same, where the server could not be told.
   */
  pause(reason?: string): Promise<void>;
  /** As `pause`, but ends the agents now and gives their tasks back. */
  pauseAtOnce(reason?: string): Promise<void>;
  /** As `pauseAtOnce`, but cancels the run for good; and ends the agents of `spawnAgent`. */
  cancelAll(reason?: string): Promise<void>;
  getSummary(): Promise<ExecutionSummary>;
  /** What its attempts do now, or did last, by task. */
  records(): ReadonlyMap<string, TaskRecord>;
}

export type ProgressListener = Pick<WatchOptions, 'onProgress' | 'onTrouble' | 'onEvent'>;

const MAX_CONCURRENT = 5;
const CALL_MS = 120_000;

interface Execution {
  readonly run: Run;
  readonly worker: WorkerDaemon | null;
  readonly startedMs: number;
  /** Aborted when the daemon has stopped: nothing more happens here. */
  readonly over: AbortController;
  /** Settles when the run is over and its daemon has stopped; never unhandled. */
  readonly completed: Promise<void>;
}

type Ending = (worker: WorkerDaemon) => Promise<unknown>;

/** From a plan to its end, in this process: what `neolith execute` does, to be called. One execution at a time. */
export function createCoordinator(options: CoordinatorOptions): Coordinator {
  const { client } = options;
  const pool = createAgentPool(options);
  const records = new Map<string, TaskRecord>();
  const listeners = new Set<ProgressListener>();
  /** Those that tell events, which end by themselves once all are told. */
  const eventWatches = new Set<Promise<void>>();
  let execution: Execution | null = null;
  let starting: Promise<StartedExecution> | null = null;
  /** Gives up a start of which nothing has begun yet; what the server is still asked meanwhile comes to nothing. */
  let halting = new AbortController();

  function note(event: AttemptEvent): void {
    const record = recordEvent(records.get(event.taskId) ?? null, event);
    if (record !== null) records.set(event.taskId, record);
    options.onAttempt?.(event);
  }

  async function execute(work: ExecutionInput): Promise<StartedExecution> {
    if (starting !== null || (execution !== null && !execution.over.signal.aborted)) {
      throw new CoordinatorError(
        'ALREADY_EXECUTING',
        'This coordinator is at a run already. Wait for it, or make another coordinator.',
      );
    }
    halting = new AbortController();
    execution = null;
    records.clear();
    starting = Promise.race([begin(work, halting.signal), rejectOnAbort(halting.signal)]);
    try {
      return await starting;
    } finally {
      starting = null;
    }
  }

  async function begin(work: ExecutionInput, halted: AbortSignal): Promise<StartedExecution> {
    const stored =
      'runId' in work
        ? await client.getRun({ params: { id: work.runId }, signal: halted })
        : await store(work);
    halted.throwIfAborted();
    const startedMs = performance.now();
    const over = new AbortController();
    if (isOver(stored)) {
      over.abort(new Error('The run is over.'));
      execution = { run: stored, worker: null, startedMs, over, completed: Promise.resolve() };
      return { run: stored, hints: [] };
    }
    const maxConcurrent = options.maxConcurrent ?? MAX_CONCURRENT;
    const { run, hint } = await withMergeStage(
      client,
      stored,
      'runId' in work && options.merger !== undefined,
    );
    const served = await findServed(client, run, maxConcurrent, halted);
    halted.throwIfAborted();
    const worker = createDaemon({
      ...options,
      // Of this run alone: several runs may be executed on one machine, and one run by several.
      name: options.name ?? `${hostname()}-${run.id}`,
      orchestrators: served.ids,
      criteria: { runId: run.id },
      slots: maxConcurrent,
      onAttempt: note,
    });
    void worker.finished.then(() => over.abort(new Error('The daemon has stopped.')));
    let watching: () => void = () => undefined;
    const started = new Promise<void>((resolve) => {
      watching = resolve;
    });
    const completed = started.then(() => complete(run, worker, over.signal));
    // Whoever waits hears of it; nobody has to.
    completed.catch(() => undefined);
    execution = { run, worker, startedMs, over, completed };
    try {
      // Before anything is handed out: where this daemon can't serve, nobody else may.
      if (served.ids.length > 0) await worker.start();
      await ensureRunning(client, run);
    } catch (error) {
      await worker.stop();
      over.abort(error);
      throw error;
    } finally {
      watching();
    }
    return { run, hints: [...(hint === null ? [] : [hint]), ...describeLoss(options), ...served.hints] };
  }

  async function complete(run: Run, worker: WorkerDaemon, over: AbortSignal): Promise<void> {
    try {
      await watchRun({
        client,
        runId: run.id,
        signal: over,
        onProgress: (progress) => tellAll((listener) => listener.onProgress(progress)),
        onTrouble: (error) => tellAll((listener) => listener.onTrouble(error)),
      });
    } catch (error) {
      // A run that can't be looked at can't be worked on either, and nobody would see its agents.
      await worker.stop();
      throw error;
    }
    await worker.drain();
  }

  function tellAll(tell: (listener: ProgressListener) => void): void {
    for (const listener of listeners) guard(() => tell(listener));
  }

  /** Whoever watches must not be able to end the work. */
  function guard(tell: () => void): void {
    try {
      tell();
    } catch (error) {
      options.log?.warn('A listener of the progress failed', describeError(error));
    }
  }

  async function store(work: Extract<ExecutionInput, { plan: unknown }>): Promise<Run> {
    const { result } = await storePlan(client, {
      source: undefined,
      byTag: [],
      orchestrator: undefined,
      channel: undefined,
      dueAt: null,
      fallback: 'the only one',
      ...work,
      settings: {
        ...(options.merger === undefined ? {} : { mergeStage: true }),
        ...settingsOf(work.plan.run, {}),
        ...work.settings,
      },
      dryRun: false,
      start: false,
    });
    if (result.run === null) throw new Error('The server stored the plan and told of no run.');
    return result.run;
  }

  function current(): Execution {
    if (execution === null)
      throw new CoordinatorError('NOTHING_EXECUTED', 'Nothing was executed yet: call execute() first.');
    return execution;
  }

  function monitorProgress(listener: ProgressListener): () => void {
    const { run, over } = current();
    if (listener.onEvent === undefined) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    }
    // Events are told from the first one on, whenever somebody begins to listen.
    const stopping = new AbortController();
    const signal = AbortSignal.any([stopping.signal, over.signal]);
    const { onEvent } = listener;
    const watch = watchRun({
      client,
      runId: run.id,
      signal,
      onProgress: (progress) => guard(() => listener.onProgress(progress)),
      onEvent: (event) => guard(() => onEvent(event)),
      onTrouble: (error) => guard(() => listener.onTrouble(error)),
    })
      .then(
        () => undefined,
        (error: unknown) => guard(() => listener.onTrouble(error)),
      )
      .finally(() => eventWatches.delete(watch));
    eventWatches.add(watch);
    return () => stopping.abort(new Error('Nobody watches any more.'));
  }

  async function waitForCompletion(timeoutMs?: number): Promise<ExecutionSummary> {
    const { completed, run } = current();
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      if (timeoutMs === undefined) return;
      const error = new CoordinatorError(
        'TIMED_OUT',
        `${run.name} was not over after ${timeoutMs} ms. It goes on; wait again, pause() it or cancelAll().`,
      );
      timer = setTimeout(() => reject(error), timeoutMs);
    });
    try {
      await Promise.race([completed.then(() => Promise.all(eventWatches)), late]);
    } finally {
      clearTimeout(timer);
    }
    return getSummary();
  }

  async function getSummary(): Promise<ExecutionSummary> {
    const { run, startedMs } = current();
    const snapshot = await client.getRunSnapshot({ params: { id: run.id }, timeoutMs: CALL_MS });
    return summariseExecution(snapshot, records, performance.now() - startedMs);
  }

  /** Ends the work first of all: a server that is away, or refuses, must not keep agents alive. */
  async function windDown(end: Ending, tell: (run: Run) => Promise<unknown>): Promise<void> {
    if (execution === null) {
      halting.abort(
        new DaemonError('STOPPED_WHILE_STARTING', 'It was told to end before anything had begun.'),
      );
      return;
    }
    const { run, worker } = execution;
    const [told] = await Promise.allSettled([
      tell(run).catch(ignoreUnlessRefused('INVALID_TRANSITION')),
      worker === null ? null : end(worker),
    ]);
    if (told.status === 'rejected') throw told.reason;
  }

  const pauseRun = (reason: string) => (run: Run) =>
    client.pauseRun({ params: { id: run.id }, body: { reason } });

  return {
    ...pool,
    execute,
    monitorProgress,
    waitForCompletion,
    getSummary,
    records: () => records,
    pause: (reason = 'Paused by its coordinator') => windDown((worker) => worker.drain(), pauseRun(reason)),
    pauseAtOnce: (reason = 'Paused by its coordinator') =>
      windDown((worker) => worker.stop(), pauseRun(reason)),
    async cancelAll(reason = 'Cancelled by its coordinator') {
      await Promise.all([
        pool.terminateAll(),
        windDown(
          (worker) => worker.stop(),
          (run) => client.stopRun({ params: { id: run.id }, body: { reason } }),
        ),
      ]);
    },
  };
}

/** What agents write where nothing keeps it. */
function describeLoss({ workplace }: Pick<CoordinatorOptions, 'workplace'>): string[] {
  return workplace === undefined
    ? [
        'No workplace was given: each agent works in a directory that goes with its attempt, and what it writes there goes, too. Give gitWorkplace(…) or plainWorkplace(directory).',
      ]
    : [];
}

/**
 * A run that was stored without a merge stage would start dependents without the work they need, though there is somebody
 * to merge it.
 */
async function withMergeStage(
  client: NeolithClient,
  run: Run,
  isWanted: boolean,
): Promise<{ readonly run: Run; readonly hint: string | null }> {
  if (!isWanted || run.config.mergeStage) return { run, hint: null };
  // What is done already would be missing from what is merged, and nobody would be told.
  if (run.status !== 'PENDING' || run.counts.done > 0) {
    return {
      run,
      hint: 'The run was begun without a merge stage: nothing is merged, and work stays on the branches of its attempts.',
    };
  }
  const changed = await client.updateRun({
    params: { id: run.id },
    body: { config: { mergeStage: true } },
  });
  return { run: changed, hint: 'The run had no merge stage; it has one now.' };
}

function rejectOnAbort(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}

function isOver({ status }: Run): boolean {
  return status === 'SUCCEEDED' || status === 'FAILED' || status === 'CANCELLED';
}

async function ensureRunning(client: NeolithClient, run: Run): Promise<void> {
  const call = { params: { id: run.id }, body: {}, timeoutMs: CALL_MS };
  if (run.status === 'PENDING') await client.startRun(call);
  if (run.status === 'PAUSED') await client.resumeRun(call);
}

/** It may have ended in this moment. */
function ignoreUnlessRefused(code: string) {
  return (error: unknown): void => {
    if (!isNeolithError(error) || error.code !== code) throw error;
  };
}
