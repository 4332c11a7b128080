import { join } from 'node:path';
import type { ClaimWithContext, NeolithClient, Route } from '@neolith/contracts';
import type { AgentUsage, JsonValue } from '../agents/agentAdapter.js';
import type { AgentRun, AgentRunReport } from '../agents/runAgent.js';
import type { SocketDirectory } from '../asking/socketDirectory.js';
import type { CommittedWork } from '../git/repository.js';
import type { ReusedWork } from '../git/resultCache.js';
import { waitAtMost } from '../process/waitAtMost.js';
import type { AgentChooser, ChosenAgent } from './agentChooser.js';
import type { AttemptNews } from './attemptEvents.js';
import type { AttemptTrace } from './attemptTrace.js';
import { callUntilAnswered } from './callUntilAnswered.js';
import { choosePermitted, type PermittedChoice } from './choosePermitted.js';
import { type AttemptOutcome, describeFault, describeOutcome } from './describeOutcome.js';
import { describeWork } from './describeWork.js';
import { buildExecutionRequest } from './executionRequest.js';
import type { HeldAgents } from './heldAgents.js';
import { describeError } from './judgeCallError.js';
import type { WorkerLog } from './log.js';
import { createLogShipper, type LogShipper } from './logShipper.js';
import { type Desk, openDesk } from './openDesk.js';
import type { ProgressReporter } from './progressReporter.js';
import { describeInstead, describeParts, mayStandForTask, type ResultParts } from './reuseWork.js';
import { runExecution } from './runExecution.js';
import { tellRoute } from './tellRoute.js';
import { createSecretCleaner } from './withoutSecrets.js';
import type { Workplace, WorkSite } from './workplace.js';
import { writePrompt } from './writePrompt.js';

export interface TaskDependencies {
  readonly client: NeolithClient;
  readonly agents: AgentChooser;
  readonly heldAgents: HeldAgents;
  readonly workplace: Workplace;
  /** What agents print is kept there, too; null: nowhere. */
  readonly logsDirectory: string | null;
  readonly taskTimeoutMs: number;
  readonly stalledAfterMs: number | null;
  readonly graceMs: number;
  readonly daemonMarker: string;
  /** Where agents may ask for resources while they work; null: nowhere. */
  readonly sockets: SocketDirectory | null;
  readonly secrets: readonly string[];
  readonly log: WorkerLog;
  readonly trace: Pick<AttemptTrace, 'step'>;
  /** Aborted when the daemon can wait no longer for answers. */
  readonly signal: AbortSignal;
  readonly onEvent: (event: AttemptNews) => void;
}

/** What the attempt around it knows and is to know. */
export interface TaskControl {
  /** Of this attempt alone. */
  readonly directory: string;
  /** Aborted when the attempt is to end. */
  readonly ending: AbortSignal;
  readonly progress: ProgressReporter;
  /** The outcome of an attempt that was told to end before its agent had started; null: it was not. */
  ended(): AttemptOutcome | null;
  cancelRequested(): boolean;
  onChosen(agent: string): void;
  /** From now on there is something to leave behind. */
  onSite(site: WorkSite): void;
  /** From now on there is something to end. */
  onRun(run: AgentRun): void;
  /** The server has ended the attempt, and its agent knows. */
  onOver(reason: 'gave_way' | 'lease_lost'): void;
}

export interface DoneTask {
  readonly outcome: AttemptOutcome;
  readonly usage: AgentUsage | null;
  /** To be called once the task is done: keeps its result for tasks that are the same, where that is wanted. */
  readonly keep: () => Promise<void>;
}

/** How long an attempt that is at its end waits for the server to know its route; it tells it once more then. */
const ROUTE_TOLD_MS = 1_000;

/** An outcome that leaves nothing to be kept. */
const withNothingToKeep = (outcome: AttemptOutcome): DoneTask => ({
  outcome,
  usage: null,
  keep: () => Promise.resolve(),
});

