import { join } from 'node:path';
import type { ClaimWithContext, NeolithClient } from '@neolith/contracts';
import type { AgentUsage, JsonValue } from '../agents/agentAdapter.js';
import { prepareAttemptDirectory, removeAttemptDirectory } from '../agents/attemptDirectory.js';
import type { Merger } from '../agents/merger.js';
import { type AgentRun, type AgentRunReport, runAgent } from '../agents/runAgent.js';
import type { ReusedWork } from '../git/resultCache.js';
import type { TerminationReason } from '../process/processSpec.js';
import type { AgentChooser, ChosenAgent } from './agentChooser.js';
import type { AttemptEvent } from './attemptEvents.js';
import { callUntilAnswered } from './callUntilAnswered.js';
import type { AttemptPhase } from './decideRenewal.js';
import { type AttemptOutcome, describeFault, describeOutcome } from './describeOutcome.js';
import { describeWork } from './describeWork.js';
import { describeError, judgeCallError } from './judgeCallError.js';
import type { WorkerLog } from './log.js';
import { createLogShipper, type LogShipper } from './logShipper.js';
import { type MergeStage, startMergeStage } from './mergeStage.js';
import { createProgressReporter, type ProgressReport } from './progressReporter.js';
import { describeMergedBefore, describeParts, describeReuse, mayStandForTask } from './reuseWork.js';
import { type AttemptResult, createSettling } from './settleAttempt.js';
import { withOwnSignal } from './withOwnSignal.js';
import type { Workplace, WorkSite } from './workplace.js';
import { writePrompt } from './writePrompt.js';

export interface AttemptDependencies {
  readonly client: NeolithClient;
  readonly agents: AgentChooser;
  readonly attemptsDirectory: string;
  readonly workplace: Workplace;
  /** What agents print is kept there, too; null: nowhere. */
  readonly logsDirectory: string | null;
  readonly taskTimeoutMs: number;
  readonly merger: Merger;
  readonly mergeTimeoutMs: number;
  /** How long one call waits for the merge slot. */
  readonly waitSeconds: number;
  readonly graceMs: number;
  readonly daemonMarker: string;
  readonly secrets: readonly string[];
  readonly log: WorkerLog;
  readonly random: () => number;
  /** Aborted when the daemon can wait no longer for answers. */
  readonly signal: AbortSignal;
  /** Its code is complete, and it holds no slot any more. */
  readonly onMerging: () => void;
  readonly onEvent: (event: AttemptNews) => void;
}

/** An event without the ids, which are the attempt's. */
type AttemptNews = AttemptEvent extends infer Event
  ? Event extends AttemptEvent
    ? Omit<Event, 'taskId' | 'attemptId'>
    : never
  : never;

export interface Attempt {
  readonly attemptId: string;
  readonly taskId: string;
  phase(): AttemptPhase;
  /** False once its code is complete and only its merge is left. */
  holdsSlot(): boolean;
  /** Ends the agent, or the merge, with everything it started. The first reason stands; a shorter grace time counts. */
  end(reason: TerminationReason, graceMs?: number): void;
  /** Never rejects. Nothing of the agent is alive then, and the server knows, or could not be told. */
  readonly finished: Promise<AttemptResult>;
}

/** Of the time that an agent may take: then it is told that it takes long. */
const SOFT_TIMEOUT_SHARE = 0.8;

