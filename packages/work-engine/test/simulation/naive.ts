import type { Criteria, TaskStatus } from '../../src/index.js';
import { type Facts, isFinal, isLive, type RunFact, type TaskFact } from './facts.js';
import { anyConflict } from './globs.js';

/**
 * The rules of selection told once more, as plainly as they can be: every task is looked at each time, nothing is kept, no
 * index helps. What the engine chooses must be what this chooses.
 */

const PRIORITIES = ['CRITICAL', 'HIGH', 'MEDIUM', 'LOW'];
const WEIGHTS = [1000, 100, 10, 1];
const THREE_DAYS_MS = 3 * 24 * 3_600_000;

export function statusOf(facts: Facts, taskId: string): TaskStatus | undefined {
  return facts.tasks.find(({ id }) => id === taskId)?.status;
}

/** The prerequisites that keep a task from being started. */
export function unmetOf(facts: Facts, taskId: string): string[] {
  return facts.edges
    .filter(({ dependent, released }) => dependent === taskId && !released)
    .map(({ prerequisite }) => prerequisite)
    .filter((id) => statusOf(facts, id) !== 'DONE');
}

const formats = new Map<string, Intl.DateTimeFormat>();
function localDay(at: number, zone: string): string {
  let format = formats.get(zone);
  if (format === undefined) {
    format = new Intl.DateTimeFormat('en-CA', { timeZone: zone, dateStyle: 'short' });
    formats.set(zone, format);
  }
  return format.format(at);
}

export function scoreOf(task: TaskFact, now: number, zone: string): number {
  const weight = WEIGHTS[PRIORITIES.indexOf(task.priority)] as number;
  if (task.due === null) return weight;
  if (task.due < now) return weight * 10;
  if (localDay(task.due, zone) === localDay(now, zone)) return weight * 5;
  return task.due <= now + THREE_DAYS_MS ? weight * 2 : weight;
}

/** How many more tasks a run may have in progress. */
export function runRoom(facts: Facts, run: RunFact): number {
  const limit = run.strict && run.agents !== null ? Math.min(run.max, run.agents) : run.max;
  return limit - facts.tasks.filter((task) => task.run === run.id && task.status === 'IN_PROGRESS').length;
}

export function waveIsOpen(run: RunFact, wave: number | null, now: number): boolean {
  if (!run.strict || wave === null || wave < run.wave) return true;
  return wave === run.wave && (run.opens === null || run.opens <= now);
}

export function runOf(facts: Facts, task: TaskFact): RunFact | undefined {
  return facts.runs.find(({ id }) => id === task.run);
}

/** Why a task can't be started now, but for the slots of its orchestrator and its run; null: nothing. */
export function obstacleTo(facts: Facts, task: TaskFact, now: number, byName = false): string | null {
  if (task.status !== 'TODO') return `it is ${task.status}`;
  const unmet = unmetOf(facts, task.id);
  if (unmet.length > 0) return `${unmet.length} of its prerequisites are not DONE`;
  // A person who names it needn't wait for its time.
  if (!byName && task.available !== null && task.available > now) return 'its time has not come';
  const run = runOf(facts, task);
  if (run !== undefined && run.status !== 'RUNNING') return `its run is ${run.status}`;
  if (run !== undefined && !waveIsOpen(run, task.wave, now)) return 'its wave has not opened';
  if (task.resources !== null && anyConflict(task.resources, usesInFront(facts, task.id, now)))
    return 'its resources are in use';
  return null;
}

/** What others hold or wait for in front of a task: attempts, and tasks that have waited long, up to itself. */
function usesInFront(facts: Facts, taskId: string, now: number): string[] {
  const held = facts.holds.map(({ use }) => use);
  const asked = facts.waits
    .filter((wait) => wait.attempt !== null && !wait.refused)
    .flatMap(({ uses }) => uses);
  const waiting = facts.waits.filter(
    (wait) => wait.attempt === null && wait.binds !== null && wait.binds > now,
  );
  const own = waiting.findIndex(({ task }) => task === taskId);
  return [...held, ...asked, ...waiting.slice(0, own < 0 ? waiting.length : own).flatMap(({ uses }) => uses)];
}

function meets(task: TaskFact, criteria: Criteria): boolean {
  const rank = PRIORITIES.indexOf(task.priority);
  return (
    (criteria.runId === undefined || `run_${task.run}` === criteria.runId) &&
    (criteria.requireTags ?? []).every((tag) => task.tags.includes(tag)) &&
    !(criteria.excludeTags ?? []).some((tag) => task.tags.includes(tag)) &&
    (criteria.minPriority === undefined || rank <= PRIORITIES.indexOf(criteria.minPriority))
  );
}

/** What a claim must take, the first first. */
export function chooseBest(
  facts: Facts,
  asked: { orchestrator: string; max: number; criteria: Criteria; now: number },
): string[] {
  const orchestrator = facts.orchestrators.find(({ id }) => id === asked.orchestrator);
  if (orchestrator === undefined || !['ONLINE', 'BUSY'].includes(orchestrator.status)) return [];
  const chosen: string[] = [];
  let world = facts;
  for (;;) {
    const running = world.leases.filter(
      (lease) => lease.orchestrator === asked.orchestrator && !lease.merging,
    ).length;
    if (chosen.length >= asked.max || running >= orchestrator.max) return chosen;
    const candidates = world.tasks
      .filter((task) => task.orchestrator === asked.orchestrator && meets(task, asked.criteria))
      .filter((task) => {
        const run = runOf(world, task);
        return (run === undefined || runRoom(world, run) > 0) && obstacleTo(world, task, asked.now) === null;
      })
      .map((task) => ({ task, score: scoreOf(task, asked.now, orchestrator.zone) }))
      .sort(
        (a, b) =>
          b.score - a.score ||
          (a.task.due ?? Number.MAX_VALUE) - (b.task.due ?? Number.MAX_VALUE) ||
          a.task.created - b.task.created ||
          (a.task.id < b.task.id ? -1 : 1),
      );
    const best = candidates[0]?.task;
    if (best === undefined) return chosen;
    chosen.push(best.id);
    world = started(world, best);
  }
}

function started(facts: Facts, task: TaskFact): Facts {
  const attempt = `of ${task.id}`;
  return {
    ...facts,
    tasks: facts.tasks.map((other) =>
      other.id === task.id ? { ...other, status: 'IN_PROGRESS' as const } : other,
    ),
    leases: [
      ...facts.leases,
      {
        ...{ task: task.id, attempt, orchestrator: task.orchestrator as string, run: task.run, number: 0 },
        ...{ expires: null, merging: false, cancelling: false },
      },
    ],
    holds: [...facts.holds, ...(task.resources ?? []).map((use) => ({ attempt, task: task.id, use }))],
    waits: facts.waits.filter((wait) => wait.task !== task.id),
  };
}

/**
 * Whether a task can't be done any more without somebody's retry: what it waits for failed, was cancelled, or lies in a run
 * that ended without it; `before`: or comes back to this wave of the run, or a later one.
 */
export function isDoomed(facts: Facts, taskId: string, run: string, before: number): boolean {
  return unmetOf(facts, taskId).some((id) => {
    const task = facts.tasks.find((other) => other.id === id) as TaskFact;
    if (isFinal(task.status)) return true;
    if (task.run === run && (task.wave ?? 0) >= before) return true;
    const its = runOf(facts, task);
    if (task.run !== run && !isLive(task.status) && (its?.status === 'FAILED' || its?.status === 'CANCELLED'))
      return true;
    return isDoomed(facts, id, run, before);
  });
}
