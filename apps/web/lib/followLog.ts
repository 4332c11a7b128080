import { ApiProblem, apiGet } from './apiGet';
import { TAIL_LINES } from './attemptLog';
import type { LogPageJson } from './wire';

export interface LogHandlers {
  onPage(page: LogPageJson): void;
  /** A reading failed, and is tried again; null: one worked. */
  onProblem(problem: ApiProblem | null): void;
  /** Nothing more will come. */
  onEnd(): void;
}

// Shorter than apiGet waits for an answer.
const WAIT_SECONDS = 10;
// A flood comes by one page after another; so often is enough for a reader.
const MIN_INTERVAL_MS = 500;
// An agent's last words come after its end.
const LAST_WORDS_MS = 15_000;
const FIRST_RETRY_MS = 1_000;
const LAST_RETRY_MS = 15_000;

/**
 * Reads the last lines of an attempt's log, and then follows it until nothing more will come or it is stopped. Lets go
 * of its connection while the page is hidden, and goes on from its place when one looks again.
 */
export function followLog(attemptId: string, handlers: LogHandlers): () => void {
  const path = `/attempts/${encodeURIComponent(attemptId)}/logs`;
  let place = `tail=${TAIL_LINES}`;
  let waitSeconds = 0;
  let endedAt: number | null = null;
  let failures = 0;
  let over = false;
  let reading: AbortController | null = null;

  const end = () => {
    over = true;
    handlers.onEnd();
  };

  const take = (page: LogPageJson) => {
    failures = 0;
    place = `after=${page.next}`;
    handlers.onProblem(null);
    handlers.onPage(page);
    if (page.more) return;
    if (page.status !== 'RUNNING') endedAt ??= performance.now();
    const isSilent = endedAt !== null && performance.now() - endedAt > LAST_WORDS_MS;
    if (page.complete || isSilent) end();
    waitSeconds = WAIT_SECONDS;
  };

  /** Answers how long to wait before the next try. */
  const fail = (error: unknown): number => {
    const problem =
      error instanceof ApiProblem ? error : new ApiProblem('INTERNAL', 'The log could not be read.', 500);
    handlers.onProblem(problem);
    if (problem.status === 404) end();
    failures += 1;
    return Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** (failures - 1));
  };

  const readOn = async (signal: AbortSignal) => {
    while (!over) {
      const startedAt = performance.now();
      let restMs: number;
      try {
        const page = await apiGet<LogPageJson>(`${path}?${place}&waitSeconds=${waitSeconds}`, signal);
        if (signal.aborted) return;
        take(page);
        restMs = page.more ? 0 : startedAt + MIN_INTERVAL_MS - performance.now();
      } catch (error) {
        if (signal.aborted) return;
        restMs = fail(error);
      }
      if (!over) await rest(restMs, signal);
      if (signal.aborted) return;
    }
  };

  const stop = () => {
    reading?.abort();
    reading = null;
  };
  const start = () => {
    if (over || reading !== null || document.hidden) return;
    reading = new AbortController();
    void readOn(reading.signal);
  };
  const onVisibility = () => (document.hidden ? stop() : start());
  const onOnline = () => {
    if (failures === 0) return;
    stop();
    start();
  };

  document.addEventListener('visibilitychange', onVisibility);
  window.addEventListener('online', onOnline);
  start();
  return () => {
    over = true;
    stop();
    document.removeEventListener('visibilitychange', onVisibility);
    window.removeEventListener('online', onOnline);
  };
}

/** Resolves after so long, or as soon as the signal is given. */
function rest(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, Math.max(0, ms));
    signal.addEventListener('abort', done);
  });
}
