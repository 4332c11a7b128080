import type { AgentSignal, JsonValue } from '../agents/agentAdapter.js';

export interface ProgressReport {
  readonly progress: number;
  readonly message?: string;
  readonly metadata?: Readonly<Record<string, JsonValue>>;
}

export interface ProgressReporter {
  /** Takes a signal; those that are not about progress are ignored. */
  note(signal: AgentSignal): void;
  /** Sends what is left, waits for what is under way, and takes nothing more. */
  finish(): Promise<void>;
  /** Forgets what is left; nothing more is sent. */
  discard(): void;
}

const INTERVAL_MS = 500;

/**
 * Sends an agent's progress, at most every half second and one call at a time: of what comes meanwhile the latest
 * counts, metadata is gathered key by key. `send` must not reject.
 */
export function createProgressReporter(
  send: (report: ProgressReport) => Promise<void>,
  intervalMs = INTERVAL_MS,
): ProgressReporter {
  let percent = 0;
  let waiting: { message?: string; metadata?: Record<string, JsonValue> } | null = null;
  let timer: NodeJS.Timeout | undefined;
  let sending: Promise<void> | null = null;
  let lastSentMs = Number.NEGATIVE_INFINITY;
  let closed = false;

  function flush(): Promise<void> {
    clearTimeout(timer);
    timer = undefined;
    if (waiting === null) return sending ?? Promise.resolve();
    if (sending !== null) return sending.then(flush);
    const report = { progress: percent, ...waiting };
    waiting = null;
    lastSentMs = performance.now();
    sending = send(report).finally(() => {
      sending = null;
      schedule();
    });
    return sending;
  }

  function schedule(): void {
    if (closed || waiting === null || sending !== null || timer !== undefined) return;
    const delayMs = Math.max(0, lastSentMs + intervalMs - performance.now());
    timer = setTimeout(() => void flush(), delayMs);
  }

  return {
    note(signal) {
      if (closed) return;
      switch (signal.kind) {
        case 'progress':
          percent = signal.percent;
          waiting = { ...waiting, ...(signal.message === undefined ? {} : { message: signal.message }) };
          break;
        case 'message':
          waiting = { ...waiting, message: signal.message };
          break;
        case 'metadata':
          waiting = { ...waiting, metadata: { ...waiting?.metadata, ...signal.metadata } };
          break;
        default:
          return;
      }
      schedule();
    },
    async finish() {
      closed = true;
      await flush();
      await flush();
    },
    discard() {
      closed = true;
      waiting = null;
      clearTimeout(timer);
      timer = undefined;
    },
  };
}
