import type { OutputLine, TerminationReason } from '../process/processSpec.js';
import type { JsonValue } from './agentAdapter.js';

export interface MergeRequest {
  readonly taskId: string;
  readonly attemptId: string;
  /** Of the attempt alone, as its agent left it. */
  readonly attemptDirectory: string;
  /** Where the agent worked. */
  readonly workingDirectory: string;
  /** What the agent was given. */
  readonly context: JsonValue;
  /** What the agent brought; null for nothing. */
  readonly output: JsonValue;
  /** Its name. */
  readonly agent: string;
}

export interface MergeLimits {
  /** Milliseconds. */
  readonly timeoutMs: number;
  readonly graceMs: number;
  /** See `describeDaemonLife`. */
  readonly daemonMarker: string;
  /** Never handed on, in whatever form. */
  readonly secrets: readonly string[];
}

export interface MergeCallbacks {
  readonly onLog: (line: OutputLine) => void;
  readonly onWarning: (warning: string) => void;
  /**
   * Whether the merge slot is still ours, asked of the server; for a merger that can ask right before the step that
   * can't be taken back. A daemon that was asleep for longer than its lease learns here that it is too late.
   */
  readonly mayStillMerge: () => Promise<boolean>;
}

export type MergeVerdict =
  /** Without an output that of the code stays. */
  | { readonly kind: 'merged'; readonly output?: JsonValue }
  /** A conflict, or red: the task is done again with `error` among what went before. */
  | { readonly kind: 'failed'; readonly error: string }
  /** Not now, by no fault of the task: the branch must not be moved, the machine is in trouble. A person has to see to it. */
  | { readonly kind: 'refused'; readonly error: string }
  /** We ended it. */
  | { readonly kind: 'terminated' };

export interface MergeRun {
  /** Never rejects. Nothing of the merge is alive then. */
  readonly finished: Promise<MergeVerdict>;
  /** The first reason stands; a shorter grace time counts. */
  terminate(reason: TerminationReason, options?: { readonly graceMs?: number }): void;
}

/** Brings the finished code of a task together with that of the others. Started only while the merge slot is held. */
export interface Merger {
  readonly name: string;
  /** Throws when the merge can't even be started. */
  start(request: MergeRequest, limits: MergeLimits, callbacks: MergeCallbacks): Promise<MergeRun>;
}

/** For work that needs no merge: a run's merge stage is passed at once. */
export const nothingToMerge: Merger = {
  name: 'none',
  start: async () => ({ finished: Promise.resolve({ kind: 'merged' }), terminate: () => undefined }),
};