/**
 * The work on one claimed task: chooses the agent, opens its place, runs it unless its work is there already, and commits
 * what it leaves. Throws where there is no agent or no place.
 */
export async function doTask(
  deps: TaskDependencies,
  claim: ClaimWithContext,
  control: TaskControl,
): Promise<DoneTask> {
  const before = control.ended();
  if (before !== null) return withNothingToKeep(before);
  const { log } = deps;
  const ids = { taskId: claim.task.id, attemptId: claim.attempt.id };
  const choice = await chooseAgent(deps, claim, control);
  if (choice === null) return withNothingToKeep(control.ended() ?? { kind: 'release' });
  if (choice.kind === 'held') {
    const { reason, availableAt } = choice.outcome.held ?? {};
    log.warn('No agent may do the task now; it is given back', { ...ids, reason, availableAt });
    if (choice.route !== null) await tellRoute({ ...deps, signal: control.ending }, ids, choice.route);
    return withNothingToKeep(choice.outcome);
  }
  const { chosen, route } = choice;
  const told = new AbortController();
  const telling = route === null ? null : tellRoute({ ...deps, signal: told.signal }, ids, route);
  try {
    return await doChosen(deps, claim, control, choice);
  } finally {
    // While the attempt is ours; what it ends with says the same.
    if (telling !== null) await waitAtMost(telling, ROUTE_TOLD_MS);
    told.abort(new Error('The attempt ends.'));
    await telling;
    chosen.release?.();
  }
}

/** Null: the attempt was told to end while it waited for an agent. */
async function chooseAgent(
  deps: TaskDependencies,
  claim: ClaimWithContext,
  control: TaskControl,
): Promise<PermittedChoice | null> {
  const ids = { taskId: claim.task.id, attemptId: claim.attempt.id };
  const repeat = <T>(call: () => Promise<T>): Promise<T> =>
    callUntilAnswered(call, {
      signal: deps.signal,
      onRetry: (error, failures, delayMs) =>
        deps.log.warn('A permit did not reach the server; trying again', {
          ...ids,
          failures,
          delayMs,
          ...describeError(error),
        }),
    });
  try {
    return await choosePermitted({ ...deps, ending: control.ending, repeat }, claim);
  } catch (error) {
    if (control.ended() === null) throw error;
    return null;
  }
}

type Chosen = Extract<PermittedChoice, { kind: 'chosen' }>;

async function doChosen(
  deps: TaskDependencies,
  claim: ClaimWithContext,
  control: TaskControl,
  { chosen, provider, route, probe }: Chosen,
): Promise<DoneTask> {
  const { log } = deps;
  const ids = { taskId: claim.task.id, attemptId: claim.attempt.id };
  control.onChosen(chosen.adapter.name);
  log.info('An agent was chosen', { ...ids, agent: chosen.adapter.name, reason: chosen.reason });
  const site = await deps.workplace.open({
    ...ids,
    runId: claim.task.runId,
    title: claim.task.title,
    agent: chosen.adapter.name,
    attemptDirectory: control.directory,
  });
  control.onSite(site);
  if (site.worktree !== null)
    deps.onEvent({ kind: 'worktree', directory: site.directory, branch: site.worktree.branch });
  const ended = control.ended();
  if (ended !== null) return withNothingToKeep(ended);
  const task = { deps, claim, control, chosen, provider, route, probe, site, ids };
  const merged = await findMerged(task);
  if (merged !== null) return withNothingToKeep(merged);
  const parts = site.results === null ? null : await describeParts(claim, site, chosen, deps.secrets);
  const reused = parts === null ? null : await takeOver(task, parts);
  return reused !== null ? withNothingToKeep(reused) : runAndCommit(task, parts);
}

interface Task {
  readonly deps: TaskDependencies;
  readonly claim: ClaimWithContext;
  readonly control: TaskControl;
  readonly chosen: ChosenAgent;
  readonly provider: string;
  readonly route: Route | null;
  readonly probe: boolean;
  readonly site: WorkSite;
  readonly ids: { readonly taskId: string; readonly attemptId: string };
}

