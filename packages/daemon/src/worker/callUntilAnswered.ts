import { setTimeout as sleep } from 'node:timers/promises';
import { backoffMs } from './backoff.js';
import { judgeCallError, retryAfterOf } from './judgeCallError.js';

export interface RepeatOptions {
  /** Gives up waiting between two tries, with the signal's reason. */
  readonly signal: AbortSignal;
  /** In [0, 1); default Math.random. */
  readonly random?: () => number;
  /** Whether a token that isn't taken may be taken later. Default true. */
  readonly retryUnauthorised?: boolean;
  /** Told of each failure that is followed by another try. */
  readonly onRetry?: (error: unknown, failures: number, delayMs: number) => void;
}

/** A server that fails at the same call so often won't succeed at it. */
const FAULTY_TRIES_MAX = 8;

/**
 * Makes a call, again and again while the server is away, until there is an answer. Only for calls that may be
 * made twice. Throws the server's refusal, or the signal's reason.
 */
export async function callUntilAnswered<T>(call: () => Promise<T>, options: RepeatOptions): Promise<T> {
  let faulty = 0;
  for (let failures = 1; ; failures += 1) {
    options.signal.throwIfAborted();
    try {
      return await call();
    } catch (error) {
      if (options.signal.aborted) throw error;
      const kind = judgeCallError(error);
      if (kind === 'faulty') faulty += 1;
      if (kind === 'lost' || kind === 'refused' || faulty >= FAULTY_TRIES_MAX) throw error;
      if (kind === 'unauthorised' && options.retryUnauthorised === false) throw error;
      const delayMs = backoffMs(failures, (options.random ?? Math.random)(), retryAfterOf(error));
      options.onRetry?.(error, failures, delayMs);
      await sleep(delayMs, undefined, { signal: options.signal });
    }
  }
}