/** Does one claimed task: prepares its directory, runs the agent, reports progress, and tells the outcome. */
export function startAttempt(deps: AttemptDependencies, claim: ClaimWithContext): Attempt {
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
  /** For tasks that are the same as this one. */
  let keepResult = async (_commit: string | null, _output: JsonValue): Promise<void> => undefined;
  /** Once the task is done. */
  let keepWork = async (): Promise<void> => undefined;

  function end(reason: TerminationReason, graceMs = deps.graceMs): void {
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

  function tellSlow(runningMs: number, timeoutMs: number): void {
    const endsAt = new Date(Date.now() + timeoutMs - runningMs);
    log.info('The agent takes long; it will be ended at its limit', {
      ...ids,
      runningSeconds: Math.round(runningMs / 1_000),
      limitSeconds: Math.round(timeoutMs / 1_000),
    });
    // For whoever looks at the server: there it is the task's word of the moment, and an event.
    progress.note({ kind: 'message', message: `Takes long: it will be ended at ${endsAt.toISOString()}` });
    deps.onEvent({ kind: 'slow', runningMs, endsAt });
  }

  /** As it came over the wire: dates as text. */
  const context = () => JSON.parse(JSON.stringify(claim.context)) as JsonValue;

  async function work(directory: string): Promise<AttemptOutcome> {
    if (wanted !== null) return outcomeOfEnd(wanted.reason);
    const chosen = await deps.agents.choose(claim);
    agentName = chosen.adapter.name;
    log.info('An agent was chosen', { ...ids, agent: agentName, reason: chosen.reason });
    site = await deps.workplace.open({
      taskId,
      attemptId,
      runId: claim.task.runId,
      title: claim.task.title,
      agent: agentName,
      attemptDirectory: directory,
    });
    if (site.worktree !== null)
      deps.onEvent({ kind: 'worktree', directory: site.directory, branch: site.worktree.branch });
    if (wanted !== null) return outcomeOfEnd((wanted as { reason: TerminationReason }).reason);
    return (await takeOver(site, chosen)) ?? runChosen(site, chosen, directory);
  }

  /** What was done before needs no agent: by an attempt that could not tell it, or by a task that was the same. */
  async function takeOver(at: WorkSite, chosen: ChosenAgent): Promise<AttemptOutcome | null> {
    if (mayStandForTask(claim)) {
      const merged = await at.findMerged();
      if (merged !== null) {
        log.info('The work is in the target branch already; nothing is run', { ...ids, ...merged });
        return describeMergedBefore(attemptId, agentName, merged);
      }
    }
    if (at.results === null) return null;
    const parts = await describeParts(claim, at, chosen, deps.secrets);
    let reused: ReusedWork | null = null;
    let reason: string | null;
    try {
      ({ reused, reason } = await at.results.recall(parts));
    } catch (error) {
      reason = describeError(error).error;
    }
    if (reused === null) {
      if (reason !== null) log.warn('A result that was kept can not be used', { ...ids, reason });
      const { results } = at;
      keepResult = (commit, output) => results.keep(parts, { commit, output });
      return null;
    }
    log.info('Took over the result of a task that was the same', {
      ...ids,
      from: reused.reusedFrom.attemptId,
    });
    deps.onEvent({ kind: 'reused', from: reused.reusedFrom });
    deps.onEvent({ kind: 'committed', work: reused.work });
    return describeWork(describeReuse(attemptId, agentName, reused), reused.work, at.worktree);
  }

  async function runChosen(at: WorkSite, chosen: ChosenAgent, directory: string): Promise<AttemptOutcome> {
    const shipper = createLogShipper({
      client,
      attemptId,
      ...(deps.logsDirectory === null ? {} : { file: join(deps.logsDirectory, `${attemptId}.log`) }),
      signal: deps.signal,
      log,
    });
    let report: AgentRunReport;
    try {
      run = await startAgent(at, chosen, directory, shipper);
      deps.onEvent({ kind: 'agent', agent: agentName, reason: chosen.reason, pid: run.pid });
      // Asked for while it was being started.
      const early = wanted as { reason: TerminationReason; graceMs: number } | null;
      if (early !== null) void run.terminate(early.reason, { graceMs: early.graceMs });
      report = await run.finished;
    } finally {
      // While the attempt is ours: afterwards the server takes no more of it.
      await shipper.finish();
    }
    told.usage = report.usage;
    if (report.outcome.survivors.length > 0) {
      log.error('Processes of the agent could not be ended', {
        ...ids,
        pids: report.outcome.survivors.join(' '),
      });
    }
    return commit(at, describeOutcome(report, { ...facts(), cancelRequested }), report.artifacts.length > 0);
  }

  async function startAgent(
    at: WorkSite,
    { adapter, model }: ChosenAgent,
    directory: string,
    shipper: LogShipper,
  ): Promise<AgentRun> {
    const timeoutMs =
      claim.task.timeoutSeconds === null ? deps.taskTimeoutMs : claim.task.timeoutSeconds * 1_000;
    return runAgent(
      adapter,
      {
        taskId,
        attemptId,
        attemptDirectory: directory,
        workingDirectory: at.directory,
        context: context(),
        prompt: await writePrompt(claim.context, at, agentName, deps.secrets),
        ...(model === undefined ? {} : { model }),
      },
      {
        timeoutMs,
        graceMs: deps.graceMs,
        daemonMarker: deps.daemonMarker,
        secrets: deps.secrets,
        health: {
          softTimeoutMs: timeoutMs * SOFT_TIMEOUT_SHARE,
          onSoftTimeout: (runningMs) => tellSlow(runningMs, timeoutMs),
          onStalled: ({ idleMs }) => log.warn('The agent stalls; ending it', { ...ids, idleMs }),
          onProblem: (error) =>
            log.debug('The agent could not be looked at', { ...ids, error: error.message }),
        },
      },
      {
        onSignal(signal) {
          progress.note(signal);
          deps.onEvent({ kind: 'signal', signal });
        },
        onLog(line) {
          log.debug(line.text, { ...ids, stream: line.stream });
          shipper.note(line);
          deps.onEvent({ kind: 'output', line });
        },
        onWarning: (warning) => log.warn(warning, ids),
      },
    );
  }

  /** Also of an attempt that failed: what it did may be of use to the next one, and is never thrown away. */
  async function commit(
    at: WorkSite,
    outcome: AttemptOutcome,
    hasArtifacts: boolean,
  ): Promise<AttemptOutcome> {
    try {
      const work = await at.commit();
      if (work === null) return outcome;
      deps.onEvent({ kind: 'committed', work });
      const { commit, files, notes } = work;
      log.info('Committed', {
        ...ids,
        branch: at.worktree?.branch,
        commit,
        files,
        notes: notes?.join(' '),
      });
      if (outcome.kind === 'complete' && !hasArtifacts)
        keepWork = () => keepResult(commit, (outcome.body.output ?? null) as JsonValue);
      return describeWork(outcome, work, at.worktree);
    } catch (error) {
      log.error("The agent's work could not be committed", { ...ids, ...describeError(error) });
      return outcome.kind === 'complete' && outcome.body.status === 'completed'
        ? { kind: 'complete', body: describeFault(error, facts()) }
        : outcome;
    }
  }

  async function merge(directory: string, output: JsonValue): Promise<AttemptResult> {
    stage = startMergeStage(
      {
        ...deps,
        repeat,
        onRefused: (reason) => deps.onEvent({ kind: 'merge_refused', reason }),
      },
      {
        taskId,
        attemptId,
        attemptDirectory: directory,
        workingDirectory: site?.directory ?? directory,
        context: context(),
        output,
        agent: agentName,
      },
    );
    phase = 'merging';
    // Asked for while the code was being reported.
    if (wanted !== null) stage.end(wanted.reason, wanted.graceMs);
    deps.onMerging();
    deps.onEvent({ kind: 'merging' });
    const outcome = await stage.finished;
    if (outcome.kind === 'merge_failed') told.error = outcome.error;
    phase = 'settling';
    return settling.settleMerge(outcome);
  }

  async function live(): Promise<AttemptResult> {
    let directory: string | null = null;
    let outcome: AttemptOutcome;
    try {
      directory = await prepareAttemptDirectory(deps.attemptsDirectory, attemptId);
      outcome = await work(directory);
    } catch (error) {
      log.error('The agent could not be started', { ...ids, ...describeError(error) });
      outcome = { kind: 'complete', body: describeFault(error, facts()) };
    }
    if (outcome.kind === 'complete') told.error = outcome.body.error ?? null;
    if (outcome.kind === 'complete') await progress.finish();
    else progress.discard();
    phase = 'settling';
    try {
      let settled = await settling.settle(outcome);
      if (settled === 'merging') {
        const output = outcome.kind === 'complete' ? (outcome.body.output ?? null) : null;
        settled = await merge(directory ?? deps.attemptsDirectory, output as JsonValue);
      }
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
      await leave();
      if (directory !== null) await remove(directory);
    }
  }

  async function keep(): Promise<void> {
    try {
      await keepWork();
    } catch (error) {
      log.warn('The result of a task could not be kept for others', { ...ids, ...describeError(error) });
    }
  }

  async function leave(): Promise<void> {
    if (site === null) return;
    try {
      const { kept } = await site.close();
      told.kept = kept;
      if (kept !== null)
        log.info('The worktree is kept', { ...ids, directory: site.directory, reason: kept });
    } catch (error) {
      told.kept = describeError(error).error;
      log.warn('The worktree could not be tidied up; it is kept', { ...ids, ...describeError(error) });
    }
  }

  async function liveAndTell(): Promise<AttemptResult> {
    const startedMs = performance.now();
    const { title, metadata } = claim.task;
    const planPhase = typeof metadata.phase === 'string' ? metadata.phase : null;
    deps.onEvent({ kind: 'started', title, number: claim.attempt.number, at: new Date(), planPhase });
    const result = await live();
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
