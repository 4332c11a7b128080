import type { EngineEvent } from '@neolith/contracts';
import type { EngineContext } from '../engineContext.js';

/** Beneath the events: what no event tells, or a late one, is found within this time. */
const LOOK_MS = 1_000;
const LONGEST_WAIT_SECONDS = 25;

/**
 * Looks until what was looked for is there, up to `waitSeconds` (at most 25), less if the signal aborts: at once, then
 * whenever an event may have changed something, and every second beneath. Answers with what the last look saw.
 */
export async function lookUntil<Result>(
  engine: EngineContext,
  options: {
    look: () => Promise<Result>;
    isThere: (result: Result) => boolean;
    mayHelp: (event: EngineEvent) => boolean;
    /** Work for this orchestrator helps; what this process makes is looked at before its events can be read. */
    worksFor?: string;
    /** What else may help, besides events; given the way to say so, it returns the way to stop. */
    alsoStirred?: (stir: () => void) => () => void;
    waitSeconds: number;
    signal?: AbortSignal | undefined;
  },
): Promise<Result> {
  const { look, isThere, mayHelp, signal } = options;
  const until = performance.now() + Math.min(Math.max(options.waitSeconds, 0), LONGEST_WAIT_SECONDS) * 1_000;
  const isOver = () => signal?.aborted === true || performance.now() >= until;
  let result = await look();
  if (isThere(result) || isOver()) return result;

  let wake: () => void = () => {};
  let stirred = false;
  const stir = () => {
    stirred = true;
    wake();
  };
  const subscription = await engine.events.subscribe({
    workspaceId: engine.workspaceId,
    onEvents: (events) => {
      if (events.some(mayHelp)) stir();
    },
    onWork: (orchestratorIds) => {
      if (options.worksFor !== undefined && orchestratorIds.has(options.worksFor)) stir();
    },
  });
  const stopOther = options.alsoStirred?.(stir);
  signal?.addEventListener('abort', stir, { once: true });
  try {
    // Once more at once: something may have come between the first look and the subscription.
    for (;;) {
      stirred = false;
      // Who has gone away is not given anything any more.
      if (signal?.aborted === true) return result;
      result = await look();
      if (isThere(result) || isOver()) return result;
      if (!stirred) {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, Math.min(until - performance.now(), LOOK_MS));
          wake = () => {
            clearTimeout(timer);
            resolve();
          };
        });
      }
    }
  } finally {
    subscription.stop();
    stopOther?.();
    signal?.removeEventListener('abort', stir);
  }
}
