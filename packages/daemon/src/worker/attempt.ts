import type { ClaimWithContext } from '@neolith/contracts';
import type { AgentUsage, JsonValue } from '../agents/agentAdapter.js';
import { prepareAttemptDirectory, removeAttemptDirectory } from '../agents/attemptDirectory.js';
import type { Merger } from '../agents/merger.js';
import type { AgentRun } from '../agents/runAgent.js';
import type { TerminationReason } from '../process/processSpec.js';
import type { ProcessHealth } from '../process/watchHealth.js';
import { startAttemptTrace } from './attemptTrace.js';
import { callUntilAnswered } from './callUntilAnswered.js';
import type { AttemptPhase } from './decideRenewal.js';
import { type AttemptOutcome, describeFault } from './describeOutcome.js';
import { describeContext, doTask, type TaskDependencies } from './doTask.js';
import { describeError, judgeCallError } from './judgeCallError.js';
import { type MergeStage, startMergeStage } from './mergeStage.js';
import { createProgressReporter, type ProgressReport } from './progressReporter.js';
import { type AttemptResult, createSettling } from './settleAttempt.js';
import { withOwnSignal } from './withOwnSignal.js';
import { createSecretCleaner } from './withoutSecrets.js';
import { withTraceparent } from './withTraceparent.js';
import type { WorkSite } from './workplace.js';

export interface AttemptDependencies extends Omit<TaskDependencies, 'trace'> {
  readonly attemptsDirectory: string;
  readonly merger: Merger;
  readonly mergeTimeoutMs: number;
  /** How long one call waits for the merge slot. */
  readonly waitSeconds: number;
  readonly random: () => number;
  /** Its code is complete, and it holds no slot any more. */
  readonly onMerging: () => void;
}

export interface Attempt {
  readonly attemptId: string;
  readonly taskId: string;
  phase(): AttemptPhase;
  /** Which agent is at it; before it was chosen, who might be. */
  agent(): string;
  /** Of its agent, at the last look; null before it. */
  health(): ProcessHealth | null;
  /** Null: nobody traces. */
  readonly traceId: string | null;
  /** False once its code is complete and only its merge is left. */
  holdsSlot(): boolean;
  /** Ends the agent, or the merge, with everything it started. The first reason stands; a shorter grace time counts. */
  end(reason: TerminationReason, graceMs?: number): void;
  /** Never rejects. Nothing of the agent is alive then, and the server knows, or could not be told. */
  readonly finished: Promise<AttemptResult>;
}

/** Others wait for what it holds, or have it by now. */
const OVER_GRACE_MS = 2_000;

