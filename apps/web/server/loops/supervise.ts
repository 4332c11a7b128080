import { setTimeout as delay } from 'node:timers/promises';
import { log } from '../log';

export interface Loop {
  name: string;
  /** Milliseconds between the end of a round and the next one. */
  everyMs: number;
  /** Answers `done` to end the loop. */
  round(): Promise<'again' | 'done'>;
}

/**
 * Runs a loop until the signal or its own end. A round that fails is logged and the next one comes all the same; of
 * failures in a row only the first is logged, and the recovery.
 */
export async function supervise(loop: Loop, signal: AbortSignal): Promise<void> {
  let failures = 0;
  while (!signal.aborted) {
    try {
      const outcome = await loop.round();
      if (failures > 0) log.info({ loop: loop.name, failures }, 'A loop works again');
      failures = 0;
      if (outcome === 'done') return;
    } catch (error) {
      failures += 1;
      if (failures === 1) log.error({ loop: loop.name, err: error }, 'A round failed; it is tried again');
    }
    await pause(loop.everyMs, signal);
  }
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await delay(ms, undefined, { signal, ref: false });
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
