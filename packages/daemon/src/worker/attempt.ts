import type { ClaimWithContext, NeolithClient } from '@neolith/contracts';
import type { AgentAdapter, JsonValue } from '../agents/agentAdapter.js';
import { prepareAttemptDirectory, removeAttemptDirectory } from '../agents/attemptDirectory.js';
import { type AgentRun, runAgent } from '../agents/runAgent.js';
import type { TerminationReason } from '../process/processSpec.js';
import { callUntilAnswered } from './callUntilAnswered.js';
import type { AttemptPhase } from './decideRenewal.js';
import {
  type AttemptOutcome,
  describeFault,
  describeOutcome,
  describeRefusedResult,
} from './describeOutcome.js';
import { describeError, judgeCallError } from './judgeCallError.js';
import type { WorkerLog } from './log.js';
import { createProgressReporter, type ProgressReport } from './progressReporter.js';
import { withOwnSignal } from './withOwnSignal.js';

export interface AttemptDependencies {
  readonly client: NeolithClient;
  readonly agent: AgentAdapter;
  readonly attemptsDirectory: string;
  /** Null: the attempt's own directory. */
  readonly workingDirectory: string | null;
  readonly taskTimeoutMs: number;
  readonly graceMs: number;
  readonly daemonMarker: string;
  readonly secrets: readonly string[];
  readonly log: WorkerLog;
  readonly random: () => number;
  /** Aborted when the daemon can wait no longer for answers. */
  readonly signal: AbortSignal;
}

/** How an attempt ended, from the daemon's point of view. */
export type AttemptResult =
  | 'completed'
  | 'failed'
  | 'blocked'
  | 'cancelled'
  | 'released'
  /** The server gave the task to somebody else, or the outcome could not be told. */
  | 'dropped';

export interface Attempt {
  readonly attemptId: string;
  readonly taskId: string;
  phase(): AttemptPhase;
  /** Ends the agent with everything it started. The first reason stands; a shorter grace time counts. */
  end(reason: TerminationReason, graceMs?: number): void;
  /** Never rejects. Nothing of the agent is alive then, and the server knows, or could not be told. */
  readonly finished: Promise<AttemptResult>;
}

