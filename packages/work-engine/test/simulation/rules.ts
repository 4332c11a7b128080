import type { TaskStatus } from '../../src/index.js';
import { type EventFact, type Facts, isFinal, isLive, type TaskFact } from './facts.js';
import { anyConflict } from './globs.js';
import { isDoomed, obstacleTo, runRoom, unmetOf } from './naive.js';

/** What must hold of the rows at any moment, and of any step from one moment to the next. Each says what is wrong. */

export interface Moment {
  before: Facts;
  after: Facts;
  events: readonly EventFact[];
  now: number;
}

const STATUSES: readonly TaskStatus[] = [
  'BLOCKED',
  'TODO',
  'IN_PROGRESS',
  'MERGING',
  'DONE',
  'FAILED',
  'CANCELLED',
];
const OTHER_BUDGET = 3;
const BACKOFF_SECONDS = 10;
const BACKOFF_SECONDS_MAX = 600;

type Rule = (moment: Moment) => string[];

function countBy<Item>(items: readonly Item[], keyOf: (item: Item) => string): Map<string, number> {
  const counts = new Map<string, number>();
  for (const item of items) counts.set(keyOf(item), (counts.get(keyOf(item)) ?? 0) + 1);
  return counts;
}

/** A task is owned by one attempt while it runs, by none otherwise, and stands in exactly one place. */
const oneOwner: Rule = ({ after }) => {
  const leases = countBy(after.leases, ({ task }) => task);
  const places = new Map<string, string[]>();
  for (const { task, place } of after.places) places.set(task, [...(places.get(task) ?? []), place]);
  const problems = after.tasks.flatMap((task) => {
    const owners = leases.get(task.id) ?? 0;
    const stands = (places.get(task.id) ?? []).join('+');
    const should = isFinal(task.status)
      ? 'outcome'
      : task.status === 'BLOCKED'
        ? 'blocked'
        : isLive(task.status)
          ? ''
          : null;
    return [
      ...(owners === (isLive(task.status) ? 1 : 0)
        ? []
        : [`${task.id} is ${task.status} and has ${owners} live attempts`]),
      ...((should === null ? ['ready', 'delayed'].includes(stands) : stands === should)
        ? []
        : [`${task.id} is ${task.status} and stands in "${stands}"`]),
    ];
  });
  const ended = new Set(after.attempts.map(({ id }) => id));
  for (const lease of after.leases) {
    const task = after.tasks.find(({ id }) => id === lease.task);
    const queued = after.merges.some(
      ({ task: id, attempt }) => id === lease.task && attempt === lease.attempt,
    );
    if (ended.has(lease.attempt)) problems.push(`${lease.attempt} has ended and holds a lease`);
    if (lease.number !== task?.attempts)
      problems.push(`${lease.attempt} is number ${lease.number} of ${task?.attempts}`);
    if (lease.merging !== (task?.status === 'MERGING') || lease.merging !== queued)
      problems.push(
        `${lease.task} is ${task?.status}, merging: ${lease.merging}, in the merge queue: ${queued}`,
      );
  }
  return problems;
};

/** Nothing begins before its prerequisites, its time, its wave and its run let it, nor beyond a limit. */
const startsInTime: Rule = ({ before, after, events, now }) => {
  const claims = events.filter(({ type }) => type === 'task.claimed');
  const problems: string[] = [];
  for (const { task: id, data } of claims) {
    const was = before.tasks.find((task) => task.id === id);
    if (was === undefined) continue;
    // Resources are asked about for all live attempts together: two of one claim must not meet either.
    const obstacle = obstacleTo({ ...before, holds: [], waits: [] }, was, now, data?.named === true);
    if (obstacle !== null) problems.push(`${id} was started although ${obstacle}`);
  }
  for (const orchestrator of after.orchestrators) {
    const running = after.leases.filter(
      (lease) => lease.orchestrator === orchestrator.id && !lease.merging,
    ).length;
    const grew = claims.some(({ task }) =>
      after.leases.some((l) => l.task === task && l.orchestrator === orchestrator.id),
    );
    if (grew && running > orchestrator.max)
      problems.push(`${orchestrator.id} has ${running} tasks running, of at most ${orchestrator.max}`);
  }
  for (const run of after.runs) {
    const grew = claims.some(({ task }) => after.tasks.some((t) => t.id === task && t.run === run.id));
    if (grew && runRoom(after, run) < 0)
      problems.push(`${run.id} has ${-runRoom(after, run)} tasks too many running`);
  }
  return problems;
};

