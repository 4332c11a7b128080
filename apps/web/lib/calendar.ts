const DAY_MS = 86_400_000;
const formatters = new Map<string, Intl.DateTimeFormat>();

function wallClockOf(at: number, timeZone: string): { date: string; asUtc: number } {
  let formatter = formatters.get(timeZone);
  if (formatter === undefined) {
    formatter = new Intl.DateTimeFormat('en-US', {
      timeZone,
      hourCycle: 'h23',
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
      hour: '2-digit',
      minute: '2-digit',
      second: '2-digit',
    });
    formatters.set(timeZone, formatter);
  }
  const p = Object.fromEntries(formatter.formatToParts(at).map((part) => [part.type, Number(part.value)]));
  const asUtc = Date.UTC(p.year ?? 0, (p.month ?? 1) - 1, p.day, p.hour, p.minute, p.second);
  return { date: new Date(asUtc).toISOString().slice(0, 10), asUtc };
}

/** The calendar day, `2026-11-20`, on which a moment falls in a time zone. */
export function dayOf(at: number, timeZone: string): string {
  return wallClockOf(at, timeZone).date;
}

/** `2026-11-20` moved by a number of days. */
export function addDays(date: string, days: number): string {
  return new Date(Date.parse(`${date}T00:00:00Z`) + days * DAY_MS).toISOString().slice(0, 10);
}

/** The first moment of a calendar day in a time zone, in milliseconds; right also on days that clocks change. */
export function startOfDay(date: string, timeZone: string): number {
  const midnight = Date.parse(`${date}T00:00:00Z`);
  // The offset is asked for at the guess, and again at the corrected guess: around a change of clocks the two differ.
  const guess = midnight - (wallClockOf(midnight, timeZone).asUtc - midnight);
  const start = midnight - (wallClockOf(guess, timeZone).asUtc - guess);
  // Where clocks skip midnight, the corrected guess lies in the day before.
  if (dayOf(start, timeZone) < date) return Math.max(guess, start);
  return start;
}
