import { readLinuxMarkers, readLinuxStart, readLinuxTable, readLinuxUsage } from './linuxProcesses.js';
import type { ProcessTable } from './processEntry.js';
import type { ProcessUsage } from './processUsage.js';
import { readPsMarkers, readPsTable, readPsUsage } from './psProcesses.js';

/** Two readings of one process may differ by this, in the platform's unit of `startedAt`. */
export const START_TOLERANCE = process.platform === 'linux' ? 0 : 2;

const onLinux = process.platform === 'linux';

/** All processes of this machine that we may see. Rejects when the platform's source can't be read. */
export function readProcessTable(): Promise<ProcessTable> {
  return onLinux ? readLinuxTable() : readPsTable();
}

/** The value of the environment variable `name` in each of `pids` that has it and lets us look. */
export function readMarkers(pids: readonly number[], name: string): Promise<Map<number, string>> {
  return onLinux ? readLinuxMarkers(pids, name) : readPsMarkers(pids, name);
}

/** Processor time and memory of those of `pids` that are there. */
export function readUsage(pids: readonly number[]): Promise<Map<number, ProcessUsage>> {
  return onLinux ? readLinuxUsage(pids) : readPsUsage(pids);
}

/** When a child that we have just started and not yet reaped began, in the unit of `ProcessEntry.startedAt`. */
export function readStartOfOwnChild(pid: number): number {
  return (onLinux ? readLinuxStart(pid) : null) ?? (onLinux ? 0 : Math.floor(Date.now() / 1000));
}