/** Merge slots are granted in order, and no more of them than the run has. */
const mergesInOrder: Rule = ({ before, after, events }) =>
  events
    .filter(({ type }) => type === 'task.merge_granted')
    .flatMap(({ task }) => {
      const own = before.merges.find((merge) => merge.task === task);
      const run = before.runs.find(({ id }) => id === own?.run);
      if (own === undefined || run === undefined)
        return [`${task} was granted a merge without being in a queue`];
      const granted = before.merges.filter((merge) => merge.run === run.id && merge.granted !== null).length;
      const ahead = before.merges.filter(
        (merge) =>
          merge.run === run.id &&
          merge.granted === null &&
          (merge.ready < own.ready || (merge.ready === own.ready && merge.task < own.task)) &&
          !before.leases.some((lease) => lease.task === merge.task && lease.cancelling),
      ).length;
      const now = after.merges.filter((merge) => merge.run === run.id && merge.granted !== null).length;
      return [
        ...(granted + ahead < run.merges
          ? []
          : [`${task} was granted a merge with ${granted} granted and ${ahead} ahead`]),
        ...(now <= run.merges ? [] : [`${run.id} has ${now} merges at once, of at most ${run.merges}`]),
      ];
    });

/** What live attempts hold never meets, is all that their tasks declare, and ends with them. */
const locksHold: Rule = ({ after }) => {
  const problems: string[] = [];
  const live = new Map(after.leases.map((lease) => [lease.attempt, lease]));
  const uses = new Map<string, string[]>();
  for (const { attempt, use } of after.holds) {
    if (!live.has(attempt)) problems.push(`${attempt} has ended and holds ${use}`);
    uses.set(attempt, [...(uses.get(attempt) ?? []), use]);
  }
  const held = [...uses];
  for (const [index, [one, its]] of held.entries())
    for (const [other, others] of held.slice(index + 1))
      if (anyConflict(its, others))
        problems.push(`${one} holds ${its.join(', ')} while ${other} holds ${others.join(', ')}`);
  // Who gave way has only to end; its task declares already what the next attempt is to have.
  const ending = new Set(after.waits.filter(({ refused }) => refused).map(({ attempt }) => attempt));
  for (const lease of after.leases.filter(({ attempt }) => !ending.has(attempt))) {
    const declared = after.tasks.find(({ id }) => id === lease.task)?.resources ?? [];
    const missing = declared.filter((use) => !(uses.get(lease.attempt) ?? []).includes(use));
    if (missing.length > 0) problems.push(`${lease.attempt} runs without holding ${missing.join(', ')}`);
  }
  return problems;
};

/** An attempt ends once, is told to have ended once, and what it ended as stays. */
const oneOutcome: Rule = ({ before, after, events }) => {
  const now = new Map(after.attempts.map((attempt) => [attempt.id, attempt]));
  const was = new Set(before.attempts.map(({ id }) => id));
  const deleted = new Set(
    before.tasks.map(({ id }) => id).filter((id) => !after.tasks.some((task) => task.id === id)),
  );
  const problems = before.attempts
    .filter(
      (attempt) =>
        !deleted.has(attempt.task) && JSON.stringify(now.get(attempt.id)) !== JSON.stringify(attempt),
    )
    .map(({ id }) => `${id} had ended, and its outcome was changed`);
  const told = countBy(
    events.filter(
      ({ attempt, from, to }) => attempt !== null && isLive(from as TaskStatus) && !isLive(to as TaskStatus),
    ),
    ({ attempt }) => attempt as string,
  );
  for (const attempt of after.attempts)
    if (!was.has(attempt.id) && told.get(attempt.id) !== 1)
      problems.push(`${attempt.id} ended, which ${told.get(attempt.id) ?? 0} events tell`);
  for (const [id, count] of told)
    if (was.has(id) || count > 1) problems.push(`${id} was told to have ended ${count} more time(s)`);
  const ends = countBy(after.attempts, ({ task }) => task);
  for (const task of after.tasks)
    if ((ends.get(task.id) ?? 0) + (isLive(task.status) ? 1 : 0) !== task.attempts)
      problems.push(
        `${task.id} counts ${task.attempts} attempts and has ${ends.get(task.id) ?? 0} ended ones`,
      );
  return problems;
};

