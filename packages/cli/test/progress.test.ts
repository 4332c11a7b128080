import type { RunProgress } from '@neolith/contracts';
import { settingsOf } from '@neolith/daemon';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { analysePlan } from '../src/graph/analysePlan.js';
import { needsPriority, readPriorityAnswer } from '../src/import/askMissingPriority.js';
import { describeDuration, readDuration } from '../src/output/duration.js';
import { columnsOf, fitLine } from '../src/output/fitLine.js';
import { describeProgress } from '../src/watch/describeProgress.js';
import { drawProgress } from '../src/watch/drawProgress.js';
import { openLiveBlock } from '../src/watch/liveBlock.js';
import { exitCodeOfRun } from '../src/watch/runEnding.js';

const at = new Date('2026-11-21T12:00:00Z');
const progress: RunProgress = {
  runId: 'run_1',
  status: 'RUNNING',
  at,
  counts: { total: 8, blocked: 2, todo: 1, inProgress: 2, merging: 1, done: 2, failed: 0, cancelled: 0 },
  percent: 99.7,
  plannedSeconds: 100,
  doneSeconds: 40,
  currentWave: 1,
  waveCount: 3,
  waves: [],
  running: ['One', 'Two\u001b[2J', '解析器を書く'].map((title, index) => ({
    taskId: `task_${index}`,
    title,
    attemptId: `att_${index}`,
    status: index === 2 ? 'MERGING' : 'IN_PROGRESS',
    progress: index * 40,
    since: new Date(at.getTime() - 65_000),
  })),
  waitingFor: ['2 task(s) wait for what they depend on'],
  usage: null,
  eta: {
    at: new Date(at.getTime() + 600_000),
    seconds: 600,
    bound: 'slots',
    estimated: 1,
    measured: 2,
    assumed: 0,
    medianSeconds: 30,
    explanation: 'What is left, over 3 slot(s), takes 600 s.',
  },
};
const plain = { name: 'Release', rows: 24, style: (_: unknown, text: string) => text };

it('draws a run: status, wave, bar, what runs with its progress, what it waits for, ETA and its ground', () => {
  const lines = drawProgress(progress, { ...plain, columns: 120 });
  expect(lines[0]).toBe('Release  running  wave 2 of 3');
  expect(lines[1]).toMatch(/^█{39}░ {2}99 % {2}2\/8 done, 2 running, 1 merging, 1 ready, 2 waiting$/);
  expect(lines[2]).toBe('  working  ░░░░░░░░   0 %  One           1 min 5 s');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: a title must not move the cursor
  expect(lines.join('')).not.toMatch(/\u001b/);
  expect(lines[4]).toBe('  merging  ██████░░  80 %  解析器を書く  1 min 5 s');
  expect(lines[5]).toBe('  waits: 2 task(s) wait for what they depend on');
  expect(lines[6]).toMatch(
    /^ {2}about 10 min left \(\d\d:\d\d:\d\d\): What is left, over 3 slot\(s\), takes 600 s\.$/,
  );
  expect(describeProgress(progress)).toMatch(
    /^\d\d:\d\d:\d\d {2}running {2}99 % {2}2\/8 done, .*, about 10 min left$/,
  );
  const over = {
    ...progress,
    percent: 100,
    status: 'SUCCEEDED' as const,
    running: [],
    waitingFor: [],
    eta: null,
  };
  expect(drawProgress(over, { ...plain, columns: 120 })).toHaveLength(2);
});

it('never draws a line that would wrap, nor more lines than there are', () => {
  const many = { ...progress, running: Array.from({ length: 30 }, () => progress.running[2] as never) };
  for (const columns of [20, 30, 40, 79, 200]) {
    for (const rows of [10, 24, 60]) {
      const lines = drawProgress(many, { ...plain, name: 'Ein sehr langer Name', columns, rows });
      for (const line of lines) expect(columnsOf(line)).toBeLessThanOrEqual(columns);
      expect(lines.length).toBeLessThanOrEqual(Math.max(rows, 10));
    }
  }
});

it('cuts by columns, not by characters', () => {
  expect(fitLine('hello', 5)).toBe('hello');
  expect(fitLine('hello!', 5)).toBe('hell…');
  expect(fitLine('解析器', 5)).toBe('解析…');
  expect(fitLine('解析器', 4)).toBe('解…');
  expect(columnsOf('e\u0301')).toBe(1);
  expect(columnsOf('\u001b[31mred\u001b[39m')).toBe(3);
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.integer({ min: 0, max: 30 }), (text, columns) => {
      expect(columnsOf(fitLine(text, columns))).toBeLessThanOrEqual(columns);
    }),
  );
});