/** By an attempt that could not tell any more what it had done. */
async function findMerged({ deps, claim, chosen, site, ids }: Task): Promise<AttemptOutcome | null> {
  const merged = mayStandForTask(claim) ? await site.findMerged() : null;
  if (merged === null) return null;
  deps.log.info('The work is in the target branch already; nothing is run', { ...ids, ...merged });
  const facts = { attemptId: ids.attemptId, agent: chosen.adapter.name };
  return describeInstead(facts, { mergedBefore: merged }, { mergedBefore: { ...merged } });
}

/** Null: there is no result to take over, or none that can be. */
async function takeOver(task: Task, parts: ResultParts): Promise<AttemptOutcome | null> {
  const { deps, chosen, site, ids } = task;
  let reused: ReusedWork | null = null;
  let reason: string | null = null;
  try {
    ({ reused, reason } = (await site.results?.recall(parts)) ?? { reused, reason });
  } catch (error) {
    reason = describeError(error).error;
  }
  if (reused === null) {
    if (reason !== null) deps.log.warn('A result that was kept can not be used', { ...ids, reason });
    return null;
  }
  const { reusedFrom, work } = reused;
  deps.log.info('Took over the result of a task that was the same', { ...ids, from: reusedFrom.attemptId });
  deps.onEvent({ kind: 'reused', from: reusedFrom });
  deps.onEvent({ kind: 'committed', work });
  const facts = { attemptId: ids.attemptId, agent: chosen.adapter.name };
  return describeWork(describeInstead(facts, { reusedFrom }, reused.output), work, site.worktree);
}

async function runAndCommit(task: Task, parts: ResultParts | null): Promise<DoneTask> {
  const { deps, control, chosen, provider, route, probe, site, ids } = task;
  const shipper = createLogShipper({
    client: deps.client,
    attemptId: ids.attemptId,
    ...(deps.logsDirectory === null ? {} : { file: join(deps.logsDirectory, `${ids.attemptId}.log`) }),
    signal: deps.signal,
    log: deps.log,
  });
  const desk = await openDesk(deps, ids, control.onOver);
  let known = deps.secrets;
  const { clean, explain } = createSecretCleaner(() => known);
  const report: AgentRunReport = await deps.trace.step(
    'agent',
    { 'neolith.agent': chosen.adapter.name },
    async () => {
      try {
        const run = await startAgent(task, shipper, desk);
        known = run.secrets;
        deps.onEvent({ kind: 'agent', agent: chosen.adapter.name, reason: chosen.reason, pid: run.pid });
        control.onRun(run);
        return await run.finished;
      } finally {
        await desk?.close();
        // While the attempt is ours: afterwards the server takes no more of it.
        await shipper.finish();
      }
    },
  );
  if (report.outcome.survivors.length > 0) {
    const pids = report.outcome.survivors.join(' ');
    deps.log.error('Processes of the agent could not be ended', { ...ids, pids });
  }
  const facts = { attemptId: ids.attemptId, agent: chosen.adapter.name };
  const outcome = describeOutcome(report, {
    ...facts,
    provider,
    route,
    probe,
    cancelRequested: control.cancelRequested(),
  });
  if (outcome.kind === 'complete' && isAgentsFault(outcome.body.failureClass))
    deps.heldAgents.failed(chosen.adapter.name, provider);
  const { usage } = report;
  const isHandedOff = report.outcome.kind === 'not_run' && report.outcome.handedOff;
  // A task that was cancelled meanwhile asks nobody for anything.
  if (isHandedOff && outcome.kind === 'complete') {
    // What lies there is a person's to commit; told before it is kept, the task might be taken up elsewhere.
    await site.handOff();
    return { ...withNothingToKeep(outcome), usage };
  }
  try {
    const work = await deps.trace.step('commit', {}, () => commit(task, clean));
    return {
      outcome: describeWork(outcome, work, site.worktree),
      usage,
      keep: async () => {
        if (parts === null || work === null || outcome.kind !== 'complete' || report.artifacts.length > 0)
          return;
        const output = (outcome.body.output ?? null) as JsonValue;
        await site.results?.keep(parts, { commit: work.commit, output });
      },
    };
  } catch (error) {
    deps.log.error("The agent's work could not be committed", { ...ids, ...explain(error) });
    const isSpoilt = outcome.kind === 'complete' && outcome.body.status === 'completed';
    const told: AttemptOutcome = isSpoilt
      ? { kind: 'complete', body: describeFault(error, { ...facts, clean }) }
      : outcome;
    return { ...withNothingToKeep(told), usage };
  }
}

