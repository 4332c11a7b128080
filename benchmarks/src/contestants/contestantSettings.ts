/** Which contestant a process is to be, and how it is set up. */
export type ContestantSettings = NeolithSettings | GraphileSettings | PgBossSettings | BullmqSettings;

export interface NeolithSettings {
  readonly kind: 'neolith';
  readonly url: string;
  /** Over how many orchestrators the tasks and the claimers are spread. Default 1. */
  readonly orchestrators?: number;
  /** Each task but the first so many depends on the one so many before it. Default: no dependencies. */
  readonly dependencyDistance?: number;
  /** Tasks belong to a run. Default false. */
  readonly inRun?: boolean;
  /** Works on the queue of another process instead of making its own. */
  readonly join?: string;
}

export interface GraphileSettings {
  readonly kind: 'graphile-worker';
  readonly url: string;
  /**
   * `plain`: as its README starts it. `batched`: batched completion and a local queue as large as what is in flight.
   * A number: the same with a local queue of so many, which claims far ahead of what is in flight.
   */
  readonly mode: 'plain' | 'batched' | number;
}

export interface PgBossSettings {
  readonly kind: 'pg-boss';
  readonly url: string;
  /** Jobs for each fetch and each completion. */
  readonly batchSize: number;
}

export interface BullmqSettings {
  readonly kind: 'bullmq';
  readonly port: number;
}
