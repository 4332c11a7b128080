/**
 * Runs `work` with a signal of its own that follows `source`. For calls that combine their signal with others: on
 * Node 20 a long-lived signal keeps every signal that was ever made from it.
 */
export async function withOwnSignal<T>(
  source: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  source.throwIfAborted();
  const own = new AbortController();
  const abort = () => own.abort(source.reason);
  source.addEventListener('abort', abort, { once: true });
  try {
    return await work(own.signal);
  } finally {
    source.removeEventListener('abort', abort);
  }
}
