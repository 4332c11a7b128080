import {
  isNeolithError,
  type NeolithClient,
  type ResourceInput,
  type ResourceUse,
  toResourceUse,
} from '@neolith/contracts';
import { AskError } from './askError.js';
import type { Asked } from './protocol.js';

export interface AskingDependencies {
  readonly client: Pick<NeolithClient, 'acquireResources' | 'giveUpResources'>;
  readonly attemptId: string;
  /** Makes a call again while the server is away, until the signal aborts. */
  readonly repeat: <T>(what: string, call: () => Promise<T>, signal: AbortSignal) => Promise<T>;
  /** Aborted when the daemon can wait no longer for answers. */
  readonly signal: AbortSignal;
}

/** One call asks for so long at most, so that those who have gone away are not waited for. */
const CALL_SECONDS_MAX = 20;

/**
 * Asks the server for resources in the name of an attempt, and waits for them up to `waitSeconds`. Whoever gets nothing
 * leaves the line: an attempt that goes on without must not stand in the way of others, nor be part of a circle.
 * @param gone aborted when nobody waits for the answer any more.
 * @throws AskError
 */
export async function askServer(
  deps: AskingDependencies,
  request: { readonly resources: readonly ResourceInput[]; readonly waitSeconds: number },
  gone: AbortSignal,
): Promise<Asked> {
  const params = { id: deps.attemptId };
  const untilMs = performance.now() + request.waitSeconds * 1_000;
  const leftSeconds = () => Math.max(0, (untilMs - performance.now()) / 1_000);
  const waiting = AbortSignal.any([deps.signal, gone]);
  try {
    gone.throwIfAborted();
    let waitsFor: Asked['waitsFor'] = [];
    try {
      do {
        const body = {
          resources: [...request.resources],
          waitSeconds: Math.min(CALL_SECONDS_MAX, Math.ceil(leftSeconds())),
        };
        const call = () => deps.client.acquireResources({ params, body, signal: waiting });
        const answer = await deps.repeat('A request for resources', call, waiting);
        if (answer.granted) return { granted: true, waitsFor: [] };
        ({ waitsFor } = answer);
      } while (leftSeconds() > 0);
    } catch (error) {
      // Nobody waits any more, but the line doesn't know yet.
      if (!gone.aborted || deps.signal.aborted) throw error;
    }
    const leave = () => deps.client.giveUpResources({ params, signal: deps.signal });
    const { gaveUp, holds } = await deps.repeat('Giving up a wait for resources', leave, deps.signal);
    // Granted between the two calls.
    if (gaveUp.length === 0 && holdsAll(holds, request.resources)) return { granted: true, waitsFor: [] };
    return { granted: false, waitsFor };
  } catch (error) {
    throw explain(error, deps.signal);
  }
}

function holdsAll(holds: readonly ResourceUse[], wanted: readonly ResourceInput[]): boolean {
  return wanted
    .map(toResourceUse)
    .every((use) => holds.some(({ resource, mode }) => resource === use.resource && mode === use.mode));
}

function explain(error: unknown, signal: AbortSignal): AskError {
  if (signal.aborted)
    return new AskError('LEASE_LOST', 'The attempt is over; end its work', { cause: error });
  if (!isNeolithError(error))
    return new AskError('UNAVAILABLE', `The server can't be asked: ${String(error)}`, { cause: error });
  switch (error.code) {
    case 'RESOURCE_DEADLOCK':
    case 'INVALID_INPUT':
      return new AskError(error.code, error.message, { cause: error });
    case 'LEASE_LOST':
    case 'ATTEMPT_NOT_FOUND':
      return new AskError('LEASE_LOST', error.message, { cause: error });
    default:
      return new AskError('UNAVAILABLE', error.message, { cause: error });
  }
}
