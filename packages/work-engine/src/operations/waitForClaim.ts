import type { EngineEvent } from '@neolith/contracts';
import { formatId } from '@neolith/contracts';
import type { EngineContext } from '../engineContext.js';
import { uuidOf } from '../ids.js';
import type { ClaimOptions, ClaimResult } from '../workEngine.js';
import { claimNextTask } from './claimNextTask.js';

const LONGEST_WAIT_SECONDS = 25;
/** Beneath the events: a task whose backoff ends, or whose event is late, is found within this time. */
const LOOK_MS = 1_000;

/**
 * Claims, and where there is nothing waits for it: up to `waitSeconds` (at most 25), less if the signal aborts; who has gone away
 * is not given anything any more. Woken
 * by the events that can make a task claimable or free a slot; looks by itself every second beneath.
 */
export async function waitForClaim(
  engine: EngineContext,
  orchestratorId: string,
  options: ClaimOptions & { waitSeconds: number; signal?: AbortSignal },
): Promise<ClaimResult> {
  const isGone = () => options.signal?.aborted === true;
  if (isGone()) return { claims: [], reason: 'NOTHING_ELIGIBLE' };
  const until = performance.now() + Math.min(Math.max(options.waitSeconds, 0), LONGEST_WAIT_SECONDS) * 1_000;
  let result = await claimNextTask(engine, orchestratorId, options);
  if (result.claims.length > 0 || options.waitSeconds <= 0) return result;

  const orchestrator = formatId('orchestrator', uuidOf('orchestrator', orchestratorId));
  let wake: () => void = () => {};
  let stirred = false;
  const stir = () => {
    stirred = true;
    wake();
  };
  const mayHelp = (event: EngineEvent) =>
    event.orchestratorId === orchestrator && event.type !== 'task.progress' && event.type !== 'task.claimed';
  const subscription = await engine.events.subscribe({
    workspaceId: engine.workspaceId,
    onEvents: (events) => {
      if (events.some(mayHelp)) stir();
    },
  });
  options.signal?.addEventListener('abort', stir, { once: true });
  try {
    // Once more at once: something may have come between the first look and the subscription.
    for (;;) {
      stirred = false;
      if (isGone()) return result;
      result = await claimNextTask(engine, orchestratorId, options);
      const left = until - performance.now();
      if (result.claims.length > 0 || left <= 0) return result;
      if (!stirred) {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, Math.min(left, LOOK_MS));
          wake = () => {
            clearTimeout(timer);
            resolve();
          };
        });
      }
    }
  } finally {
    subscription.stop();
    options.signal?.removeEventListener('abort', stir);
  }
}
