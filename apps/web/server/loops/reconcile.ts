import type { Database } from '@neolith/database';
import type { WorkEngine } from '@neolith/work-engine';
import { log } from '../log';
import { processMetrics } from '../metrics/processMetrics';
import { asOnlyOne, LOOP_LOCKS } from './asOnlyOne';
import { tellFaults } from './tellFaults';

/**
 * Makes the rounds of a loop that compares where tasks stand, and what runs count, with the facts, a bit each round, and
 * mends what differs. The place where it goes on is this process's own: another replica begins where it stands itself,
 * and looking twice harms nothing.
 */
export function createReconciler(
  database: Pick<Database, 'pool'>,
  engine: Pick<WorkEngine, 'reconcile'>,
): () => Promise<boolean> {
  let after: string | null = null;
  return () =>
    asOnlyOne(database, LOOP_LOCKS.reconcile, async () => {
      const place = after;
      const { repaired, runs, faults, next } = await engine.reconcile({ after: place });
      after = next;
      const { repairs } = processMetrics();
      repairs.inc({ kind: 'task' }, repaired.length);
      repairs.inc({ kind: 'counts' }, runs.length);
      for (const repair of repaired) log.warn(repair, 'A task did not stand where it should; it was mended');
      for (const repair of runs) log.warn(repair, 'A run had miscounted its tasks; it was mended');
      tellFaults('reconcile', faults);
    });
}