it('redraws its lines in place, prints above them, and gives the cursor back', () => {
  let written = '';
  const block = openLiveBlock({
    write: (text: string | Uint8Array) => {
      written += String(text);
      return true;
    },
  });
  block.draw(['a', 'b']);
  block.draw(['c']);
  block.print('note');
  block.end();
  // What a terminal shows of it.
  const screen: string[] = [];
  let [row, column] = [0, 0];
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the escapes that it writes
  for (const [, count, final, text] of written.matchAll(/\u001b\[([?\d]*)([A-Za-z])|([^\u001b])/g)) {
    if (final === 'A') row -= Number(count);
    if (final === 'J') screen.length = row;
    if (final === 'K') screen[row] = (screen[row] ?? '').slice(0, column);
    if (text === '\r') column = 0;
    else if (text === '\n') [row, column] = [row + 1, 0];
    else if (text !== undefined) {
      const line = screen[row] ?? '';
      screen[row] = line.slice(0, column) + text + line.slice(column + 1);
      column += 1;
    }
  }
  expect(screen).toEqual(['note', 'c']);
  expect(written.endsWith('\u001b[?25h')).toBe(true);
});

it('says lengths of time in words, and reads them', () => {
  expect([0, 59.6, 61, 119, 600, 3_600, 4_800, 200_000].map(describeDuration)).toEqual([
    '0 s',
    '1 min',
    '1 min 1 s',
    '1 min 59 s',
    '10 min',
    '1 h',
    '1 h 20 min',
    '2 days',
  ]);
  expect(['90', '90s', '5m', '1.5h', '2 d', '0'].map(readDuration)).toEqual([90, 90, 300, 5_400, 172_800, 0]);
  expect(['', 'soon', '-1', '5x', '1 0'].map(readDuration)).toEqual([null, null, null, null, null]);
});

it('ends with the exit code of the run, and goes on while it does', () => {
  const statuses = [
    'PENDING',
    'RUNNING',
    'PAUSED',
    'SUCCEEDED',
    'FAILED',
    'QUARANTINED',
    'CANCELLED',
  ] as const;
  expect(statuses.map(exitCodeOfRun)).toEqual([null, null, null, 0, 5, 6, 7]);
});

it('asks for a priority only in a conversation, where rows have none and none was given', () => {
  const counts = (missing: number) => ({
    counts: { problems: missing === 0 ? {} : { PRIORITY_MISSING: 1 } } as never,
  });
  expect(needsPriority(counts(3), undefined, true)).toBe(true);
  expect(needsPriority(counts(0), undefined, true)).toBe(false);
  expect(needsPriority(counts(3), 'LOW', true)).toBe(false);
  expect(needsPriority(counts(3), undefined, false)).toBe(false);
  expect(['', 'critical', 'H', 'p0', '3', ' low ', 'x', '7'].map(readPriorityAnswer)).toEqual([
    'MEDIUM',
    'CRITICAL',
    'HIGH',
    'CRITICAL',
    'LOW',
    'LOW',
    null,
    null,
  ]);
});

it('lets the command line have its way over the plan, and leaves open what neither says', () => {
  expect(settingsOf(null, {})).toEqual({});
  expect(settingsOf({ waves: 'strict', mergeStage: true }, { maxTasks: 2, mergeStage: false })).toEqual({
    waves: 'strict',
    mergeStage: false,
    maxConcurrentTasks: 2,
  });
});

it('finds waves, the longest chain and redundant dependencies as a naive search does', () => {
  const plan = fc
    .array(
      fc.record({
        before: fc.array(fc.nat(1_000), { maxLength: 4 }),
        minutes: fc.option(fc.integer({ min: 1, max: 90 })),
        status: fc.constantFrom('open' as const, 'open' as const, 'done' as const),
      }),
      { minLength: 1, maxLength: 12 },
    )
    .map((rows) =>
      rows.map(({ before, minutes, status }, index) => ({
        sourceId: `t${index}`,
        title: `T${index}`,
        dependsOn: index === 0 ? [] : [...new Set(before.map((number) => `t${number % index}`))],
        derivedDependsOn: [],
        estimateMinutes: minutes,
        status,
      })),
    );
  fc.assert(
    fc.property(plan, (tasks) => {
      const analysis = analysePlan({ tasks: tasks as never });
      const byId = new Map(tasks.map((task) => [task.sourceId, task]));
      const chainsTo = (id: string): string[][] => {
        const task = byId.get(id);
        const longer = (task?.dependsOn ?? []).flatMap(chainsTo).map((chain) => [...chain, id]);
        return longer.length === 0 ? [[id]] : longer;
      };
      const secondsOf = (chain: readonly string[]): number =>
        chain.reduce((sum, id) => {
          const task = byId.get(id);
          return (
            sum +
            (task?.status === 'done' ? 0 : task?.estimateMinutes == null ? 1_800 : task.estimateMinutes * 60)
          );
        }, 0);
      const all = tasks.flatMap(({ sourceId }) => chainsTo(sourceId));
      expect(analysis.criticalPath.seconds).toBe(Math.max(...all.map(secondsOf)));
      expect(secondsOf(analysis.criticalPath.taskIds)).toBe(analysis.criticalPath.seconds);
      for (const task of analysis.tasks) {
        expect(task.wave).toBe(Math.max(...chainsTo(task.id).map(({ length }) => length - 1)));
        expect(analysis.waves[task.wave]).toContain(task.id);
        expect(task.slackSeconds).toBeGreaterThanOrEqual(0);
        if (task.critical) expect(task.slackSeconds).toBe(0);
      }
      const redundant = tasks.flatMap(({ sourceId, dependsOn }) =>
        dependsOn
          .filter((one) =>
            dependsOn.some((other) => other !== one && chainsTo(other).some((c) => c.includes(one))),
          )
          .map((one) => [sourceId, one]),
      );
      const found = analysis.diagnosis.filter(({ code }) => code === 'REDUNDANT_DEPENDENCY');
      expect(found.map(({ taskIds }) => taskIds).sort()).toEqual(redundant.sort());
    }),
  );
});

it('analyses a chain of 20,000 tasks without recursion', () => {
  const tasks = Array.from({ length: 20_000 }, (_, index) => ({
    sourceId: String(index),
    title: 'T',
    dependsOn: index === 19_999 ? [] : [String(index + 1)],
    derivedDependsOn: [],
    estimateMinutes: 1,
    status: 'open',
  }));
  const analysis = analysePlan({ tasks: tasks as never });
  expect(analysis.waves).toHaveLength(20_000);
  expect(analysis.criticalPath).toMatchObject({ seconds: 1_200_000 });
});