/** Its breaker may open by it, and the task may be back here before anybody has told us so. */
function isAgentsFault(failureClass: string | undefined): boolean {
  return failureClass === 'agent' || failureClass === 'provider';
}

function tellSlow({ deps, control, ids }: Task, runningMs: number, timeoutMs: number): void {
  const endsAt = new Date(Date.now() + timeoutMs - runningMs);
  deps.log.info('The agent takes long; it will be ended at its limit', {
    ...ids,
    runningSeconds: Math.round(runningMs / 1_000),
    limitSeconds: Math.round(timeoutMs / 1_000),
  });
  // For whoever looks at the server: there it is the task's word of the moment, and an event.
  const message = `Takes long: it will be ended at ${endsAt.toISOString()}`;
  control.progress.note({ kind: 'message', message });
  deps.onEvent({ kind: 'slow', runningMs, endsAt });
}

async function startAgent(task: Task, shipper: LogShipper, desk: Desk | null): Promise<AgentRun> {
  const { deps, claim, control, chosen, provider, route, site, ids } = task;
  const { log } = deps;
  const { adapter, model } = chosen;
  const request = buildExecutionRequest({
    ...ids,
    agent: adapter.name,
    model,
    provider,
    route,
    workingDirectory: site.directory,
    attemptDirectory: control.directory,
    context: describeContext(claim),
    prompt: await writePrompt(claim.context, site, adapter.name, deps.secrets, desk !== null),
    resources: claim.task.resources.map(({ resource, mode }) => `${mode} ${resource}`),
    timeoutSeconds: claim.task.timeoutSeconds,
    mayBeSilent: adapter.mayBeSilent,
    defaults: deps,
  });
  return runExecution(adapter, request, {
    daemonMarker: deps.daemonMarker,
    secrets: deps.secrets,
    ...(desk === null ? {} : { environment: desk.environment }),
    onSlow: (runningMs) => tellSlow(task, runningMs, request.limits.timeoutMs ?? runningMs),
    onStalled: ({ idleMs }) => log.warn('The agent stalls; ending it', { ...ids, idleMs }),
    onProblem: (error) => log.debug('The agent could not be looked at', { ...ids, error: error.message }),
    onSignal(signal) {
      control.progress.note(signal);
      deps.onEvent({ kind: 'signal', signal });
    },
    onLog(line) {
      log.debug(line.text, { ...ids, stream: line.stream });
      shipper.note(line);
      deps.onEvent({ kind: 'output', line });
    },
    onWarning: (warning) => log.warn(warning, ids),
  });
}

/** Also of an attempt that failed: what it did may be of use to the next one, and is never thrown away. */
async function commit(
  { deps, site, ids }: Task,
  clean: (text: string) => string,
): Promise<CommittedWork | null> {
  const committed = await site.commit();
  if (committed === null) return null;
  const { notes } = committed;
  const work = notes === undefined ? committed : { ...committed, notes: notes.map(clean) };
  deps.onEvent({ kind: 'committed', work });
  deps.log.info('Committed', {
    ...ids,
    branch: site.worktree?.branch,
    commit: work.commit,
    files: work.files,
    notes: work.notes?.join(' '),
  });
  return work;
}

/** As it came over the wire: dates as text. */
export function describeContext({ context }: Pick<ClaimWithContext, 'context'>): JsonValue {
  return JSON.parse(JSON.stringify(context)) as JsonValue;
}
