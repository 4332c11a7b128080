import { expect, test } from 'vitest';
import { dayOf, startOfDay } from '@/lib/calendar';
import { parseRangeChoice, resolveRange } from '@/lib/statsRange';

const now = Date.parse('2026-03-30T10:00:00Z');
const iso = ({ start, end }: { start: Date; end: Date }) => [start.toISOString(), end.toISOString()];

test('a day begins at its own midnight also where the clocks change', () => {
  expect(new Date(startOfDay('2026-03-29', 'Europe/Berlin')).toISOString()).toBe('2026-03-28T23:00:00.000Z');
  expect(new Date(startOfDay('2026-03-30', 'Europe/Berlin')).toISOString()).toBe('2026-03-29T22:00:00.000Z');
  expect(new Date(startOfDay('2026-11-01', 'America/New_York')).toISOString()).toBe(
    '2026-11-01T04:00:00.000Z',
  );
  expect(new Date(startOfDay('2026-11-02', 'America/New_York')).toISOString()).toBe(
    '2026-11-02T05:00:00.000Z',
  );
});

test('where the clocks skip midnight the day begins after the gap', () => {
  // Chile, 6 September 2026: 00:00 does not exist, the day begins at 01:00.
  const start = startOfDay('2026-09-06', 'America/Santiago');
  expect(dayOf(start, 'America/Santiago')).toBe('2026-09-06');
  expect(dayOf(start - 1, 'America/Santiago')).toBe('2026-09-05');
});

test('every day of two years begins with its first moment, in zones east and west', () => {
  for (const zone of [
    'Pacific/Auckland',
    'Asia/Kathmandu',
    'Africa/Cairo',
    'America/St_Johns',
    'America/Santiago',
  ]) {
    for (let day = Date.parse('2026-01-01'); day < Date.parse('2028-01-01'); day += 86_400_000) {
      const date = new Date(day).toISOString().slice(0, 10);
      const start = startOfDay(date, zone);
      expect([zone, dayOf(start, zone)]).toEqual([zone, date]);
      expect(dayOf(start - 1, zone) < date).toBe(true);
    }
  }
});

test('the last 7 days are whole days of the time zone, today included', () => {
  const choice = parseRangeChoice({ range: '7d' });
  expect(iso(resolveRange(choice, now, 'Europe/Berlin'))).toEqual([
    '2026-03-23T23:00:00.000Z',
    '2026-03-30T10:00:00.000Z',
  ]);
});

test('the last 24 hours are hours', () => {
  expect(iso(resolveRange(parseRangeChoice({ range: '24h' }), now, 'Europe/Berlin'))).toEqual([
    '2026-03-29T10:00:00.000Z',
    '2026-03-30T10:00:00.000Z',
  ]);
});

test('a custom range has both its days in it', () => {
  const choice = parseRangeChoice({ range: 'custom', from: '2026-03-29', to: '2026-03-29' });
  expect(iso(resolveRange(choice, now, 'Europe/Berlin'))).toEqual([
    '2026-03-28T23:00:00.000Z',
    '2026-03-29T22:00:00.000Z',
  ]);
});

test.each([
  [{}],
  [{ range: 'for ever' }],
  [{ range: 'custom' }],
  [{ range: 'custom', from: '2026-02-30', to: '2026-03-01' }],
  [{ range: 'custom', from: '2026-03-02', to: '2026-03-01' }],
  [{ range: 'custom', from: '2020-01-01', to: '2026-03-01' }],
  [{ range: 'custom', from: '9999-12-31', to: '9999-12-31x' }],
])('a range that makes no sense is the last 7 days: %j', (parameters) => {
  expect(parseRangeChoice(parameters)).toEqual({ name: '7d', from: null, to: null });
});
