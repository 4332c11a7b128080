import { type ApiRequest, pathOf, type StreamLine } from '../http/apiRequest';
import { TAKEN_OVER } from '../http/handle';
import { log } from '../log';
import { processMetrics } from '../metrics/processMetrics';
import { untilShutdown } from '../shutdown';
import { webLine } from './webLine';

/** Bytes that may wait for a client before it counts as one that doesn't read. */
const MAX_WAITING_BYTES = 1_048_576;
/** Fewer bytes waiting than this is as good as none: a replay goes on. */
const DRAINED_BYTES = 65_536;
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

const HEADERS = {
  'content-type': 'text/event-stream; charset=utf-8',
  // no-transform: a compressing layer would hold events back until its buffer is full.
  'cache-control': 'no-store, no-transform',
  'x-accel-buffering': 'no',
};

/**
 * Answers with server-sent events. `run` writes them until the writer's signal; what it holds it must let go of when it
 * returns. A comment every 15 s keeps proxies from taking the stream for dead, and shows a client that is gone.
 */
export function eventStream(
  request: ApiRequest,
  run: (writer: StreamWriter) => Promise<void>,
): Response | typeof TAKEN_OVER {
  if (request.takeOver !== undefined) {
    writeEvents(request, request.takeOver(HEADERS), run);
    return TAKEN_OVER;
  }
  const { line, body } = webLine();
  writeEvents(request, line, run);
  return new Response(body, { headers: HEADERS });
}

function writeEvents(
  request: ApiRequest,
  line: StreamLine,
  run: (writer: StreamWriter) => Promise<void>,
): void {
  const waiting = untilShutdown(request.signal);
  const ended = new AbortController();
  const { streamsOpen } = processMetrics();
  const stream = pathOf(request).endsWith('/control') ? 'control' : 'events';
  streamsOpen.inc({ stream });
  let heartbeat: NodeJS.Timeout | undefined;
  let onDrained: () => void = () => undefined;

  const finish = () => {
    if (ended.signal.aborted) return;
    streamsOpen.dec({ stream });
    clearInterval(heartbeat);
    waiting.release();
    ended.abort();
    onDrained();
  };
  const end = () => {
    finish();
    line.end();
  };
  const drop = () => {
    finish();
    line.cut();
  };
  const writer: StreamWriter = {
    signal: ended.signal,
    drop,
    send(frames) {
      if (ended.signal.aborted) return;
      line.write(typeof frames === 'string' ? encoder.encode(frames) : frames);
      if (line.waitingBytes() > MAX_WAITING_BYTES) drop();
    },
    drained() {
      if (ended.signal.aborted || line.waitingBytes() < DRAINED_BYTES) return Promise.resolve();
      return new Promise((resolve) => {
        const timer = setTimeout(drop, DRAIN_LIMIT_MS);
        onDrained = () => {
          clearTimeout(timer);
          onDrained = () => undefined;
          resolve();
        };
      });
    },
  };
  line.onDrained(() => onDrained());
  line.onClosed(finish);
  if (waiting.signal.aborted) {
    end();
    return;
  }
  waiting.signal.addEventListener('abort', end, { once: true });
  heartbeat = setInterval(() => writer.send(': still here\n\n'), HEARTBEAT_MS);
  heartbeat.unref();
  writer.send(`retry: ${RETRY_MS}\n\n`);
  run(writer).then(end, (error: unknown) => {
    log.warn({ err: error, path: pathOf(request) }, 'A stream broke off; its client resumes');
    drop();
  });
}

/** Resolves when the signal is aborted. */
export function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
