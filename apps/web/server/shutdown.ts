import { setMaxListeners } from 'node:events';

/** Kept on globalThis: Next bundles instrumentation and routes apart, so that a module's variable exists twice. */
const KEY = Symbol.for('neolith.web.shutdown');
const holder = globalThis as { [KEY]?: AbortController };

function controller(): AbortController {
  if (holder[KEY] === undefined) {
    holder[KEY] = new AbortController();
    // Every open stream listens to it, and they are many by design.
    setMaxListeners(0, holder[KEY].signal);
  }
  return holder[KEY];
}

/** Aborted once this process is told to end: streams, long polls and loops let go then. */
export function shutdownSignal(): AbortSignal {
  return controller().signal;
}

export function beginShutdown(): void {
  controller().abort();
}

/**
 * A signal that is aborted with the caller's or with the process's end, and the way to let go of both. Not
 * `AbortSignal.any`: on Node 20 a long-lived source keeps every signal that was ever made from it.
 */
export function untilShutdown(signal: AbortSignal): { signal: AbortSignal; release(): void } {
  const own = new AbortController();
  const sources = [signal, shutdownSignal()];
  const end = () => own.abort();
  for (const source of sources) {
    if (source.aborted) own.abort();
    source.addEventListener('abort', end, { once: true });
  }
  return {
    signal: own.signal,
    release: () => {
      for (const source of sources) source.removeEventListener('abort', end);
    },
  };
}
