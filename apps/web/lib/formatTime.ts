const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** `42s`, `3m 05s`, `2h 14m`, `5d 3h` of a length in milliseconds. */
export function formatDuration(ms: number): string {
  const length = Math.max(0, ms);
  if (length > 0 && length < SECOND) return '<1s';
  if (length < MINUTE) return `${Math.floor(length / SECOND)}s`;
  const two = (value: number) => String(Math.floor(value)).padStart(2, '0');
  if (length < HOUR) return `${Math.floor(length / MINUTE)}m ${two((length % MINUTE) / SECOND)}s`;
  if (length < DAY) return `${Math.floor(length / HOUR)}h ${two((length % HOUR) / MINUTE)}m`;
  return `${Math.floor(length / DAY)}d ${Math.floor((length % DAY) / HOUR)}h`;
}

/** As formatDuration, of seconds; a dash where there is nothing to tell. */
export function formatSeconds(seconds: number | null): string {
  return seconds === null ? '–' : formatDuration(seconds * SECOND);
}

/** `just now`, `5 min ago`, `in 3 h`, `2 d ago`. */
export function formatRelative(at: number, now: number): string {
  const distance = Math.abs(at - now);
  if (distance < 5 * SECOND) return 'just now';
  // Two hours less a second are no hour to whoever waits.
  const whole = at < now ? Math.floor : Math.round;
  const amount =
    distance < MINUTE
      ? `${whole(distance / SECOND)} s`
      : distance < HOUR
        ? `${whole(distance / MINUTE)} min`
        : distance < 2 * DAY
          ? `${whole(distance / HOUR)} h`
          : `${whole(distance / DAY)} d`;
  return at < now ? `${amount} ago` : `in ${amount}`;
}

const formatters = new Map<string, Intl.DateTimeFormat>();

function partsOf(at: number, timeZone: string): Record<string, string> {
  let formatter = formatters.get(timeZone);
  if (formatter === undefined) {
    formatter = new Intl.DateTimeFormat('en-US', {
      timeZone,
      hourCycle: 'h23',
      weekday: 'short',
      year: 'numeric',
      month: 'short',
      day: 'numeric',
      hour: '2-digit',
      minute: '2-digit',
      second: '2-digit',
    });
    formatters.set(timeZone, formatter);
  }
  return Object.fromEntries(formatter.formatToParts(at).map((part) => [part.type, part.value]));
}

/**
 * `Fri 20 Nov 2026, 14:05:09 (Europe/Berlin)`. Put together from parts, because the punctuation of Intl differs
 * between Node's and the browser's data, which React reports as a hydration mismatch.
 */
export function formatAbsolute(at: number, timeZone: string): string {
  const p = partsOf(at, timeZone);
  return `${p.weekday} ${p.day} ${p.month} ${p.year}, ${p.hour}:${p.minute}:${p.second} (${timeZone})`;
}

/** `20 Nov, 14:05` in the time zone. */
export function formatShort(at: number, timeZone: string): string {
  const p = partsOf(at, timeZone);
  return `${p.day} ${p.month}, ${p.hour}:${p.minute}`;
}

/** `14:05:09` in the time zone. */
export function formatClock(at: number, timeZone: string): string {
  const p = partsOf(at, timeZone);
  return `${p.hour}:${p.minute}:${p.second}`;
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const WEEKDAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];

/** `20 Nov` of a calendar day `2026-11-20`. */
export function formatDay(date: string): string {
  const [, month, day] = date.split('-').map(Number);
  return `${day} ${MONTHS[(month ?? 1) - 1]}`;
}

/** `Fri 20 Nov` of a calendar day `2026-11-20`. */
export function formatWeekday(date: string): string {
  const weekday = new Date(`${date}T00:00:00Z`).getUTCDay();
  return `${WEEKDAYS[weekday]} ${formatDay(date)}`;
}
