import { hostname } from 'node:os';
import { isNeolithError, type NeolithClient, type Run, type RunProgress } from '@neolith/contracts';
import type { AttemptEvent, AttemptListener } from '../worker/attemptEvents.js';
import { createDaemon, type WorkerDaemon } from '../worker/createDaemon.js';
import type { DaemonOptions } from '../worker/daemonOptions.js';
import { type AgentPool, createAgentPool } from './agentPool.js';
import { CoordinatorError } from './coordinatorError.js';
import { recordEvent, type TaskRecord } from './executionRecord.js';
import { findServed } from './findServed.js';
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
export type Work =
  | (Pick<StorePlanInput, 'plan'> & Partial<Omit<StorePlanInput, 'plan' | 'dryRun' | 'start'>>)
  | { readonly runId: string };

export interface StartedExecution {
  readonly run: Run;
  /** What keeps agents from being busy, as sentences. */
  readonly hints: readonly string[];
}

export interface Coordinator extends AgentPool {
  /**
   * Stores the plan where it is one, starts its run and a daemon for it in this process. Resolves once work is handed
   * out; of a run that is over already, at once.
   * @throws CoordinatorError `ALREADY_EXECUTING`, `PLAN_TOO_LARGE`, `TASKS_UNASSIGNED`; what the server refuses
   */
  execute(work: Work): Promise<StartedExecution>;
  /** Tells how the run stands, each second, until it is over, or the returned function is called. */
  monitorProgress(listener: ProgressListener): () => void;
  /**
   * Resolves when the run is over, waits for a person, or its daemon has stopped.
   * @param timeoutMs rejects with CoordinatorError `TIMED_OUT` then; the work goes on
   */
  waitForCompletion(timeoutMs?: number): Promise<ExecutionSummary>;
  /** Hands out nothing more and lets agents finish; resolves when they have. The run is paused and can go on. */
  pause(reason?: string): Promise<void>;
  /** As `pause`, but ends the agents now and gives their tasks back. */
  pauseAtOnce(reason?: string): Promise<void>;
  /** Cancels the run for good and ends its agents; resolves when they have ended. */
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
}

/** From a plan to its end, in this process: what `neolith execute` does, to be called. One execution at a time. */
export function createCoordinator(options: CoordinatorOptions): Coordinator {
  const { client } = options;
  const pool = createAgentPool(options);
  const records = new Map<string, TaskRecord>();
  let execution: Execution | null = null;
  let starting = false;

  function note(event: AttemptEvent): void {
    const record = recordEvent(records.get(event.taskId) ?? null, event);
    if (record !== null) records.set(event.taskId, record);
    options.onAttempt?.(event);
  }

  async function execute(work: Work): Promise<StartedExecution> {
    if (starting || (execution !== null && !execution.over.signal.aborted)) {
      throw new CoordinatorError(
        'ALREADY_EXECUTING',
        'This coordinator is at a run already. Wait for it, or make another coordinator.',
      );
    }
    starting = true;
    try {
      return await begin(work);
    } finally {
      starting = false;
    }
  }

  async function begin(work: Work): Promise<StartedExecution> {
    const run = 'runId' in work ? await client.getRun({ params: { id: work.runId } }) : await store(work);
    records.clear();
    const over = new AbortController();
    const startedMs = performance.now();
    if (isOver(run)) {
      over.abort(new Error('The run is over.'));
      execution = { run, worker: null, startedMs, over };
      return { run, hints: [] };
    }
    const maxConcurrent = options.maxConcurrent ?? MAX_CONCURRENT;
    const served = await findServed(client, run, maxConcurrent);
    const worker = createDaemon({
      ...options,
      // Of this run alone: several runs may be executed on one machine, and one run by several.
      name: options.name ?? `${hostname()}-${run.id}`,
      orchestrators: served.ids,
      criteria: { runId: run.id },
      slots: maxConcurrent,
      onAttempt: note,
    });
    execution = { run, worker, startedMs, over };
    void worker.finished.then(() => over.abort(new Error('The daemon has stopped.')));
    try {
      // Before anything is handed out: where this daemon can't serve, nobody else may.
      await worker.start();
      await ensureRunning(client, run);
    } catch (error) {
      await worker.stop();
      over.abort(error);
      throw error;
    }
    return { run, hints: served.hints };
  }

  async function store(work: Extract<Work, { plan: unknown }>): Promise<Run> {
    const { result } = await storePlan(client, {
      source: undefined,
      byTag: [],
      orchestrator: undefined,
      channel: undefined,
      settings: {},
      dueAt: null,
      fallback: 'the only one',
      ...work,
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

  async function follow(listener: ProgressListener, signal: AbortSignal): Promise<RunProgress | null> {
    const { run, over } = current();
    return watchRun({
      client,
      runId: run.id,
      signal: AbortSignal.any([signal, over.signal]),
      ...listener,
    });
  }

  function monitorProgress(listener: ProgressListener): () => void {
    const stopping = new AbortController();
    void follow(listener, stopping.signal).catch((error: unknown) => listener.onTrouble(error));
    return () => stopping.abort(new Error('Nobody watches any more.'));
  }

  async function waitForCompletion(timeoutMs?: number): Promise<ExecutionSummary> {
    const { worker, run } = current();
    if (worker === null) return getSummary();
    const limit = timeoutMs === undefined ? new AbortController().signal : AbortSignal.timeout(timeoutMs);
    const last = await follow({ onProgress: () => undefined, onTrouble: () => undefined }, limit);
    if (last === null && limit.aborted) {
      throw new CoordinatorError(
        'TIMED_OUT',
        `${run.name} was not over after ${timeoutMs} ms. It goes on; wait again, pause() it or cancelAll().`,
      );
    }
    await worker.drain();
    return getSummary();
  }

  async function getSummary(): Promise<ExecutionSummary> {
    const { run, startedMs } = current();
    const snapshot = await client.getRunSnapshot({ params: { id: run.id }, timeoutMs: CALL_MS });
    return summariseExecution(snapshot, records, performance.now() - startedMs);
  }

  async function windDown(reason: string, end: (worker: WorkerDaemon) => Promise<unknown>): Promise<void> {
    const { run, worker } = current();
    // Both at once: a server that is away must not keep agents from being ended.
    await Promise.all([
      client
        .pauseRun({ params: { id: run.id }, body: { reason } })
        .catch(ignoreUnlessRefused('INVALID_TRANSITION')),
      worker === null ? null : end(worker),
    ]);
  }

  return {
    ...pool,
    execute,
    monitorProgress,
    waitForCompletion,
    getSummary,
    records: () => records,
    pause: (reason = 'Paused by its coordinator') => windDown(reason, (worker) => worker.drain()),
    pauseAtOnce: (reason = 'Paused by its coordinator') => windDown(reason, (worker) => worker.stop()),
    async cancelAll(reason = 'Cancelled by its coordinator') {
      const { run, worker } = current();
      await client
        .stopRun({ params: { id: run.id }, body: { reason } })
        .catch(ignoreUnlessRefused('INVALID_TRANSITION'));
      await worker?.stop();
    },
  };
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
