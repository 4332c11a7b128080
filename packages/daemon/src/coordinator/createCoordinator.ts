import { hostname } from 'node:os';
import { isNeolithError, type NeolithClient, type Run } from '@neolith/contracts';
import type { AttemptEvent } from '../worker/attemptEvents.js';
import { createDaemon, type WorkerDaemon } from '../worker/createDaemon.js';
import { DaemonError } from '../worker/daemonError.js';
import { createAgentPool } from './agentPool.js';
import type { Coordinator, CoordinatorOptions, ExecutionInput, StartedExecution } from './coordinator.js';
import { CoordinatorError } from './coordinatorError.js';
import { recordEvent, type TaskRecord } from './executionRecord.js';
import { findServed } from './findServed.js';
import { type ProgressWatch, watchProgress } from './progressWatch.js';
import { settingsOf } from './runSettings.js';
import { storePlan } from './storePlan.js';
import { type ExecutionSummary, summariseExecution } from './summariseExecution.js';
import { withMergeStage } from './withMergeStage.js';

const MAX_CONCURRENT = 5;
const CALL_MS = 120_000;

interface Execution {
  readonly run: Run;
  readonly worker: WorkerDaemon | null;
  readonly watch: ProgressWatch;
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
      const watch = watchProgress({ client, runId: stored.id, signal: over.signal, log: options.log });
      execution = { run: stored, worker: null, watch, startedMs, over, completed: Promise.resolve() };
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
    const watch = watchProgress({ client, runId: run.id, signal: over.signal, log: options.log });
    void worker.finished.then(() => over.abort(new Error('The daemon has stopped.')));
    let watching: () => void = () => undefined;
    const started = new Promise<void>((resolve) => {
      watching = resolve;
    });
    const completed = started.then(() => complete(watch, worker));
    // Whoever waits hears of it; nobody has to.
    completed.catch(() => undefined);
    execution = { run, worker, watch, startedMs, over, completed };
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

  async function complete(watch: ProgressWatch, worker: WorkerDaemon): Promise<void> {
    try {
      await watch.follow();
    } catch (error) {
      // A run that can't be looked at can't be worked on either, and nobody would see its agents.
      await worker.stop();
      throw error;
    }
    await worker.drain();
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

  async function waitForCompletion(timeoutMs?: number): Promise<ExecutionSummary> {
    const { completed, run, watch } = current();
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
      await Promise.race([completed.then(() => watch.told()), late]);
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
    monitorProgress: (listener) => current().watch.listen(listener),
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
