import type { OrchestratorStatus, Run, RunProgress, RunTask } from '@neolith/contracts';
import type { RunForecast } from './forecastRun.js';
import { isRunEnded } from './runTransitions.js';

export interface WaitingFacts {
  run: Run;
  at: Date;
  slots: number;
  tasks: readonly RunTask[];
  /** Of each task, by its place. */
  availableAt: readonly (Date | null)[];
  /** How many dependencies lead out of the run. */
  outside: number;
  merges: readonly { granted: boolean }[];
  /** Of its TODO tasks: whose they are, and how many. */
  orchestrators: readonly { name: string; status: OrchestratorStatus; room: number; todo: number }[];
}

const LIVE: ReadonlySet<string> = new Set(['TODO', 'IN_PROGRESS', 'MERGING']);

/** Why nothing, or nothing more, of a run is being started, as sentences; empty where nothing stands in the way. Pure. */
export function explainWaiting(facts: WaitingFacts): string[] {
  const { run, tasks, at } = facts;
  const { counts } = run;
  if (run.status === 'PENDING') return ['It has not been started'];
  if (run.status === 'PAUSED') return ['It is paused; nothing new is handed out'];
  if (run.status === 'QUARANTINED')
    return [
      `It is quarantined: ${run.reason ?? 'too much of it fails'}; release it, retry what failed, or stop it`,
    ];
  if (isRunEnded(run.status)) return [];
  const reasons: string[] = [];
  if (counts.todo > 0 && counts.inProgress >= facts.slots)
    reasons.push(`All of its ${facts.slots} task slot(s) are taken`);
  const unassigned = tasks.filter((task) => task.status === 'TODO' && task.orchestratorId === null).length;
  if (unassigned > 0) reasons.push(`${unassigned} task(s) belong to no orchestrator; assign them`);
  for (const { name, status, room, todo } of facts.orchestrators) {
    if (status !== 'ONLINE' && status !== 'BUSY')
      reasons.push(`${todo} task(s) wait for ${name}, who is ${status}`);
    else if (room <= 0)
      reasons.push(`${todo} task(s) wait for ${name}, who is at the limit of tasks at once`);
  }
  const delays = tasks.flatMap((task, place) => {
    const time = facts.availableAt[place]?.getTime() ?? 0;
    return task.status === 'TODO' && time > at.getTime() ? [time] : [];
  });
  if (delays.length > 0) {
    const first = new Date(delays.reduce((soonest, time) => Math.min(soonest, time)));
    reasons.push(
      `${delays.length} task(s) wait for their backoff or their time; the next try is at ${first.toISOString()}`,
    );
  }
  if (run.currentWave !== null) {
    const wave = run.currentWave;
    const held = tasks.filter((task) => task.status === 'TODO' && task.wave > wave).length;
    // A task that only waits for others holds no wave: they are in it or before it, or it can't be reached.
    const holding = tasks.filter(
      (task) =>
        task.wave <= wave &&
        (LIVE.has(task.status) ||
          (task.status === 'BLOCKED' && (task.blockedReason !== null || facts.outside > 0))),
    );
    if (held > 0)
      reasons.push(
        `${held} task(s) wait for wave ${wave} to be over: ${holding.length} of its tasks are open, first "${holding[0]?.title ?? ''}"`,
      );
    if (run.waveOpensAt !== null && run.waveOpensAt > at)
      reasons.push(`Wave ${wave} opens at ${run.waveOpensAt.toISOString()}`);
  }
  const reported = tasks.filter((task) => task.status === 'BLOCKED' && task.blockedReason !== null);
  if (reported.length > 0)
    reasons.push(
      `${reported.length} task(s) are reported blocked and wait for a person, first "${reported[0]?.title ?? ''}": ${reported[0]?.blockedReason ?? ''}`,
    );
  const waiting = counts.blocked - reported.length;
  if (waiting > 0)
    reasons.push(
      `${waiting} task(s) wait for what they depend on${facts.outside > 0 ? `; ${facts.outside} dependencies lead out of the run` : ''}`,
    );
  const queued = facts.merges.filter((merge) => !merge.granted).length;
  if (queued > 0)
    reasons.push(`${queued} merge(s) wait for one of ${run.config.maxConcurrentMerges} merge slot(s)`);
  return reasons;
}

/** Strict waves: what is left of the pause before the current wave, and the pauses before those to come. */
function pauseSeconds(input: { run: Run; at: Date; lastWave: number }): number {
  const { run, at, lastWave } = input;
  if (run.currentWave === null) return 0;
  const current = Math.max(((run.waveOpensAt?.getTime() ?? 0) - at.getTime()) / 1_000, 0);
  return current + Math.max(lastWave - run.currentWave, 0) * run.config.waveDelaySeconds;
}

/** When a run may be over, and how that was computed; null where it has ended or nothing is left. Pure. */
export function describeEta(input: {
  run: Run;
  at: Date;
  forecast: RunForecast;
  slots: number;
  /** The last wave that has anything open. */
  lastWave: number;
}): RunProgress['eta'] {
  const { run, at, forecast, slots } = input;
  // Nobody knows when a person comes.
  if (isRunEnded(run.status) || run.status === 'QUARANTINED' || run.status === 'PAUSED') return null;
  const left = forecast.estimated + forecast.measured + forecast.assumed;
  if (left === 0) return null;
  const bound = forecast.chainSeconds >= forecast.slotSeconds ? 'critical-path' : 'slots';
  const pauses = pauseSeconds(input);
  const seconds = Math.ceil(Math.max(forecast.chainSeconds, forecast.slotSeconds) + pauses);
  const sources = [
    forecast.estimated > 0 ? `${forecast.estimated} by their estimate` : '',
    forecast.measured > 0
      ? `${forecast.measured} by the median of what is done (${Math.round(forecast.medianSeconds ?? 0)} s)`
      : '',
    forecast.assumed > 0 ? `${forecast.assumed} by the assumption of half an hour` : '',
  ].filter((text) => text !== '');
  return {
    at: new Date(at.getTime() + seconds * 1_000),
    seconds,
    bound,
    estimated: forecast.estimated,
    measured: forecast.measured,
    assumed: forecast.assumed,
    medianSeconds: forecast.medianSeconds,
    explanation:
      `${bound === 'critical-path' ? 'The longest chain of what is left' : `What is left, over ${slots} slot(s),`} takes ${Math.ceil(seconds - pauses)} s${pauses > 0 ? `, and the pauses between waves ${Math.ceil(pauses)} s` : ''}; ` +
      `of ${left} task(s) left ${sources.join(', ')}. It takes longer where tasks wait, fail or compete with others.`,
  };
}
