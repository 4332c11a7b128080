import { z } from 'zod';

const dateOnly = z.iso.date();
const dateTimeWithOffset = z.iso.datetime({ offset: true });

const earliestMs = Date.UTC(1970, 0, 1);
const latestMs = Date.UTC(9999, 11, 31, 23, 59, 59, 999);

/**
 * Reads the `due` of a plan. A date-time needs its offset (`2026-11-20T17:00:00+01:00`, `…Z`); a bare date
 * (`2026-11-20`) means the last millisecond of that day in UTC.
 *
 * Returns null for anything else, also for instants outside the years 1970 to 9999, which not every part
 * behind the plan can store.
 */
export function parsePlanDue(text: string): Date | null {
  const isDate = dateOnly.safeParse(text).success;
  if (!isDate && !dateTimeWithOffset.safeParse(text).success) return null;
  const due = new Date(isDate ? `${text}T23:59:59.999Z` : text);
  const ms = due.getTime();
  return ms >= earliestMs && ms <= latestMs ? due : null;
}