/** Does one claimed task: prepares its directory, runs the agent, reports progress, and tells the outcome. */
export function startAttempt(deps: AttemptDependencies, claim: ClaimWithContext): Attempt {
  const { client, log } = deps;
  const attemptId = claim.attempt.id;
  const taskId = claim.task.id;
  const ids = { taskId, attemptId };
  const facts = { attemptId, agent: deps.agent.name };
  let phase: AttemptPhase = 'running';
  let run: AgentRun | null = null;
  let wanted: { readonly reason: TerminationReason; readonly graceMs: number } | null = null;
  let cancelRequested = false;

  function end(reason: TerminationReason, graceMs = deps.graceMs): void {
    if (reason === 'cancelled') cancelRequested = true;
    if (phase === 'settling') return;
    phase = 'ending';
    const first = wanted?.reason ?? reason;
    wanted = { reason: first, graceMs: Math.min(wanted?.graceMs ?? graceMs, graceMs) };
    if (first === 'lease_lost') progress.discard();
    void run?.terminate(first, { graceMs });
  }

  const repeat = <T>(what: string, call: () => Promise<T>): Promise<T> =>
    callUntilAnswered(call, {
      signal: deps.signal,
      random: deps.random,
      onRetry: (error, failures, delayMs) =>
        log.warn(`${what} did not reach the server; trying again`, {
          ...ids,
          failures,
          delayMs,
          ...describeError(error),
        }),
    });

  async function sendProgress(report: ProgressReport): Promise<void> {
    try {
      await withOwnSignal(deps.signal, (signal) =>
        client.updateTaskProgress({ params: { id: taskId }, body: { attemptId, ...report }, signal }),
      );
    } catch (error) {
      if (deps.signal.aborted) return;
      if (judgeCallError(error) === 'lost') {
        log.warn('The task is no longer ours; ending its agent', { ...ids, ...describeError(error) });
        end('lease_lost');
        return;
      }
      // Only this report is lost; the next one says more.
      log.warn('A progress report was not taken', { ...ids, ...describeError(error) });
    }
  }
  const progress = createProgressReporter(sendProgress);

  async function work(): Promise<AttemptOutcome> {
    const directory = await prepareAttemptDirectory(deps.attemptsDirectory, attemptId);
    try {
      if (wanted !== null) return outcomeOfEnd(wanted.reason);
      run = await runAgent(
        deps.agent,
        {
          taskId,
          attemptId,
          attemptDirectory: directory,
          workingDirectory: deps.workingDirectory ?? directory,
          // As it came over the wire: dates as text.
          context: JSON.parse(JSON.stringify(claim.context)) as JsonValue,
        },
        {
          timeoutMs:
            claim.task.timeoutSeconds === null ? deps.taskTimeoutMs : claim.task.timeoutSeconds * 1_000,
          graceMs: deps.graceMs,
          daemonMarker: deps.daemonMarker,
          secrets: deps.secrets,
        },
        {
          onSignal: (signal) => progress.note(signal),
          onLog: (line) => log.debug(line.text, { ...ids, stream: line.stream }),
          onWarning: (warning) => log.warn(warning, ids),
        },
      );
      // Asked for while it was being started.
      const early = wanted as { reason: TerminationReason; graceMs: number } | null;
      if (early !== null) void run.terminate(early.reason, { graceMs: early.graceMs });
      const report = await run.finished;
      if (report.outcome.survivors.length > 0) {
        log.error('Processes of the agent could not be ended', {
          ...ids,
          pids: report.outcome.survivors.join(' '),
        });
      }
      return describeOutcome(report, { ...facts, cancelRequested });
    } finally {
      await removeAttemptDirectory(directory).catch((error: unknown) =>
        log.warn('The directory of an attempt could not be removed', { ...ids, ...describeError(error) }),
      );
    }
  }

  async function settle(outcome: AttemptOutcome): Promise<AttemptResult> {
    switch (outcome.kind) {
      case 'drop':
        return 'dropped';
      case 'cancelled':
        await repeat('The end of a cancelled attempt', () =>
          client.confirmCancelled({ params: { id: attemptId } }),
        );
        return 'cancelled';
      case 'release':
        await repeat('The release of an attempt', () => client.releaseAttempt({ params: { id: attemptId } }));
        return 'released';
      case 'complete':
        await complete(outcome);
        return outcome.body.status;
    }
  }

  async function complete({ body }: Extract<AttemptOutcome, { kind: 'complete' }>): Promise<void> {
    try {
      await repeat('A result', () => client.completeTask({ params: { id: taskId }, body }));
    } catch (error) {
      if (deps.signal.aborted || judgeCallError(error) !== 'refused') throw error;
      const { error: refusal } = describeError(error);
      log.error('The server refused a result; the attempt is reported as failed', {
        ...ids,
        ...describeError(error),
      });
      const substitute = describeRefusedResult(refusal, facts);
      await repeat('A result', () => client.completeTask({ params: { id: taskId }, body: substitute }));
      body.status = 'failed';
    }
  }

  async function live(): Promise<AttemptResult> {
    let outcome: AttemptOutcome;
    try {
      outcome = await work();
    } catch (error) {
      log.error('The agent could not be started', { ...ids, ...describeError(error) });
      outcome = { kind: 'complete', body: describeFault(error, facts) };
    }
    if (outcome.kind === 'complete') await progress.finish();
    else progress.discard();
    phase = 'settling';
    try {
      return await settle(outcome);
    } catch (error) {
      const lost = judgeCallError(error) === 'lost';
      log.warn(
        lost
          ? 'The task was no longer ours; its outcome is dropped'
          : 'The outcome of an attempt could not be told',
        { ...ids, outcome: outcome.kind, ...describeError(error) },
      );
      return 'dropped';
    }
  }

  return { attemptId, taskId, phase: () => phase, end, finished: live() };
}

/** For an attempt that was ended before its agent had started. */
function outcomeOfEnd(reason: TerminationReason): AttemptOutcome {
  if (reason === 'lease_lost') return { kind: 'drop' };
  return reason === 'cancelled' ? { kind: 'cancelled' } : { kind: 'release' };
}
