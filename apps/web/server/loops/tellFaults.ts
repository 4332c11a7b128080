import type { Fault } from '@neolith/work-engine';
import { log } from '../log';
import { processMetrics } from '../metrics/processMetrics';

/** The same fault comes back with every round; it is told again after so long. */
const TOLD_AGAIN_MS = 10 * 60_000;
const KEPT = 1_000;

const told = new Map<string, number>();

/** Counts what a round could not do, and logs each thing with its id, now and then. */
export function tellFaults(loop: string, faults: readonly Fault[]): void {
  const nowMs = performance.now();
  for (const { step, id, error } of faults) {
    processMetrics().faults.inc({ step });
    const key = `${step} ${id}`;
    const last = told.get(key);
    if (last !== undefined && nowMs - last < TOLD_AGAIN_MS) continue;
    told.delete(key);
    if (told.size >= KEPT) told.delete(told.keys().next().value as string);
    told.set(key, nowMs);
    log.error({ loop, step, id, err: error }, 'One thing could not be done; everything else was');
  }
}
