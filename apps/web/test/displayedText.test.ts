import { expect, test } from 'vitest';
import { DEADLINE_LABEL, deadlineOf } from '@/lib/deadline';
import { foldHistory } from '@/lib/foldHistory';
import { formatCount, formatRate } from '@/lib/formatNumber';
import {
  formatAbsolute,
  formatDuration,
  formatRelative,
  formatSeconds,
  formatWeekday,
} from '@/lib/formatTime';
import { showControls } from '@/lib/showControls';
import { tellEvent } from '@/lib/tellEvent';
import type { EventJson } from '@/lib/wire';

test('terminal sequences are dropped, other controls and directions shown as symbols', () => {
  expect(showControls('\u001b[1;31mred\u001b[0m')).toBe('red');
  expect(showControls('\u001b]0;title\u0007after')).toBe('after');
  expect(showControls('\u009b31mred')).toBe('red');
  expect(showControls('a\u0000b\u0007c\u007fd')).toBe('a␀b␇c␡d');
  expect(showControls('a\u202eb\u2066c')).toBe('a⟨U+202E⟩b⟨U+2066⟩c');
  expect(showControls('line\r\nnext\tcell\n')).toBe('line\nnext\tcell\n');
  expect(showControls('\u001b')).toBe('␛');
});

test('a sequence that never ends is taken in linear time', () => {
  const text = `\u001b[${'0'.repeat(200_000)}`;
  const started = performance.now();
  showControls(text);
  expect(performance.now() - started).toBeLessThan(1_000);
});

test('lengths of time keep two units', () => {
  expect([0, 400, 59_999, 65_000, 7_500_000, 90_000_000, -5].map(formatDuration)).toEqual([
    '0s',
    '<1s',
    '59s',
    '1m 05s',
    '2h 05m',
    '1d 1h',
    '0s',
  ]);
  expect(formatSeconds(null)).toBe('–');
});

test('moments are told relative to now', () => {
  const now = Date.parse('2026-11-20T12:00:00Z');
  const ago = (seconds: number) => formatRelative(now - seconds * 1_000, now);
  expect([2, 42, 300, 7_200, 400_000, -300, 7_199, -7_199].map(ago)).toEqual([
    'just now',
    '42 s ago',
    '5 min ago',
    '2 h ago',
    '4 d ago',
    'in 5 min',
    '1 h ago',
    'in 2 h',
  ]);
});

test('exact times name their time zone', () => {
  const at = Date.parse('2026-11-20T23:30:05Z');
  expect(formatAbsolute(at, 'Europe/Berlin')).toBe('Sat 21 Nov 2026, 00:30:05 (Europe/Berlin)');
  expect(formatWeekday('2026-11-20')).toBe('Fri 20 Nov');
});

test('counts are grouped, and a rate short of all is never shown as all', () => {
  expect(formatCount(1_234_567.5)).toBe('1,234,567.5');
  expect([null, 0, 0.4, 66.6, 99.96, 100].map(formatRate)).toEqual([
    '–',
    '0 %',
    '<1 %',
    '67 %',
    '99.9 %',
    '100 %',
  ]);
});

test('deadline classes follow the calendar of the time zone', () => {
  const now = Date.parse('2026-11-20T22:30:00Z');
  const of = (dueAt: string | null, zone: string) => DEADLINE_LABEL[deadlineOf(dueAt, now, zone)];
  expect(of('2026-11-20T22:29:59Z', 'UTC')).toBe('overdue');
  expect(of('2026-11-20T23:30:00Z', 'UTC')).toBe('due today');
  // In Berlin it is 23:30, and half past midnight is tomorrow.
  expect(of('2026-11-20T23:30:00Z', 'Europe/Berlin')).toBe('due within 3 days');
  expect(of('2026-11-23T22:30:00Z', 'UTC')).toBe('due within 3 days');
  expect(of('2026-11-23T22:30:01Z', 'UTC')).toBe('due later');
  expect(of(null, 'UTC')).toBe('no due date');
});

const event = (cursor: string, type: EventJson['type'], data: EventJson['data'] = null): EventJson => ({
  cursor,
  type,
  workspaceId: 'ws',
  taskId: 'task',
  attemptId: 'att',
  orchestratorId: null,
  daemonId: null,
  runId: null,
  actor: 'library',
  from: null,
  to: null,
  data,
  at: '2026-11-20T12:00:00Z',
});

test('rows of progress reports are folded into their last one, newest first', () => {
  const history = [
    event('1', 'task.claimed'),
    event('2', 'task.progress'),
    event('3', 'task.progress'),
    event('4', 'task.blocked'),
    event('5', 'task.progress'),
  ];
  const folded = foldHistory(history).map((entry) => [
    entry.event.cursor,
    ...entry.earlier.map((e) => e.cursor),
  ]);
  expect(folded).toEqual([['5'], ['4'], ['3', '2'], ['1']]);
});

test('an event tells what it holds, and nothing where it holds nothing', () => {
  expect(tellEvent(event('1', 'task.created'))).toBeNull();
  expect(tellEvent(event('1', 'task.claimed', { attempt: 2, weight: 1_000, boost: 10, score: 10_000 }))).toBe(
    'attempt 2 · score 1,000 × 10 = 10,000',
  );
  expect(tellEvent(event('1', 'task.blocked', { reason: 'No key', question: 'Which?' }))).toBe(
    'No key · asks: Which?',
  );
});
