import type { MadeRun } from './feedWork.js';
import type { Acceptance } from './httpJournal.js';
import type { Tables } from './readTables.js';
import { type Effects, writeContent } from './scriptedAgent.js';

/** All that was seen from outside, to be compared with what the database says. */
export interface Evidence {
  readonly made: readonly MadeRun[];
  readonly accepted: readonly Acceptance[];
  readonly tables: Tables;
  readonly effects: ReadonlyMap<string, Effects>;
  /** Files of the target branch, by the id of the task that had to write it. */
  readonly work: ReadonlyMap<string, string>;
  /** Commits of the target branch, by task. */
  readonly commits: ReadonlyMap<string, number>;
}

/** What ends an attempt; each attempt must have exactly one such event. */
const ENDINGS = new Set([
  'task.completed',
  'task.failed',
  'task.blocked',
  'task.lease_lost',
  'task.released',
  'task.cancelled',
  'task.merge_failed',
]);

/** Says where reality and promises differ; empty where they don't. Pure. */
export function judge(evidence: Evidence): string[] {
  return [
    ...judgeTasks(evidence),
    ...judgeAttempts(evidence),
    ...judgeChains(evidence.tables),
    ...judgeEffects(evidence),
    ...judgeAcceptances(evidence),
    ...[...evidence.tables.underWay]
      .filter(([, amount]) => amount > 0)
      .map(([table, amount]) => `${amount} rows are left in ${table}`),
  ];
}

/** Every acknowledged task is there once, done, and its work is in the target branch once; and nothing else. */
function judgeTasks({ made, tables, work, commits }: Evidence): string[] {
  const wrong: string[] = [];
  const titlesOf = new Map(made.map(({ id, titles }) => [id, [...titles].sort().join()]));
  for (const { id, status } of tables.runs) {
    if (!titlesOf.has(id)) wrong.push(`${id} is there, but nobody was told so`);
    if (status !== 'SUCCEEDED') wrong.push(`${id} is ${status}`);
  }
  for (const [id, titles] of titlesOf) {
    const mine = tables.tasks.filter(({ runId }) => runId === id).map(({ title }) => title);
    if (mine.sort().join() !== titles) wrong.push(`${id} has the tasks ${mine.join()}; told was ${titles}`);
  }
  for (const { id, title, status } of tables.tasks) {
    if (status !== 'DONE') wrong.push(`${id} is ${status}`);
    const text = work.get(id);
    if (text !== writeContent(title)) wrong.push(`The work of ${id} (${title}) is ${JSON.stringify(text)}`);
    const times = commits.get(id) ?? 0;
    if (times !== 1) wrong.push(`The work of ${id} was merged ${times} times`);
  }
  const ids = new Set(tables.tasks.map(({ id }) => id));
  for (const id of [...work.keys(), ...commits.keys()])
    if (!ids.has(id)) wrong.push(`There is work of ${id}, which is no task`);
  return wrong;
}

/** One accepted outcome an attempt, one attempt a task that succeeded. */
function judgeAttempts({ tables }: Evidence): string[] {
  const wrong: string[] = [];
  const claimed = new Map<string, number>();
  const ended = new Map<string, number>();
  for (const { type, attemptId } of tables.events) {
    if (attemptId === null) continue;
    if (type === 'task.claimed') add(claimed, attemptId);
    if (ENDINGS.has(type)) add(ended, attemptId);
  }
  const succeeded = new Map<string, number>();
  for (const { id, taskId, status } of tables.attempts) {
    if (status === 'SUCCEEDED') add(succeeded, taskId);
    for (const [what, counts] of [
      ['was claimed', claimed],
      ['ended', ended],
    ] as const)
      if (counts.get(id) !== 1) wrong.push(`${id} of ${taskId} ${what} ${counts.get(id) ?? 0} times`);
  }
  const known = new Set(tables.attempts.map(({ id }) => id));
  for (const id of claimed.keys()) if (!known.has(id)) wrong.push(`${id} was claimed and never ended`);
  for (const { id } of tables.tasks)
    if (succeeded.get(id) !== 1) wrong.push(`${id} has ${succeeded.get(id) ?? 0} attempts that succeeded`);
  return wrong;
}

/** Each change begins where the one before ended, and the last one ended where the row stands. */
function judgeChains({ tasks, runs, events }: Tables): string[] {
  const wrong: string[] = [];
  const standing = new Map<string, string>();
  const dones = new Map<string, number>();
  for (const { type, taskId, runId, from, to } of events) {
    const id = taskId ?? runId;
    if (id === null || to === null) continue;
    const before = standing.get(id) ?? null;
    if (from !== before) wrong.push(`${id}: ${type} goes from ${from}, but it was ${before}`);
    standing.set(id, to);
    if (taskId !== null && to === 'DONE' && from !== 'DONE') add(dones, taskId);
  }
  for (const { id, status } of [...tasks, ...runs])
    if (standing.get(id) !== status)
      wrong.push(`${id} is ${status}; its events end with ${standing.get(id)}`);
  for (const { id } of tasks)
    if (dones.get(id) !== 1) wrong.push(`${id} became DONE ${dones.get(id) ?? 0} times`);
  return wrong;
}

/** What the agents wrote down: each attempt ran at most once, and what was accepted had really been done. */
function judgeEffects({ tables, effects }: Evidence): string[] {
  const wrong: string[] = [];
  const taskOf = new Map(tables.attempts.map(({ id, taskId }) => [id, taskId]));
  for (const { id, status } of tables.tasks) {
    const { started, ended } = effects.get(id) ?? { started: [], ended: [] };
    if (started.length === 0) wrong.push(`${id} is ${status}, and no agent ever began it`);
    if (ended.length === 0) wrong.push(`${id} is ${status}, and no agent ever finished it`);
    if (new Set(started).size !== started.length) wrong.push(`An attempt at ${id} was begun twice`);
    for (const attemptId of started)
      if (taskOf.get(attemptId) !== id)
        wrong.push(`An agent of ${attemptId} worked at ${id}; the database says ${taskOf.get(attemptId)}`);
  }
  return wrong;
}

/** What a server answered with 2xx is still so. */
function judgeAcceptances({ accepted, tables }: Evidence): string[] {
  const wrong: string[] = [];
  const attemptOf = new Map(tables.attempts.map((attempt) => [attempt.id, attempt]));
  const codeOf = new Set(
    tables.events.filter(({ type }) => type === 'task.code_completed').map(({ attemptId }) => attemptId),
  );
  for (const { taskId, attemptId, status, call } of accepted) {
    const attempt = attemptOf.get(attemptId);
    const say = (what: string) =>
      wrong.push(`${call} of ${attemptId} of ${taskId} was answered ${status}, but ${what}`);
    if (attempt === undefined || attempt.taskId !== taskId) say('there is no such attempt');
    else if (status === 'MERGING' && !codeOf.has(attemptId)) say('its code was never completed');
    else if (status === 'DONE' && attempt.status !== 'SUCCEEDED') say(`the attempt is ${attempt.status}`);
    else if (['TODO', 'FAILED'].includes(status) && !['FAILED', 'TIMED_OUT'].includes(attempt.status))
      say(`the attempt is ${attempt.status}`);
  }
  return wrong;
}

function add(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
