import type { EngineEvent } from '@neolith/contracts';
import { formatId } from '@neolith/contracts';
import type { EngineContext } from '../engineContext.js';
import { lookUntil } from '../events/lookUntil.js';
import { uuidOf } from '../ids.js';
import type { ClaimOptions, ClaimResult } from '../workEngine.js';
import { claimNextTask } from './claimNextTask.js';

/**
 * Claims, and where there is nothing waits for it: up to `waitSeconds` (at most 25), less if the signal aborts; who has
 * gone away is not given anything any more. Woken by the events that can make a task claimable or free a slot; looks by
 * itself every second beneath.
 */
export async function waitForClaim(
  engine: EngineContext,
  orchestratorId: string,
  options: ClaimOptions & { waitSeconds: number; signal?: AbortSignal },
): Promise<ClaimResult> {
  if (options.signal?.aborted === true) return { claims: [], reason: 'NOTHING_ELIGIBLE' };
  const orchestrator = formatId('orchestrator', uuidOf('orchestrator', orchestratorId));
  return lookUntil(engine, {
    look: () => claimNextTask(engine, orchestratorId, options),
    isThere: ({ claims }) => claims.length > 0,
    mayHelp: (event) => mayFree(event, orchestrator),
    worksFor: orchestrator,
    waitSeconds: options.waitSeconds,
    signal: options.signal,
  });
}

function mayFree(event: EngineEvent, orchestrator: string): boolean {
  if (event.type === 'task.progress' || event.type === 'task.claimed') return false;
  if (event.orchestratorId === orchestrator) return true;
  // A run that starts, goes on or opens a wave, and a slot of a run that somebody else has freed.
  return event.runId !== null && (event.taskId === null || event.from === 'IN_PROGRESS');
}
