export interface BackoffSettings {
  /** Before the first repetition, at most. */
  readonly baseMs: number;
  /** The longest. */
  readonly capMs: number;
}

export const SERVER_BACKOFF: BackoffSettings = { baseMs: 250, capMs: 10_000 };

/** The server's own word is followed up to this. */
const RETRY_AFTER_MS_MAX = 60_000;

/**
 * How long to wait before repeating a call, in milliseconds: doubling, with full jitter so that the daemons of a
 * fleet don't come back all at once, and never before what the server asked for. Pure.
 * @param failures how many times it failed so far, 1 or more.
 * @param random in [0, 1).
 * @param retryAfterSeconds the server's `Retry-After`, if it sent one.
 */
export function backoffMs(
  failures: number,
  random: number,
  retryAfterSeconds: number | null,
  { baseMs, capMs }: BackoffSettings = SERVER_BACKOFF,
): number {
  const ceiling = Math.min(capMs, baseMs * 2 ** Math.min(failures - 1, 30));
  // Never nothing at all: a call that fails at once would be repeated in a tight loop.
  const jittered = Math.max(baseMs / 5, ceiling * random);
  const asked = Math.min(Math.max(0, retryAfterSeconds ?? 0) * 1_000, RETRY_AFTER_MS_MAX);
  return Math.round(asked > 0 ? asked + jittered : jittered);
}
