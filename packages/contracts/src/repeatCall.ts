import type { Endpoint } from './endpoints/index.js';
import { isNeolithError } from './errors/neolithError.js';

/** No answer came, or one that says "later": the very same call may succeed. */
const LATER: ReadonlySet<string> = new Set([
  'SERVER_UNREACHABLE',
  'DATABASE_UNAVAILABLE',
  'OVERLOADED',
  'RATE_LIMITED',
  'IDEMPOTENCY_KEY_IN_USE',
]);

const FIRST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 10_000;

interface Repeatable {
  signal?: AbortSignal;
  idempotencyKey?: string;
}

/** Half of what doubles with each failure, and a part of the other half by chance; never sooner than the server asks. */
function waitMs(error: unknown, failures: number): number {
  const full = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** failures);
  const asked = isNeolithError(error) ? Number(error.details.retryAfterSeconds ?? 0) * 1_000 : 0;
  return Math.max(full * (0.5 + Math.random() / 2), asked);
}

async function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  signal?.throwIfAborted();
  await new Promise<void>((resolve, reject) => {
    const onAbort = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    }, ms);
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}

/** Not `randomUUID`, which browsers only have on pages that came safely. */
function newKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) =>
    byte.toString(16).padStart(2, '0'),
  ).join('');
}

/**
 * Makes a call, and again up to `repeats` times where it may succeed later. Only of calls that have their effect once: a
 * POST that doesn't by its nature is given a key, the same for each time.
 */
export async function repeat<Input extends Repeatable, Answer>(
  endpoint: Endpoint,
  input: Input,
  call: (input: Input) => Promise<Answer>,
  repeats: number,
): Promise<Answer> {
  const isPost = endpoint.method === 'POST';
  if (repeats <= 0 || !(isPost || endpoint.method === 'GET')) return call(input);
  const needsKey = isPost && endpoint.repeatable !== true && input.idempotencyKey === undefined;
  const own = needsKey ? { ...input, idempotencyKey: newKey() } : input;
  for (let failures = 0; ; failures += 1) {
    try {
      return await call(own);
    } catch (error) {
      if (failures >= repeats || !isNeolithError(error) || !LATER.has(error.code)) throw error;
      await pause(waitMs(error, failures), input.signal);
    }
  }
}
