import type { AgentSignal, AgentUsage } from '../agents/agentAdapter.js';
import type { CommittedWork } from '../git/repository.js';
import type { ReusedFrom } from '../git/resultCache.js';
import type { OutputLine } from '../process/processSpec.js';
import type { AttemptResult } from './settleAttempt.js';

interface AttemptIds {
  readonly taskId: string;
  readonly attemptId: string;
}

/** What happens to the attempts of a daemon, for whoever watches in the same process. */
export type AttemptEvent = AttemptIds &
  (
    | {
        readonly kind: 'started';
        readonly title: string;
        readonly number: number;
        readonly at: Date;
        /** The part of the plan that its task belongs to; null: of none. */
        readonly planPhase: string | null;
      }
    | { readonly kind: 'agent'; readonly agent: string; readonly reason: string; readonly pid: number | null }
    | { readonly kind: 'worktree'; readonly directory: string; readonly branch: string }
    | { readonly kind: 'signal'; readonly signal: AgentSignal }
    | { readonly kind: 'output'; readonly line: OutputLine }
    /** Its agent has worked for so long that it will be ended soon. Told once. */
    | { readonly kind: 'slow'; readonly runningMs: number; readonly endsAt: Date }
    | { readonly kind: 'committed'; readonly work: CommittedWork }
    /** Nothing was run: the result of a task that was the same. */
    | { readonly kind: 'reused'; readonly from: ReusedFrom }
    | { readonly kind: 'merging' }
    /** For now; it is tried again. */
    | { readonly kind: 'merge_refused'; readonly reason: string }
    | {
        readonly kind: 'ended';
        readonly result: AttemptResult;
        readonly durationMs: number;
        /** Why it failed, was sent back or waits for a person. */
        readonly error: string | null;
        readonly usage: AgentUsage | null;
        /** Why its worktree is kept, if it is. */
        readonly kept: string | null;
      }
  );

/** An event without the ids, which are the attempt's. */
export type AttemptNews = AttemptEvent extends infer Event
  ? Event extends AttemptEvent
    ? Omit<Event, 'taskId' | 'attemptId'>
    : never
  : never;

/** Told in order. What it throws is logged and changes nothing. */
export type AttemptListener = (event: AttemptEvent) => void;