/** Counts of prerequisites, runs and waves are those of the rows. */
const countsAreRight: Rule = ({ after }) => {
  const problems: string[] = [];
  for (const task of after.tasks) {
    const unmet = unmetOf(after, task.id).length;
    const place = after.places.find((one) => one.task === task.id && one.place === 'blocked');
    if (task.status === 'TODO' && unmet > 0)
      problems.push(`${task.id} is TODO with ${unmet} unmet prerequisites`);
    if (place !== undefined && place.unmet !== unmet)
      problems.push(`${task.id} counts ${place.unmet} unmet prerequisites and has ${unmet}`);
    if (place !== undefined && place.reported !== task.reported)
      problems.push(`${task.id} is marked as reported, or not`);
    if (place !== undefined && unmet === 0 && !task.reported)
      problems.push(`${task.id} is BLOCKED for no reason`);
  }
  for (const run of after.runs) {
    const tasks = after.tasks.filter((task) => task.run === run.id);
    for (const status of STATUSES) {
      const is = tasks.filter((task) => task.status === status).length;
      if (run.counts[status] !== is)
        problems.push(`${run.id} counts ${run.counts[status]} ${status} and has ${is}`);
    }
    for (const wave of after.waves.filter((one) => one.run === run.id)) {
      const its = tasks.filter((task) => task.wave === wave.wave);
      const live = its.filter(({ status }) => status === 'TODO' || isLive(status)).length;
      const blocked = its.filter(({ status }) => status === 'BLOCKED').length;
      if (wave.total !== its.length || wave.live !== live || wave.blocked !== blocked)
        problems.push(
          `${run.id} counts wave ${wave.wave} as ${JSON.stringify(wave)}, and it is ${its.length}, ${live}, ${blocked}`,
        );
    }
  }
  return problems;
};

/** Every failure counts against its budget, once; a spent one parks the task, and what is tried again waits first. */
const budgetsHold: Rule = ({ before, after, events, now }) => {
  const problems: string[] = [];
  const known = new Set(before.attempts.map(({ id }) => id));
  for (const task of after.tasks) {
    const was = before.tasks.find(({ id }) => id === task.id);
    if (was === undefined) continue;
    const ended = after.attempts.filter((attempt) => attempt.task === task.id && !known.has(attempt.id));
    const failed = ended.filter(({ class: c }) => c !== null);
    const of = (...classes: string[]) =>
      failed.filter(({ class: c }) => classes.includes(c as string)).length;
    const expected = {
      own: was.own + of('task', 'agent'),
      provider: was.provider + of('provider'),
      infrastructure: was.infrastructure + of('infrastructure'),
      lost: was.lost + ended.filter(({ status }) => status === 'LOST').length,
    };
    const fits = Object.entries(expected).every(
      ([name, count]) => task[name as keyof typeof expected] === count,
    );
    const fresh =
      task.own + task.provider + task.infrastructure + task.lost === 0 && wasGivenAnother(task, events);
    // What is cancelled has no budgets any more; its retry begins with fresh ones.
    if (!fits && !fresh && task.status !== 'CANCELLED')
      problems.push(`${task.id} counts ${JSON.stringify(task)}, and has ${JSON.stringify(expected)}`);
    const spent =
      task.own >= task.max || [task.provider, task.infrastructure, task.lost].some((n) => n >= OTHER_BUDGET);
    if (spent && !isFinal(task.status))
      problems.push(`${task.id} has spent its budget and is ${task.status}`);
    const [last] = failed;
    if (last !== undefined && task.status === 'TODO' && was.status === 'IN_PROGRESS') {
      const k =
        last.class === 'provider'
          ? task.provider
          : last.class === 'infrastructure'
            ? task.infrastructure
            : task.own;
      const seconds = Math.min(BACKOFF_SECONDS_MAX, BACKOFF_SECONDS * 2 ** (k - 1));
      const wait = task.available === null ? null : task.available - now;
      if (wait === null || wait < 0 || wait > seconds * 1_000)
        problems.push(`${task.id} failed for the ${k}. time and waits ${wait} ms, of at most ${seconds} s`);
    }
  }
  return problems;
};

