import { expect, test } from 'vitest';
import {
  recordEvent,
  selectTasks,
  summariseExecution,
  sumUsage,
  type TaskRecord,
} from '../../src/coordinator/index.js';
import type { NormalisedPlan } from '../../src/plans/index.js';
import type { AttemptEvent } from '../../src/worker/index.js';

const at = new Date('2026-11-21T12:00:00Z');
const ids = { taskId: 'task_1', attemptId: 'att_1' };
const replay = (events: readonly AttemptEvent[]): TaskRecord | null =>
  events.reduce<TaskRecord | null>(recordEvent, null);

test('what an attempt did is on its record, and an earlier attempt does not change that of a later one', () => {
  const first: AttemptEvent[] = [
    { ...ids, kind: 'started', title: 'Write it', number: 1, at, planPhase: 'Build' },
    { ...ids, kind: 'worktree', directory: '/w/att_1', branch: 'neolith/attempt_1' },
    { ...ids, kind: 'agent', agent: 'claude', reason: 'The only one.', pid: 7 },
    { ...ids, kind: 'signal', signal: { kind: 'progress', percent: 40, message: 'halfway' } },
    { ...ids, kind: 'signal', signal: { kind: 'usage', usage: { inputTokens: 10, costUsd: 0.1 } } },
    { ...ids, kind: 'signal', signal: { kind: 'usage', usage: { inputTokens: 30 } } },
    { ...ids, kind: 'slow', runningMs: 48_000, endsAt: new Date(at.getTime() + 60_000) },
    { ...ids, kind: 'committed', work: { commit: 'c0ffee', files: 2, insertions: 3, deletions: 0 } },
  ];
  expect(replay(first)).toMatchObject({
    ...{ agent: 'claude', pid: 7, branch: 'neolith/attempt_1', commit: 'c0ffee', files: 2 },
    ...{ phase: 'working', progress: 40, message: 'halfway', usage: { inputTokens: 30, costUsd: 0.1 } },
    ...{ planPhase: 'Build', endsAt: new Date(at.getTime() + 60_000) },
    result: null,
  });
  const second: AttemptEvent[] = [
    {
      taskId: 'task_1',
      attemptId: 'att_2',
      kind: 'started',
      title: 'Write it',
      number: 2,
      at,
      planPhase: null,
    },
    {
      ...ids,
      kind: 'ended',
      result: 'merge_failed',
      durationMs: 5,
      error: 'conflict',
      usage: null,
      kept: null,
    },
  ];
  expect(replay([...first, ...second])).toMatchObject({
    attemptId: 'att_2',
    number: 2,
    commit: null,
    result: null,
  });
});

test('sums what was used up, and leaves out what nobody tells', () => {
  expect(sumUsage([{ inputTokens: 1, costUsd: 0.5 }, null, { inputTokens: 2, model: 'm' }])).toEqual({
    inputTokens: 3,
    costUsd: 0.5,
  });
});

const task = (sourceId: string, dependsOn: string[] = []) =>
  ({
    sourceId,
    dependsOn,
    derivedDependsOn: [],
    parentSourceId: null,
  }) as unknown as NormalisedPlan['tasks'][number];
const plan = {
  name: 'P',
  tasks: [task('a'), task('b', ['a']), task('c', ['b']), task('d', ['a'])],
} as unknown as NormalisedPlan;
const chosen = (selection: { only: string[]; from: string[] }) =>
  selectTasks(plan, selection).tasks.map(({ sourceId, dependsOn }) => [sourceId, ...dependsOn].join(' '));

test('chooses tasks alone, or with whatever depends on them, and forgets what they need besides', () => {
  expect(chosen({ only: ['b', 'd'], from: [] })).toEqual(['b', 'd']);
  expect(chosen({ only: [], from: ['b'] })).toEqual(['b', 'c b']);
  expect(chosen({ only: [], from: ['a'] })).toEqual(['a', 'b a', 'c b', 'd a']);
  expect(selectTasks(plan, { only: [], from: [] })).toBe(plan);
  expect(selectTasks(plan, { only: ['b'], from: [] }).name).toBe('P (only b)');
  expect(() => selectTasks(plan, { only: ['x'], from: [] })).toThrow(/no task "x"/);
});

test('counts what tries used up that failed, and names what they left as long as the task is not done', () => {
  const attempt = (number: number, result: 'failed' | 'completed', kept: string | null): AttemptEvent[] => {
    const id = { taskId: 'task_1', attemptId: `att_${number}` };
    const usage = { inputTokens: 10 ** number };
    return [
      { ...id, kind: 'started', title: 'Write it', number, at, planPhase: null },
      { ...id, kind: 'worktree', directory: `/w/${number}`, branch: `neolith/attempt_${number}` },
      { ...id, kind: 'ended', result, durationMs: 5, error: null, usage, kept },
    ];
  };
  const snapshot = { tasks: [], edges: [] } as unknown as Parameters<typeof summariseExecution>[0];
  const summary = (...events: AttemptEvent[]) =>
    summariseExecution(snapshot, new Map([['task_1', replay(events) as TaskRecord]]), 1);
  const failed = [...attempt(1, 'failed', 'not merged'), ...attempt(2, 'failed', 'not merged')];
  expect(summary(...failed)).toMatchObject({
    usage: { inputTokens: 110 },
    keptBranches: ['neolith/attempt_1', 'neolith/attempt_2'],
  });
  expect(summary(...failed, ...attempt(3, 'completed', null))).toMatchObject({
    usage: { inputTokens: 1_110 },
    keptBranches: [],
  });
});
