import type { CallInput, endpoints, Route } from '@neolith/contracts';
import type { AgentArtifact, JsonValue } from '../agents/agentAdapter.js';
import { providerOf } from '../agents/providerOf.js';
import type { AgentRunReport } from '../agents/runAgent.js';
import { GitError } from '../git/gitError.js';

/** The body of `POST tasks/{id}/complete`. */
export type CompletionBody = NonNullable<CallInput<(typeof endpoints)['completeTask']>['body']>;

/** The body of `POST attempts/{id}/release`. */
type ReleaseBody = NonNullable<CallInput<(typeof endpoints)['releaseAttempt']>['body']>;

export type AttemptOutcome =
  /** To be told to the server as the task's result. */
  | { readonly kind: 'complete'; readonly body: CompletionBody }
  /** We ended it because a cancel was requested. */
  | { readonly kind: 'cancelled' }
  /** We shut down, or no agent may do it now: somebody else takes the task, or it waits. */
  | { readonly kind: 'release'; readonly held?: ReleaseBody }
  /** The task is somebody else's by now: nothing is told. */
  | { readonly kind: 'drop' };

/** The server's limits. */
const ERROR_CHARS_MAX = 100_000;
/** Twenty of them stay well within what the server takes as metrics. */
const WARNING_CHARS_MAX = 500;
const QUESTION_CHARS_MAX = 2_000;
const ARTIFACT_CHARS_MAX = 1_000_000;
const ARTIFACT_TYPE_CHARS_MAX = 100;

export interface OutcomeFacts {
  readonly attemptId: string;
  readonly agent: string;
  /** Whose service it needed. */
  readonly provider?: string;
  /** It was let through to show whether the agent works again. */
  readonly probe?: boolean;
  /** Why this agent; null or absent: there was nothing to choose. */
  readonly route?: Route | null;
  /** A cancel was requested, whether or not it was what ended the agent. */
  readonly cancelRequested: boolean;
}

/**
 * What to tell the server of an agent that has ended. Pure. An agent that was done before the cancel reached it has
 * done its work, and says so; one that failed meanwhile is cancelled, or it would be tried again.
 */
export function describeOutcome(report: AgentRunReport, facts: OutcomeFacts): AttemptOutcome {
  const { verdict, outcome } = report;
  if (verdict.status === 'terminated') {
    if (verdict.reason === 'lease_lost') return { kind: 'drop' };
    // What it held is others' once nothing of it is alive, and not before.
    if (verdict.reason === 'gave_way') return { kind: 'release' };
    if (verdict.reason === 'shutdown' && !facts.cancelRequested) return { kind: 'release' };
    return { kind: 'cancelled' };
  }
  if (facts.cancelRequested && verdict.status !== 'completed') return { kind: 'cancelled' };
  const startedAt = outcome.startedAt;
  const common = {
    attemptId: facts.attemptId,
    artifacts: report.artifacts.map(writeArtifact),
    metrics: {
      startedAt: startedAt.toISOString(),
      completedAt: new Date(startedAt.getTime() + outcome.durationMs).toISOString(),
      duration: Math.round(outcome.durationMs),
      agent: facts.agent,
      ...(facts.provider === undefined ? {} : { provider: facts.provider }),
      ...(facts.probe === true ? { probe: true } : {}),
      ...(facts.route == null ? {} : { route: facts.route }),
      ...(report.usage === null ? {} : { usage: { ...report.usage } }),
      ...(outcome.kind === 'exited' ? { exitCode: outcome.code } : {}),
      ...(outcome.endedDescendants > 0 ? { endedDescendants: outcome.endedDescendants } : {}),
      ...(report.warnings.length > 0
        ? { warnings: report.warnings.slice(0, 20).map((text) => shorten(text, WARNING_CHARS_MAX)) }
        : {}),
    },
  } satisfies Partial<CompletionBody>;
  switch (verdict.status) {
    case 'completed':
      return { kind: 'complete', body: { ...common, status: 'completed', output: verdict.output } };
    case 'blocked': {
      const question =
        verdict.question === undefined ? {} : { question: shorten(verdict.question, QUESTION_CHARS_MAX) };
      return {
        kind: 'complete',
        body: { ...common, status: 'blocked', error: shorten(verdict.reason, ERROR_CHARS_MAX), ...question },
      };
    }
    case 'failed':
      return {
        kind: 'complete',
        body: {
          ...common,
          metrics: {
            ...common.metrics,
            code: verdict.code,
            // Until then the server sends that agent no more work, of anybody's.
            ...(verdict.resetAt === undefined ? {} : { resetAt: verdict.resetAt }),
          },
          status: 'failed',
          error: shorten(verdict.error, ERROR_CHARS_MAX),
          failureClass: verdict.failureClass,
        },
      };
    case 'timed_out':
      return {
        kind: 'complete',
        body: {
          ...common,
          status: 'failed',
          error: shorten(verdict.error, ERROR_CHARS_MAX),
          failureClass: 'agent',
          timedOut: true,
        },
      };
  }
}

/**
 * What is told when the agent could not even be started, or our own code failed on it. Pure.
 * @param facts.clean takes secrets out: what git says names files, and an agent may have named them after what it knows.
 */
export function describeFault(
  error: unknown,
  facts: Pick<OutcomeFacts, 'attemptId' | 'agent'> & { readonly clean: (text: string) => string },
): CompletionBody {
  const message = error instanceof Error ? error.message : String(error);
  return {
    attemptId: facts.attemptId,
    status: 'failed',
    error: shorten(facts.clean(message), ERROR_CHARS_MAX),
    failureClass: error instanceof GitError ? error.failureClass : 'infrastructure',
    metrics: { agent: facts.agent },
  };
}

/** What is told when the server refused the result itself: without it the lease would just run out. Pure. */
export function describeRefusedResult(
  refusal: string,
  facts: Pick<OutcomeFacts, 'attemptId' | 'agent'>,
): CompletionBody {
  return {
    attemptId: facts.attemptId,
    status: 'failed',
    error: shorten(`The server did not take the agent's result: ${refusal}`, ERROR_CHARS_MAX),
    failureClass: 'agent',
    metrics: { agent: facts.agent, provider: providerOf(facts.agent) },
  };
}

function writeArtifact({ type, content }: AgentArtifact): { type: string; content: string } {
  const text = typeof content === 'string' ? content : JSON.stringify(content satisfies JsonValue);
  return {
    type: shorten(type.trim() === '' ? 'artifact' : type, ARTIFACT_TYPE_CHARS_MAX),
    content: shorten(text, ARTIFACT_CHARS_MAX),
  };
}

function shorten(text: string, charsMax: number): string {
  if (text.length <= charsMax) return text;
  const kept = text.slice(0, charsMax - 1);
  // A cut through a surrogate pair leaves half a character, which the server refuses.
  return `${kept.isWellFormed() ? kept : kept.slice(0, -1)}…`;
}