function wasGivenAnother(task: TaskFact, events: readonly EventFact[]): boolean {
  return events.some(
    (event) =>
      (event.task === task.id && ['task.retried', 'task.reopened'].includes(event.type)) ||
      (event.run === task.run && event.type === 'run.reset'),
  );
}

/** A run in which nothing is left to do has ended, and a wave opens when those before it are over. */
const runsMoveOn: Rule = ({ after, events }) => {
  const problems = after.runs
    .filter(({ status }) => status === 'RUNNING' || status === 'PAUSED')
    .filter(({ id }) => {
      const tasks = after.tasks.filter((task) => task.run === id);
      return tasks.length > 0 && tasks.every(({ status }) => isFinal(status));
    })
    .map(({ id, status }) => `${id} is ${status}, and all of its tasks are final`);
  for (const { run: id, type, data } of events) {
    if (type !== 'run.wave_opened') continue;
    const wave = data?.wave as number;
    const run = after.runs.find((one) => one.id === id);
    const open = after.tasks.filter(
      (task) =>
        task.run === id &&
        (task.wave ?? 0) < wave &&
        !isFinal(task.status) &&
        !(task.status === 'BLOCKED' && isDoomed(after, task.id, id as string, wave)),
    );
    // Tasks may join a wave that is open.
    if (run !== undefined && run.wave === wave && open.length > 0)
      problems.push(
        `${id} opened wave ${wave} while ${open.map((task) => `${task.id} (${task.status})`).join(', ')}`,
      );
  }
  return problems;
};

/** A breaker that is half-open has at most one probe, which owns its task. */
const oneProbe: Rule = ({ before, after }) =>
  after.breakers.flatMap((breaker) => {
    const was = before.breakers.find(
      ({ agent, provider }) => agent === breaker.agent && provider === breaker.provider,
    );
    const isNew = breaker.probe !== null && was?.probe !== breaker.probe;
    if (!isNew) return [];
    const problems = [];
    if (!after.leases.some(({ attempt }) => attempt === breaker.probe))
      problems.push(`${breaker.agent} has a probe that owns nothing: ${breaker.probe}`);
    const other = before.leases.find(({ attempt, merging }) => attempt === was?.probe && !merging);
    if (other !== undefined && was?.changed === breaker.changed)
      problems.push(`${breaker.agent} has two probes: ${other.attempt} and ${breaker.probe}`);
    return problems;
  });

const RULES: Readonly<Record<string, Rule>> = {
  oneOwner,
  startsInTime,
  mergesInOrder,
  locksHold,
  oneOutcome,
  countsAreRight,
  budgetsHold,
  runsMoveOn,
  oneProbe,
};

/** Every breach of a rule by one step, each with the rule's name. */
export function findBreaches(moment: Moment): string[] {
  return Object.entries(RULES).flatMap(([name, rule]) =>
    rule(moment).map((problem) => `${name}: ${problem}`),
  );
}

/** What history tells of each task, run and breaker, folded: its `from` must be where it stood. */
export class History {
  readonly #stands = new Map<string, string>();

  follow(events: readonly EventFact[], facts: Facts): string[] {
    const problems: string[] = [];
    for (const { type, task, run, from, to, data } of events) {
      if (to === null || type.startsWith('daemon.')) continue;
      const entity = type.startsWith('breaker.') ? `breaker ${data?.agent} ${data?.provider}` : (task ?? run);
      if (entity === null) continue;
      const stood = this.#stands.get(entity);
      if (stood !== undefined && from !== stood)
        problems.push(`history: ${entity} went ${from} → ${to} (${type}), and stood at ${stood}`);
      this.#stands.set(entity, to);
    }
    for (const { id, status } of [...facts.tasks, ...facts.runs])
      if (this.#stands.get(id) !== status)
        problems.push(`history: ${id} is ${status}, and its events end at ${this.#stands.get(id)}`);
    for (const { agent, provider, status } of facts.breakers)
      if ((this.#stands.get(`breaker ${agent} ${provider}`) ?? 'closed') !== status)
        problems.push(`history: the breaker of ${agent} is ${status} without a word`);
    return problems;
  }
}
