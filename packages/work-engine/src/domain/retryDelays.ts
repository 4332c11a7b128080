/** How long a task waits after a failure before it is handed out again. */
export interface BackoffPolicy {
  /** Seconds before the first retry, at most. */
  baseSeconds: number;
  /** No wait is longer. */
  capSeconds: number;
}

export const DEFAULT_BACKOFF: BackoffPolicy = { baseSeconds: 10, capSeconds: 600 };

/**
 * Exponential backoff with full jitter: after the k-th failure a wait drawn evenly from
 * [0, min(cap, base × 2^(k-1))). Spreading over the whole span lets a crowd of failures come back one by one.
 * Source: M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
 *
 * Returns the wait for k = 1 to `count`, in seconds; `random` gives numbers in [0, 1).
 */
export function retryDelays(
  count: number,
  random: () => number,
  policy: BackoffPolicy = DEFAULT_BACKOFF,
): number[] {
  return Array.from(
    { length: count },
    (_, k) => random() * Math.min(policy.capSeconds, policy.baseSeconds * 2 ** k),
  );
}
