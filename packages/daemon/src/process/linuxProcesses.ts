import { readdirSync, readFileSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ProcessEntry, ProcessTable } from './processEntry.js';
import type { ProcessUsage } from './processUsage.js';

/** Files of /proc come from memory: reading a few at once is quicker than a trip to the thread pool for each. */
const READS_PER_TURN = 64;

export async function readLinuxTable(): Promise<ProcessTable> {
  const entries: ProcessEntry[] = [];
  let complete = true;
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  for (const [index, name] of pids.entries()) {
    if (index % READS_PER_TURN === READS_PER_TURN - 1) await nextTurn();
    const stat = readProcFile(`/proc/${name}/stat`);
    const entry = stat === null ? null : parseStat(stat.toString('latin1'));
    if (entry === null) complete = false;
    else entries.push(entry);
  }
  return { entries, complete };
}

export async function readLinuxMarkers(pids: readonly number[], name: string): Promise<Map<number, string>> {
  const found = new Map<number, string>();
  for (const [index, pid] of pids.entries()) {
    if (index % READS_PER_TURN === READS_PER_TURN - 1) await nextTurn();
    const environment = readProcFile(`/proc/${pid}/environ`);
    const value = environment === null ? null : findVariable(environment, name);
    if (value !== null) found.set(pid, value);
  }
  return found;
}

/** Of those of `pids` that are there. */
export async function readLinuxUsage(pids: readonly number[]): Promise<Map<number, ProcessUsage>> {
  const found = new Map<number, ProcessUsage>();
  for (const [index, pid] of pids.entries()) {
    if (index % READS_PER_TURN === READS_PER_TURN - 1) await nextTurn();
    const stat = readProcFile(`/proc/${pid}/stat`);
    const status = readProcFile(`/proc/${pid}/status`);
    const cpuMs = stat === null ? null : parseStatCpu(stat.toString('latin1'));
    if (cpuMs === null || status === null) continue;
    found.set(pid, { cpuMs, memoryBytes: parseStatusMemory(status.toString('latin1')) });
  }
  return found;
}

export function readLinuxStart(pid: number): number | null {
  const stat = readProcFile(`/proc/${pid}/stat`);
  return stat === null ? null : (parseStat(stat.toString('latin1'))?.startedAt ?? null);
}

/** One line of /proc/PID/stat; `null` when it isn't one. The name in it may hold blanks and parentheses. */
export function parseStat(stat: string): ProcessEntry | null {
  const pid = Number.parseInt(stat, 10);
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [state, parentPid, groupId, sessionId] = fields;
  const startedAt = Number(fields[19]);
  if (!Number.isInteger(pid) || state === undefined || !Number.isFinite(startedAt)) return null;
  return {
    pid,
    parentPid: Number(parentPid),
    groupId: Number(groupId),
    sessionId: Number(sessionId),
    startedAt,
    ended: state === 'Z' || state === 'X',
  };
}

/** What the kernel shows is always in hundredths of a second, whatever its own tick is. */
const MS_PER_TICK = 10;

/** Time on the processor in one line of /proc/PID/stat: its own, and that of children it has reaped. */
export function parseStatCpu(stat: string): number | null {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const ticks = fields.slice(11, 15).map(Number);
  if (ticks.length < 4 || !ticks.every(Number.isFinite)) return null;
  return ticks.reduce((sum, part) => sum + part, 0) * MS_PER_TICK;
}

/** Resident memory in /proc/PID/status; 0 for one that has none any more, such as a zombie. */
export function parseStatusMemory(status: string): number {
  const [, kib] = /^VmRSS:\s*(\d+) kB$/m.exec(status) ?? [];
  return kib === undefined ? 0 : Number(kib) * 1024;
}

/** The value of `name` in a block of NUL-separated `NAME=value` entries; only a whole entry counts. */
export function findVariable(environment: Buffer, name: string): string | null {
  const prefix = Buffer.from(`${name}=`);
  let at = environment.indexOf(prefix);
  while (at > 0 && environment[at - 1] !== 0) at = environment.indexOf(prefix, at + 1);
  if (at === -1) return null;
  const start = at + prefix.length;
  const end = environment.indexOf(0, start);
  return environment.toString('utf8', start, end === -1 ? environment.length : end);
}

function readProcFile(path: string): Buffer | null {
  try {
    return readFileSync(path);
  } catch {
    // It ended meanwhile (ENOENT, ESRCH), or belongs to somebody else (EACCES, EPERM): nothing to read there.
    return null;
  }
}
