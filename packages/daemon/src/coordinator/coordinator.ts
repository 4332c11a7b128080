import type { NeolithClient, Run } from '@neolith/contracts';
import type { AttemptListener } from '../worker/attemptEvents.js';
import type { DaemonOptions } from '../worker/daemonOptions.js';
import type { AgentPool } from './agentPool.js';
import type { TaskRecord } from './executionRecord.js';
import type { StorePlanInput } from './storePlan.js';
import type { ExecutionSummary } from './summariseExecution.js';
import type { WatchOptions } from './watchRun.js';

export interface CoordinatorOptions
  extends Pick<
    DaemonOptions,
    | 'agent'
    | 'attemptsDirectory'
    | 'command'
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
