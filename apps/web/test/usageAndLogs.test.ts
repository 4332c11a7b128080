import { expect, test } from 'vitest';
import { addLogPage, LINES_KEPT, UNREAD_LOG } from '@/lib/attemptLog';
import { formatCost, formatShortCount, tellTokens, tellTotals, tellUsage } from '@/lib/formatUsage';
import { originOf } from '@/lib/originOf';
import type { LogPageJson } from '@/lib/wire';

test('counts from a thousand on are short, and round up into the next unit', () => {
  expect(
    [0, 999, 1_000, 1_049, 1_050, 41_234, 999_949, 999_950, 1_250_000, 999_950_000, 3e12, 2e15].map(
      formatShortCount,
    ),
  ).toEqual([
    '0',
    '999',
    '1.0k',
    '1.0k',
    '1.1k',
    '41.2k',
    '999.9k',
    '1.0M',
    '1.3M',
    '1.0B',
    '3.0T',
    '2000.0T',
  ]);
});

test('costs have cents, what is less is told as less, and what is unknown is no 0', () => {
  expect([0, 0.004, 0.005, 0.366, 0.999, 1_234.5, null, undefined].map(formatCost)).toEqual([
    '$0.00',
    '<$0.01',
    '$0.01',
    '$0.37',
    '$1.00',
    '$1,234.50',
    '–',
    '–',
  ]);
});

test('an attempt tells what it knows, and leaves out what it does not', () => {
  const all = { inputTokens: 40_000, outputTokens: 1_234, costUsd: 0.37, model: 'large' };
  expect(tellUsage(all)).toBe('41.2k tokens · $0.37 · large');
  expect(tellUsage({ inputTokens: 900, outputTokens: 80 })).toBe('980 tokens');
  expect(tellUsage({ inputTokens: 1_500 })).toBe('1.5k tokens in');
  expect(tellUsage({ outputTokens: 1_500, model: '' })).toBe('1.5k tokens out');
  expect(tellUsage({ costUsd: 2 })).toBe('$2.00');
  expect(tellUsage({ cacheReadTokens: 5, turns: 2 })).toBeNull();
  expect(tellUsage({})).toBeNull();
});

test('tokens of a cache are told apart from the others', () => {
  const usage = {
    inputTokens: 40_000,
    outputTokens: 1_234,
    cacheReadTokens: 3e6,
    cacheWriteTokens: 7,
    turns: 1,
  };
  expect(tellTokens(usage)).toBe('40,000 in, 1,234 out, 3,000,000 from cache, 7 to cache, 1 turn');
  expect(tellTokens({})).toBe('');
  const sum = { ...usage, attempts: 3, costUsd: 0.5 };
  expect(tellTotals(sum)).toEqual({
    tokens: '41.2k',
    tokensNote: '40.0k in, 1.2k out, 3.0M from cache, 7 to cache',
    cost: '$0.50',
    costNote: 'told by 3 attempts',
  });
});

test('a sum that nobody told is unknown, not 0', () => {
  expect(tellTotals(null)).toMatchObject({ tokens: '–', cost: '–', costNote: 'no attempt told it' });
  const onlyCost = { inputTokens: 0, outputTokens: 0, cacheReadTokens: 0, cacheWriteTokens: 0, turns: 0 };
  expect(tellTotals({ ...onlyCost, attempts: 1, costUsd: 2 })).toMatchObject({ tokens: '–', cost: '$2.00' });
  expect(tellTotals({ ...onlyCost, attempts: 1, costUsd: null, outputTokens: 5 })).toMatchObject({
    tokens: '5',
    tokensNote: '5 out',
    cost: '–',
    costNote: 'told by 1 attempt',
  });
});

test('whose work a result is comes from metrics that may hold anything', () => {
  const reusedFrom = { taskId: 'task_1', attemptId: 'att_1', commit: null, storedAt: '2026-11-20T12:00:00Z' };
  expect(originOf({ agent: 'claude', reusedFrom })).toEqual({
    kind: 'reused',
    taskId: 'task_1',
    attemptId: 'att_1',
  });
  expect(originOf({ mergedBefore: { attemptId: 'att_1', branch: 'b', commit: 'c' } })).toEqual({
    kind: 'merged-before',
    attemptId: 'att_1',
  });
  const others = [null, 'reusedFrom', [1], {}, { reusedFrom: null }, { reusedFrom: 'att_1' }];
  for (const metrics of [...others, { reusedFrom: { taskId: 1, attemptId: 'a' } }, { mergedBefore: {} }]) {
    expect(originOf(metrics)).toBeNull();
  }
});

type Chunk = LogPageJson['chunks'][number];

function pageOf(chunks: Partial<Chunk>[], facts: Partial<LogPageJson> = {}): LogPageJson {
  return {
    attemptId: 'att',
    taskId: 'task',
    status: 'RUNNING',
    chunks: chunks.map((chunk, index) => ({
      sequence: index + 1,
      at: '2026-11-20T12:00:00Z',
      droppedBytes: 0,
      entries: [],
      ...chunk,
    })),
    next: chunks.length,
    more: false,
    complete: false,
    keptBytes: 0,
    droppedBytes: 0,
    ...facts,
  };
}

test('a page of a log becomes lines, each with its stream, and gaps where bytes are missing', () => {
  const log = addLogPage(
    UNREAD_LOG,
    pageOf([
      { entries: [{ stream: 'stdout', text: 'one\n\ntwo' }] },
      { droppedBytes: 1_234, entries: [{ stream: 'stderr', text: 'three' }] },
    ]),
  );
  expect(log.lines.map(({ kind, text }) => [kind, text])).toEqual([
    ['stdout', 'one'],
    ['stdout', ''],
    ['stdout', 'two'],
    ['gap', '… 1,234 bytes dropped …'],
    ['stderr', 'three'],
  ]);
  expect(log).toMatchObject({ cut: false, state: 'following' });
});

test('only the last lines are kept, under keys that stay theirs', () => {
  const linesOf = (count: number) => [
    { entries: [{ stream: 'stdout' as const, text: 'x\n'.repeat(count - 1) }] },
  ];
  const full = addLogPage(UNREAD_LOG, pageOf(linesOf(LINES_KEPT)));
  expect(full).toMatchObject({ cut: false });
  expect(full.lines).toHaveLength(LINES_KEPT);
  const beyond = addLogPage(full, pageOf(linesOf(3)));
  expect(beyond.lines).toHaveLength(LINES_KEPT);
  expect(beyond.cut).toBe(true);
  expect(beyond.lines[0]).toBe(full.lines[3]);
  expect(new Set(beyond.lines.map(({ key }) => key)).size).toBe(LINES_KEPT);
  // A page that brings nothing draws nothing anew.
  expect(addLogPage(beyond, pageOf([], { complete: true }))).toMatchObject({
    lines: beyond.lines,
    state: 'complete',
  });
});

test('a line of many characters loses its end, and says how much', () => {
  const { lines } = addLogPage(
    UNREAD_LOG,
    pageOf([{ entries: [{ stream: 'stdout', text: 'x'.repeat(5_500) }] }]),
  );
  expect(lines[0]?.text).toBe(`${'x'.repeat(4_000)} … (1,500 more characters)`);
});

test('a log that has more to read at once is not read yet', () => {
  const entries = [{ stream: 'stdout' as const, text: 'x' }];
  expect(addLogPage(UNREAD_LOG, pageOf([{ entries }], { more: true, complete: true })).state).toBe('reading');
});
