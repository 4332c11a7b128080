const HOUR_MS = 3_600_000;

const formats = new Map<string, Intl.DateTimeFormat>();

function localDate(at: number, timeZone: string): string {
  let format = formats.get(timeZone);
  if (format === undefined) {
    // en-CA writes 2026-03-29, which compares as text.
    format = new Intl.DateTimeFormat('en-CA', {
      timeZone,
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
    });
    formats.set(timeZone, format);
  }
  return format.format(at);
}

/**
 * The first instant whose calendar date in `timeZone` is after that of `now`. Where clocks go back across midnight
 * the day ends with the first of the two midnights; where they skip midnight, it ends with the skip.
 */
export function endOfLocalDay(now: Date, timeZone: string): Date {
  const today = localDate(now.getTime(), timeZone);
  const isLater = (at: number) => localDate(at, timeZone) > today;
  // A day has 23 to 25 hours; a zone that crosses the date line skips a whole one, which ends the day all the same.
  let before = now.getTime();
  let after = before;
  do after += HOUR_MS;
  while (!isLater(after));
  before = Math.max(before, after - HOUR_MS);
  while (after - before > 1) {
    const middle = Math.floor((before + after) / 2);
    if (isLater(middle)) after = middle;
    else before = middle;
  }
  // The hour's steps may have passed over a first midnight after which the clock went back at once.
  const earlier = after - HOUR_MS;
  return new Date(earlier > now.getTime() && isLater(earlier) ? earlier : after);
}