/** Does one claimed task: prepares its directory, runs the agent, reports progress, and tells the outcome. */
export function startAttempt(given: AttemptDependencies, claim: ClaimWithContext): Attempt {
  const trace = startAttemptTrace(claim);
  const deps = {
    ...given,
    trace,
    client: trace.traceId === null ? given.client : withTraceparent(given.client, trace.traceparent),
  };
  const { client, log } = deps;
  const attemptId = claim.attempt.id;
  const taskId = claim.task.id;
  const ids = { taskId, attemptId };
  /** Until it is chosen: who might. */
  let agentName = deps.agents.name;
  const facts = () => ({ attemptId, agent: agentName });
  let site: WorkSite | null = null;
  /** What the last event tells. */
  const told: { error: string | null; usage: AgentUsage | null; kept: string | null } = {
    error: null,
    usage: null,
    kept: null,
  };
  let phase: AttemptPhase = 'running';
  let run: AgentRun | null = null;
  let stage: MergeStage | null = null;
  let wanted: { readonly reason: TerminationReason; readonly graceMs: number } | null = null;
  let cancelRequested = false;
  /** Of waits before there is an agent to be ended. */
  const ending = new AbortController();
  const { clean, explain } = createSecretCleaner(() => run?.secrets ?? deps.secrets);
  /** Once the task is done. */
  let keepWork = async (): Promise<void> => undefined;

  function end(reason: TerminationReason, givenMs = deps.graceMs): void {
    const graceMs = reason === 'gave_way' ? Math.min(givenMs, OVER_GRACE_MS) : givenMs;
    if (reason === 'cancelled') cancelRequested = true;
    const first = wanted?.reason ?? reason;
    // Also while an outcome is on the way: a merge may be what follows it.
    wanted = { reason: first, graceMs: Math.min(wanted?.graceMs ?? graceMs, graceMs) };
    if (phase === 'settling') return;
    if (stage !== null) {
      stage.end(first, graceMs);
      return;
    }
    phase = 'ending';
    ending.abort(new Error(`The attempt ends (${first}).`));
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

  const settling = createSettling({
    client,
    taskId,
    attemptId,
    agent: () => agentName,
    repeat,
    signal: deps.signal,
    log,
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

  function onRun(started: AgentRun): void {
    run = started;
    // Asked for while it was being started.
    if (wanted !== null) void run.terminate(wanted.reason, { graceMs: wanted.graceMs });
  }

  async function merge(directory: string, output: JsonValue): Promise<AttemptResult> {
    const merging = startMergeStage(
      {
        ...deps,
        secrets: run?.secrets ?? deps.secrets,
        repeat,
        onRefused: (reason) => deps.onEvent({ kind: 'merge_refused', reason }),
      },
      {
        taskId,
        attemptId,
        attemptDirectory: directory,
        workingDirectory: site?.directory ?? directory,
        context: describeContext(claim),
        output,
        agent: agentName,
      },
    );
    stage = merging;
    phase = 'merging';
    // Asked for while the code was being reported.
    if (wanted !== null) merging.end(wanted.reason, wanted.graceMs);
    deps.onMerging();
    deps.onEvent({ kind: 'merging' });
    const outcome = await trace.step('merge', { 'neolith.merger': deps.merger.name }, () => merging.finished);
    if (outcome.kind === 'merge_failed') told.error = outcome.error;
    phase = 'settling';
    return trace.step('settle', {}, () => settling.settleMerge(outcome));
  }

  async function live(): Promise<AttemptResult> {
    let directory: string | null = null;
    let outcome: AttemptOutcome;
    let result: AttemptResult = 'dropped';
    try {
      directory = await prepareAttemptDirectory(deps.attemptsDirectory, attemptId);
      const done = await doTask(deps, claim, {
        directory,
        ending: ending.signal,
        progress,
        ended: () => (wanted === null ? null : outcomeOfEnd(wanted.reason)),
        cancelRequested: () => cancelRequested,
        onChosen: (agent) => {
          agentName = agent;
        },
        onSite: (opened) => {
          site = opened;
        },
        onRun,
        onOver: (reason) => end(reason, Math.min(deps.graceMs, OVER_GRACE_MS)),
      });
      ({ outcome, keep: keepWork } = done);
      told.usage = done.usage;
    } catch (error) {
      log.error('The agent could not be started', { ...ids, ...explain(error) });
      outcome = { kind: 'complete', body: describeFault(error, { ...facts(), clean }) };
    }
    if (outcome.kind === 'complete') told.error = outcome.body.error ?? null;
    if (outcome.kind === 'complete') await progress.finish();
    else progress.discard();
    phase = 'settling';
    try {
      let settled = await trace.step('settle', {}, () => settling.settle(outcome));
      if (settled === 'merging') {
        const output = outcome.kind === 'complete' ? (outcome.body.output ?? null) : null;
        settled = await merge(directory ?? deps.attemptsDirectory, output as JsonValue);
      }
      result = settled;
      if (settled === 'completed') await keep();
      return settled;
    } catch (error) {
      const lost = judgeCallError(error) === 'lost';
      log.warn(
        lost
          ? 'The task was no longer ours; its outcome is dropped'
          : 'The outcome of an attempt could not be told',
        { ...ids, outcome: outcome.kind, ...describeError(error) },
      );
      return 'dropped';
    } finally {
      await leave(result === 'completed');
      if (directory !== null) await remove(directory);
    }
  }

  async function keep(): Promise<void> {
    try {
      await keepWork();
    } catch (error) {
      log.warn('The result of a task could not be kept for others', { ...ids, ...explain(error) });
    }
  }

  async function leave(done: boolean): Promise<void> {
    if (site === null) return;
    try {
      const { kept: reason } = await site.close({ done });
      const kept = reason === null ? null : clean(reason);
      told.kept = kept;
      if (kept !== null)
        log.info('The worktree is kept', { ...ids, directory: site.directory, reason: kept });
    } catch (error) {
      told.kept = explain(error).error;
      log.warn('The worktree could not be tidied up; it is kept', { ...ids, ...explain(error) });
    }
  }

  async function liveAndTell(): Promise<AttemptResult> {
    const startedMs = performance.now();
    const { title, metadata } = claim.task;
    const planPhase = typeof metadata.phase === 'string' ? metadata.phase : null;
    deps.onEvent({ kind: 'started', title, number: claim.attempt.number, at: new Date(), planPhase });
    const result = await live();
    trace.end(result, told.error);
    deps.onEvent({ kind: 'ended', result, durationMs: performance.now() - startedMs, ...told });
    return result;
  }

  async function remove(directory: string): Promise<void> {
    try {
      await removeAttemptDirectory(directory);
    } catch (error) {
      log.warn('The directory of an attempt could not be removed', { ...ids, ...describeError(error) });
    }
  }

  return {
    attemptId,
    taskId,
    phase: () => phase,
    agent: () => agentName,
    health: () => run?.health() ?? null,
    traceId: trace.traceId,
    holdsSlot: () => stage === null,
    end,
    finished: liveAndTell(),
  };
}

/** For an attempt that was ended before its agent had started. */
function outcomeOfEnd(reason: TerminationReason): AttemptOutcome {
  if (reason === 'lease_lost') return { kind: 'drop' };
  return reason === 'cancelled' ? { kind: 'cancelled' } : { kind: 'release' };
}
