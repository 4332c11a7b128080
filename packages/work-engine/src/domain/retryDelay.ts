import type { Backoff } from '@neolith/contracts';

/**
 * Exponential backoff with full jitter: after the k-th failure (k from 1) a wait drawn evenly from
 * [0, min(cap, base × factor^(k−1))). Spreading over the whole span lets a crowd of failures come back one by one.
 * Source: M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
 *
 * Returns seconds; `draw` is a number in [0, 1). The database's `retry_seconds` is the same rule. Pure.
 */
export function retryDelay(backoff: Backoff, failures: number, draw: number): number {
  return draw * longestDelay(backoff, failures);
}

/** What the wait after the k-th failure is shorter than, in seconds. Pure. */
export function longestDelay({ baseSeconds, factor, capSeconds }: Backoff, failures: number): number {
  // Nobody has so many failures; beyond, the power would be infinite, and 0 × ∞ no number.
  return Math.min(capSeconds, baseSeconds * factor ** Math.min(Math.max(failures, 1) - 1, 300));
}
