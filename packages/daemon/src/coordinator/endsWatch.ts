import type { RunStatus } from '@neolith/contracts';

/** Whether there is nothing more to watch: the run is over, or waits for a person (quarantine). Pure. */
export function endsWatch(status: RunStatus): boolean {
  return status !== 'PENDING' && status !== 'RUNNING' && status !== 'PAUSED';
}
