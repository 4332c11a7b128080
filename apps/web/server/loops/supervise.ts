import { setTimeout as delay } from 'node:timers/promises';
import { log } from '../log';
import { processMetrics } from '../metrics/processMetrics';

/** `skipped`: another replica is at it. `done`: the loop ends. */
export type RoundOutcome = 'again' | 'skipped' | 'done';

export interface Loop {
  name: string;
  /** Milliseconds between the end of a round and the next one. */
  everyMs: number;
  round(): Promise<RoundOutcome>;
}

/**
 * Runs a loop until the signal or its own end. A round that fails is logged and the next one comes all the same; of
 * failures in a row only the first is logged, and the recovery.
 */
export async function supervise(loop: Loop, signal: AbortSignal): Promise<void> {
  const { rounds, roundSeconds, lastRound } = processMetrics();
  const name = { loop: loop.name };
  let failures = 0;
  while (!signal.aborted) {
    const startedMs = performance.now();
    try {
      const outcome = await loop.round();
      if (failures > 0) log.info({ loop: loop.name, failures }, 'A loop works again');
      failures = 0;
      rounds.inc({ ...name, outcome: outcome === 'skipped' ? 'skipped' : 'done' });
      if (outcome !== 'skipped') {
        roundSeconds.observe(name, (performance.now() - startedMs) / 1_000);
        lastRound.set(name, Date.now() / 1_000);
      }
      if (outcome === 'done') return;
    } catch (error) {
      failures += 1;
      rounds.inc({ ...name, outcome: 'failed' });
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
