import type { Database } from '@neolith/database';
import type { WorkEngine } from '@neolith/work-engine';
import { log } from '../log';
import { processMetrics } from '../metrics/processMetrics';
import { asOnlyOne, LOOP_LOCKS } from './asOnlyOne';
import { tellFaults } from './tellFaults';

/**
 * Ends attempts whose lease ran out, promotes delayed tasks and reviews runs, unless another replica is just at it.
 *
 * @param options.reachableSeconds how long daemons could reach us without a break; see `sweepExpiredLeases`
 * @returns whether this process was the one that swept
 */
export async function sweep(
  database: Pick<Database, 'pool'>,
  engine: Pick<WorkEngine, 'sweepExpiredLeases'>,
  options: { reachableSeconds?: number } = {},
): Promise<boolean> {
  return asOnlyOne(database, LOOP_LOCKS.sweep, async () => {
    const { lost, promoted, runs, orphanLocks, orphanWaits, lostDaemons, faults } =
      await engine.sweepExpiredLeases(options);
    const { repairs } = processMetrics();
    repairs.inc({ kind: 'lease' }, lost.length);
    repairs.inc({ kind: 'delayed' }, promoted);
    repairs.inc({ kind: 'run' }, runs.length);
    repairs.inc({ kind: 'lock' }, orphanLocks);
    repairs.inc({ kind: 'wait' }, orphanWaits);
    repairs.inc({ kind: 'daemon' }, lostDaemons.length);
    if (orphanLocks + orphanWaits > 0)
      log.warn(
        { orphanLocks, orphanWaits },
        'Resources were held, or waited for, by attempts that had ended; mended',
      );
    if (lostDaemons.length > 0) log.warn({ lostDaemons }, 'Daemons were not heard for a minute');
    if (lost.length > 0) log.warn({ lost, promoted }, 'Leases ran out: their tasks go back');
    if (runs.length > 0) log.info({ runs }, 'Runs ended, timed out or opened a wave');
    tellFaults('sweep', faults);
  });
}
