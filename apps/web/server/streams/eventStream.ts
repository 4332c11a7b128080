import { log } from '../log';
import { untilShutdown } from '../shutdown';

/** Bytes that may wait for a client before it counts as one that doesn't read. */
const MAX_WAITING_BYTES = 1_048_576;
/** How long a replay waits for a client to take what it was sent. */
const DRAIN_LIMIT_MS = 30_000;
const HEARTBEAT_MS = 15_000;
/** What a client waits before it connects anew. */
const RETRY_MS = 1_000;

const encoder = new TextEncoder();

export interface StreamWriter {
  /** Sends whole frames. A client that let too much wait is dropped: it resumes from the last id it saw. */
  send(frames: string | Uint8Array): void;
  /** Resolves once the client took what was sent, or the stream ended; after 30 s it is dropped. */
  drained(): Promise<void>;
  /** Drops a client that can't keep up: it resumes. */
  drop(): void;
  /** Aborted when the client is gone or dropped, or this process ends. */
  readonly signal: AbortSignal;
}

/** One server-sent message. The data must be of one line, which JSON is. */
export function frame(message: { id?: string; event?: string; data?: string }): string {
  const lines = [
    ...(message.id === undefined ? [] : [`id: ${message.id}`]),
    ...(message.event === undefined ? [] : [`event: ${message.event}`]),
    ...(message.data === undefined ? [] : [`data: ${message.data}`]),
  ];
  return `${lines.join('\n')}\n\n`;
}

/**
 * Answers with server-sent events. `run` writes them until the writer's signal; what it holds it must let go of when it
 * returns. A comment every 15 s keeps proxies from taking the stream for dead, and shows a client that is gone.
 */
export function eventStream(request: Request, run: (writer: StreamWriter) => Promise<void>): Response {
  const waiting = untilShutdown(request.signal);
  const ended = new AbortController();
  let heartbeat: NodeJS.Timeout | undefined;
  let onPull: (() => void) | undefined;

  const finish = () => {
    if (ended.signal.aborted) return;
    clearInterval(heartbeat);
    waiting.release();
    ended.abort();
    onPull?.();
  };

  const body = new ReadableStream<Uint8Array>(
    {
      start(controller) {
        const close = (error?: Error) => {
          if (ended.signal.aborted) return;
          finish();
          if (error === undefined) controller.close();
          else controller.error(error);
        };
        const drop = () => close(new Error('The client does not read'));
        const writer: StreamWriter = {
          signal: ended.signal,
          drop,
          send(frames) {
            if (ended.signal.aborted) return;
            controller.enqueue(typeof frames === 'string' ? encoder.encode(frames) : frames);
            if ((controller.desiredSize ?? 0) < -MAX_WAITING_BYTES) drop();
          },
          drained() {
            if (ended.signal.aborted || (controller.desiredSize ?? 0) > 0) return Promise.resolve();
            return new Promise((resolve) => {
              const timer = setTimeout(drop, DRAIN_LIMIT_MS);
              onPull = () => {
                clearTimeout(timer);
                onPull = undefined;
                resolve();
              };
            });
          },
        };
        if (waiting.signal.aborted) return close();
        waiting.signal.addEventListener('abort', () => close(), { once: true });
        heartbeat = setInterval(() => writer.send(': still here\n\n'), HEARTBEAT_MS);
        heartbeat.unref();
        writer.send(`retry: ${RETRY_MS}\n\n`);
        run(writer).then(
          () => close(),
          (error: unknown) => {
            log.warn(
              { err: error, path: new URL(request.url).pathname },
              'A stream broke off; its client resumes',
            );
            close(error instanceof Error ? error : new Error(String(error)));
          },
        );
      },
      pull: () => onPull?.(),
      cancel: finish,
    },
    new ByteLengthQueuingStrategy({ highWaterMark: 65_536 }),
  );
  return new Response(body, {
    headers: {
      'content-type': 'text/event-stream; charset=utf-8',
      // no-transform: a compressing layer would hold events back until its buffer is full.
      'cache-control': 'no-store, no-transform',
      'x-accel-buffering': 'no',
    },
  });
}

/** Resolves when the signal is aborted. */
export function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
