import { addDays, dayOf, startOfDay } from './calendar';

export const RANGE_NAMES = ['24h', '7d', '30d', '90d', 'custom'] as const;
export type RangeName = (typeof RANGE_NAMES)[number];

/** A chosen range as the URL says it; `from` and `to` are calendar days, both included, of a custom one. */
export interface RangeChoice {
  name: RangeName;
  from: string | null;
  to: string | null;
}

const DAYS: Record<'7d' | '30d' | '90d', number> = { '7d': 7, '30d': 30, '90d': 90 };
const DAY = /^\d{4}-\d{2}-\d{2}$/;
const LONGEST_DAYS = 366;

function isDay(text: string | null | undefined): text is string {
  if (text === null || text === undefined || !DAY.test(text) || text < '1970-01-02') return false;
  const time = Date.parse(`${text}T00:00:00Z`);
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(text);
}

/** What the URL's parameters choose; anything that makes no sense is the default, the last 7 days. */
export function parseRangeChoice(parameters: {
  range?: string | null | undefined;
  from?: string | null | undefined;
  to?: string | null | undefined;
}): RangeChoice {
  const { range, from, to } = parameters;
  if (range === 'custom' && isDay(from) && isDay(to) && from <= to && addDays(from, LONGEST_DAYS) >= to) {
    return { name: 'custom', from, to };
  }
  const name = RANGE_NAMES.find((known) => known === range);
  return { name: name === undefined || name === 'custom' ? '7d' : name, from: null, to: null };
}

/** The moments [start, end) that a choice means now; whole days of the time zone, but for the last 24 hours. */
export function resolveRange(choice: RangeChoice, now: number, timeZone: string): { start: Date; end: Date } {
  if (choice.name === 'custom' && choice.from !== null && choice.to !== null) {
    return {
      start: new Date(startOfDay(choice.from, timeZone)),
      end: new Date(startOfDay(addDays(choice.to, 1), timeZone)),
    };
  }
  if (choice.name === '24h' || choice.name === 'custom') {
    return { start: new Date(now - 86_400_000), end: new Date(now) };
  }
  const first = addDays(dayOf(now, timeZone), 1 - DAYS[choice.name]);
  return { start: new Date(startOfDay(first, timeZone)), end: new Date(now) };
}
