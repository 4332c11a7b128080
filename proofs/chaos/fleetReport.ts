import type { ProbeFindings } from './prober.js';

type Counts = ReadonlyMap<string, number>;

export interface FleetReport {
  readonly seed: number;
  readonly seconds: number;
  readonly faultSeconds: number;
  /** By status. */
  readonly tasks: Counts;
  readonly runs: Counts;
  readonly attempts: Counts;
  readonly losses: number;
  readonly mergesFailed: number;
  readonly agentsStarted: number;
  readonly agentsEnded: number;
  /** Completions and merges that a server answered with 2xx. */
  readonly accepted: number;
  readonly writesAccepted: number;
  /** Answers of the servers through the proxy, by status. */
  readonly statuses: ReadonlyMap<number, number>;
  readonly faults: Counts;
  readonly byHand: Counts;
  readonly probes: ProbeFindings;
  readonly worktreesKept: number;
  readonly repairs: number;
  /** Why the run is red; empty: it is not. */
  readonly violations: readonly string[];
  /** What servers and daemons printed last, where something is wrong. */
  readonly logs: string;
}

/** The table that is printed. Pure. */
export function describeFleet(report: FleetReport): string {
  const { probes } = report;
  const slowest = Math.max(0, ...probes.recoveriesMs);
  const rows: [string, string][] = [
    ['seed', String(report.seed)],
    ['time', `${report.seconds.toFixed(0)} s, with faults for ${report.faultSeconds.toFixed(0)} s`],
    ['tasks', list(report.tasks)],
    ['runs', list(report.runs)],
    ['attempts', `${list(report.attempts)}; of them ${report.losses} leases lost`],
    ['agents', `${report.agentsStarted} begun, ${report.agentsEnded} came to their end`],
    ['merges that failed', String(report.mergesFailed)],
    ['by hand', list(report.byHand)],
    ['accepted (2xx)', `${report.accepted} outcomes and merges, ${report.writesAccepted} writes in all`],
    ['answers', list(report.statuses)],
    ['probes', `${probes.served} served, ${probes.putOff} × 503, ${probes.livezAnswered} × /livez 200`],
    [
      'back after PostgreSQL',
      `${probes.recoveriesMs.length} times within ${slowest} ms, ${probes.recoveriesBrokenOff} not measured: it went again`,
    ],
    ['worktrees kept', String(report.worktreesKept)],
    ['repairs', String(report.repairs)],
    ...[...report.faults]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([fault, times]): [string, string] => [fault, `${times} ×`]),
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, value]) => `${name.padEnd(width)}  ${value}`).join('\n');
}

function list(counts: ReadonlyMap<string | number, number>): string {
  const words = [...counts].sort(([, a], [, b]) => b - a).map(([name, times]) => `${times} × ${name}`);
  return words.length === 0 ? 'none' : words.join(', ');
}
