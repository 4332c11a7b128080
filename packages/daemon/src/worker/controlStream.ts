import { setTimeout as sleep } from 'node:timers/promises';
import { type ControlMessage, controlMessageSchema, type NeolithClient } from '@neolith/contracts';
import { EventSourceParserStream } from 'eventsource-parser/stream';
import { backoffMs } from './backoff.js';
import { retryAfterOf } from './judgeCallError.js';

export interface ControlStreamOptions {
  readonly client: Pick<NeolithClient, 'open'>;
  /** Asked at each connection: a daemon that registers anew may get another id. */
  readonly daemonId: () => string;
  readonly signal: AbortSignal;
  readonly onMessage: (message: ControlMessage) => void;
  readonly onOpen?: () => void;
  /** Told of each end of the stream; it is opened again after `delayMs`. */
  readonly onLost?: (error: unknown, delayMs: number) => void;
  /** Without a byte for this long the connection counts as dead. Default 45,000: the server speaks every 15 s. */
  readonly silenceMs?: number;
  readonly random?: () => number;
}

const SILENCE_MS = 45_000;
/** A stream that held this long was a good one: the next failure counts as the first. */
const GOOD_AFTER_MS = 5_000;

/**
 * Follows the control stream, connecting anew whenever it ends, until the signal. What was asked while nobody
 * listened comes first after connecting. Never rejects.
 */
export async function followControlStream(options: ControlStreamOptions): Promise<void> {
  const { signal } = options;
  let failures = 0;
  while (!signal.aborted) {
    const openedMs = performance.now();
    let reason: unknown = null;
    try {
      await readOnce(options);
    } catch (error) {
      reason = error;
    }
    if (signal.aborted) return;
    failures = performance.now() - openedMs > GOOD_AFTER_MS ? 1 : failures + 1;
    const delayMs = backoffMs(failures, (options.random ?? Math.random)(), retryAfterOf(reason));
    options.onLost?.(reason, delayMs);
    try {
      await sleep(delayMs, undefined, { signal });
    } catch {
      // The signal: there is nothing more to wait for.
      return;
    }
  }
}

async function readOnce(options: ControlStreamOptions): Promise<void> {
  const connection = new AbortController();
  const abort = () => connection.abort(options.signal.reason);
  options.signal.addEventListener('abort', abort, { once: true });
  const silence = setTimeout(
    () => connection.abort(new Error('The control stream has been silent for too long.')),
    options.silenceMs ?? SILENCE_MS,
  );
  try {
    const response = await options.client.open('followControl', {
      params: { id: options.daemonId() },
      signal: connection.signal,
    });
    if (response.body === null) return;
    options.onOpen?.();
    const messages = response.body
      .pipeThrough(
        new TransformStream<Uint8Array, Uint8Array>({
          transform(chunk, controller) {
            silence.refresh();
            controller.enqueue(chunk);
          },
        }),
      )
      .pipeThrough(new TextDecoderStream())
      .pipeThrough(new EventSourceParserStream());
    for await (const { data } of messages) {
      const message = parseMessage(data);
      if (message !== null) options.onMessage(message);
    }
  } finally {
    clearTimeout(silence);
    options.signal.removeEventListener('abort', abort);
    connection.abort();
  }
}

/** Null for what a newer server may say and we don't know. */
function parseMessage(data: string): ControlMessage | null {
  try {
    const parsed = controlMessageSchema.safeParse(JSON.parse(data));
    return parsed.success ? parsed.data : null;
  } catch {
    // No JSON: heartbeats repeat whatever it may have been.
    return null;
  }
}
