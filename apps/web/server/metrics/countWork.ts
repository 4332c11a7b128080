import type { Observation } from '@neolith/work-engine';
import { processMetrics } from './processMetrics';

/** Counts what the engine of this process did. */
export function countWork(observation: Observation): void {
  const metrics = processMetrics();
  switch (observation.kind) {
    case 'claim':
      metrics.claims.inc({
        // What an earlier claim was given is told again, and handed out once.
        result: observation.tasks > 0 ? 'claimed' : (observation.reason?.toLowerCase() ?? 'repeated'),
      });
      metrics.claimedTasks.inc(observation.tasks);
      metrics.claimSeconds.observe(observation.seconds);
      return;
    case 'attempt_ended':
      metrics.attemptsEnded.inc({
        status: observation.status,
        failure_class: observation.failureClass ?? '',
      });
      metrics.attemptSeconds.observe({ status: observation.status }, observation.seconds);
      if (observation.status === 'LOST') metrics.leasesLost.inc();
      return;
    case 'task_parked':
      metrics.parked.inc();
      return;
    case 'deadlock_broken':
      metrics.deadlocks.inc();
      return;
    case 'merge_ended':
      metrics.merges.inc({ outcome: observation.outcome });
  }
}
