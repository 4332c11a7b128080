export interface Coalescer {
  /** Asks for a run; asked again before it began, it is the same run. */
  request(): void;
  stop(): void;
}

/**
 * Runs `run` at once when asked, then at most once every `minIntervalMs` while asked again, never twice at a time, and
 * always once more after the last request. `run` settles by itself: it must not reject.
 */
export function createCoalescer(run: () => Promise<void>, minIntervalMs: number): Coalescer {
  let timer: ReturnType<typeof setTimeout> | null = null;
  let running = false;
  let wanted = false;
  let stopped = false;
  let startedAt = Number.NEGATIVE_INFINITY;

  const start = async () => {
    timer = null;
    wanted = false;
    running = true;
    startedAt = performance.now();
    await run();
    running = false;
    if (wanted) schedule();
  };

  const schedule = () => {
    if (stopped || running || timer !== null) return;
    const wait = Math.max(0, startedAt + minIntervalMs - performance.now());
    timer = setTimeout(() => void start(), wait);
  };

  return {
    request() {
      wanted = true;
      schedule();
    },
    stop() {
      stopped = true;
      if (timer !== null) clearTimeout(timer);
    },
  };
}
