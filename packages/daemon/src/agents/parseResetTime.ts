const LOOKED_AT_LENGTH_MAX = 2_000;
const UNIT_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};
/** Nobody makes wait longer; a larger number is a misread one. */
const WAIT_MS_MAX = 40 * 86_400_000;
const TIME_MS_MIN = Date.UTC(2020, 0);
const TIME_MS_MAX = Date.UTC(2100, 0);

const ISO_TIME =
  /\b(20\d\d-[01]\d-[0-3]\dT[0-2]\d:[0-5]\d(?::[0-5]\d(?:\.\d{1,9})?)?(?:Z|[+-][0-2]\d:?[0-5]\d))/;
const EPOCH_AFTER_BAR = /\|(\d{10})(?:\d{3})?\b/;
const DURATION =
  /\b(?:again|retry|reset|resets|retrydelay|retry-after|wait)\b["':=]{0,3}(?: ?(?:in|after))?[ "']{0,2}((?:\d{1,7}(?:\.\d{1,9})? {0,2}(?:milliseconds?|ms|seconds?|secs?|s|minutes?|mins?|m|hours?|hrs?|h|days?|d)(?![a-z])[, ]{0,3}(?:and )?){1,5})/i;
const DURATION_PART =
  /(\d{1,7}(?:\.\d{1,9})?) {0,2}(milliseconds?|ms|seconds?|secs?|s|minutes?|mins?|m|hours?|hrs?|h|days?|d)(?![a-z])/gi;

/**
 * When a provider says that it can be asked again, in the words that agents hand on: a duration such as `try again in 2
 * days 3 hours`, a time of ISO 8601, or seconds since 1970 after a bar. A duration stays one: only the server knows what time
 * it is, and reckons it from the end of the attempt. A time of day without a date or zone is not guessed at.
 * @returns ISO 8601: a duration in seconds (`PT90S`), or a time, which may be over; undefined where nothing is said.
 */
export function parseResetTime(message: string): string | undefined {
  const text = message.slice(0, LOOKED_AT_LENGTH_MAX);
  const duration = readDuration(text);
  if (duration !== undefined) return duration;
  const iso = ISO_TIME.exec(text)?.[1];
  if (iso !== undefined) return writeTime(Date.parse(iso));
  const epoch = EPOCH_AFTER_BAR.exec(text)?.[1];
  return epoch === undefined ? undefined : readResetEpoch(Number(epoch));
}

/** Seconds since 1970, as some agents tell it. ISO 8601; undefined for what is none of these years' times. */
export function readResetEpoch(seconds: number | undefined): string | undefined {
  return seconds === undefined ? undefined : writeTime(seconds * 1_000);
}

function readDuration(text: string): string | undefined {
  const duration = DURATION.exec(text)?.[1];
  if (duration === undefined) return undefined;
  let sumMs = 0;
  for (const [, amount, unit] of duration.matchAll(DURATION_PART)) {
    sumMs += Number(amount) * (UNIT_MS[shortenUnit(unit ?? '')] ?? 0);
  }
  return sumMs >= 1 && sumMs <= WAIT_MS_MAX ? `PT${Math.round(sumMs) / 1_000}S` : undefined;
}

/** What was wrongly taken for a time would hold an agent for as long as the server believes anybody. */
function writeTime(timeMs: number): string | undefined {
  return timeMs >= TIME_MS_MIN && timeMs < TIME_MS_MAX ? new Date(timeMs).toISOString() : undefined;
}

function shortenUnit(unit: string): string {
  const lower = unit.toLowerCase();
  return lower === 'ms' || lower.startsWith('milli') ? 'ms' : lower.slice(0, 1);
}
