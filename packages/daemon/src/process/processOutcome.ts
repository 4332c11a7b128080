import type { CapturedText } from './boundedText.js';
import type { TerminationReason } from './processSpec.js';

/** How a process ended, from the point of view of the one who started it. */
export type ProcessEnding =
  | { readonly kind: 'exited'; readonly code: number }
  | { readonly kind: 'signalled'; readonly signal: NodeJS.Signals }
  | { readonly kind: 'timed_out'; readonly timeoutMs: number }
  | { readonly kind: 'terminated'; readonly reason: TerminationReason }
  | { readonly kind: 'spawn_failed'; readonly code: string; readonly message: string };

export interface ProcessRecord {
  /** `null` when it never started. */
  readonly pid: number | null;
  /** Sanitised, redacted, capped. */
  readonly stdout: CapturedText;
  readonly stderr: CapturedText;
  readonly startedAt: Date;
  /** From the start until nothing of the tree was alive. */
  readonly durationMs: number;
  /** Descendants that had to be signalled because they were still alive. */
  readonly endedDescendants: number;
  /** Pids that no signal could end (uninterruptible, or of another user). Empty but for a broken machine. */
  readonly survivors: readonly number[];
  /** The first error thrown by a callback or by stdin, if any. */
  readonly problem: Error | null;
}

export type ProcessOutcome = ProcessEnding & ProcessRecord;
