import type { FleetReport } from './fleetReport.js';
import { NETWORK_FAULTS } from './httpProxy.js';
import { PLANNED_FAULTS } from './planFaults.js';

/**
 * What a run must at least have seen, so that it can't pass by doing nothing. Pure.
 * @returns what was missed.
 */
export function findMissing(report: FleetReport): string[] {
  const { faultSeconds, probes } = report;
  const missing: string[] = [];
  const atLeast = (what: string, amount: number, least: number): void => {
    if (amount < least) missing.push(`Only ${amount} ${what}; at least ${least} are expected`);
  };
  const faults = (names: readonly string[]) =>
    names.reduce((sum, name) => sum + (report.faults.get(name) ?? 0), 0);
  atLeast('tasks done', report.tasks.get('DONE') ?? 0, Math.floor(faultSeconds / 3));
  atLeast('leases lost', report.losses, Math.floor(faultSeconds / 30));
  atLeast('attempts that failed', report.attempts.get('FAILED') ?? 0, Math.floor(faultSeconds / 30));
  atLeast('calls put off with 503', probes.putOff, 1);
  atLeast('recoveries measured', probes.recoveriesMs.length, Math.floor(faultSeconds / 20));
  atLeast(
    'takings away of PostgreSQL',
    faults(['postgres_killed', 'postgres_everything_killed', 'postgres_restarted']),
    Math.floor(faultSeconds / 12),
  );
  // Those that share a series come in turn.
  for (const fault of PLANNED_FAULTS) atLeast(`× ${fault}`, faults([fault]), Math.floor(faultSeconds / 40));
  // Streams are few and live long: one is cut about every half a minute, by chance, and that may come late.
  for (const fault of NETWORK_FAULTS)
    atLeast(`× ${fault}`, faults([fault]), Math.floor(faultSeconds / (fault === 'stream_cut' ? 120 : 40)));
  return missing;
}
