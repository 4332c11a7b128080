import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { ProcessEntry, ProcessTable } from './processEntry.js';
import type { ProcessUsage } from './processUsage.js';

const execFileAsync = promisify(execFile);
const PS_ENVIRONMENT = { PATH: '/bin:/usr/bin', LC_ALL: 'C', TZ: 'UTC' };
const PS_OUTPUT_BYTES_MAX = 64 * 1024 * 1024;

/** For macOS, where there is no /proc. */
export async function readPsTable(): Promise<ProcessTable> {
  const text = await runPs(['-axo', 'pid=,ppid=,pgid=,stat=,lstart=']);
  return { entries: parsePsTable(text), complete: true };
}

/**
 * macOS shows the environment behind the command, without a border between the two, so the command alone is
 * asked for as well and cut off: an argument that looks like our marker is not one. Programs protected by the
 * system keep their environment to themselves; those are found by parent and group only.
 */
export async function readPsMarkers(pids: readonly number[], name: string): Promise<Map<number, string>> {
  if (pids.length === 0) return new Map();
  const [commands, withEnvironment] = await Promise.all([
    runPs(['-axww', '-o', 'pid=,command=']),
    runPs(['-axEww', '-o', 'pid=,command=']),
  ]);
  return findPsMarkers(new Set(pids), commands, withEnvironment, name);
}

/** Of those of `pids` that are there. */
export async function readPsUsage(pids: readonly number[]): Promise<Map<number, ProcessUsage>> {
  if (pids.length === 0) return new Map();
  const wanted = new Set(pids);
  const usages = parsePsUsage(await runPs(['-axo', 'pid=,rss=,time=']));
  return new Map([...usages].filter(([pid]) => wanted.has(pid)));
}

/** Lines of `pid rss time`: KiB, and `minutes:seconds.hundredths` or `days-hours:minutes:seconds`. */
export function parsePsUsage(text: string): Map<number, ProcessUsage> {
  const found = new Map<number, ProcessUsage>();
  for (const line of text.split('\n')) {
    const match = /^\s*(\d+)\s+(\d+)\s+(?:(\d+)-)?((?:\d+:)*\d+(?:\.\d+)?)\s*$/.exec(line);
    if (match === null) continue;
    const [, pid, kib, days = '0', time = '0'] = match;
    const seconds = time.split(':').reduce((sum, part) => sum * 60 + Number(part), 0);
    found.set(Number(pid), {
      cpuMs: Math.round((Number(days) * 86_400 + seconds) * 1_000),
      memoryBytes: Number(kib) * 1024,
    });
  }
  return found;
}

/** Lines of `pid ppid pgid stat weekday month day time year`. Lines of another shape are left out. */
export function parsePsTable(text: string): ProcessEntry[] {
  const entries: ProcessEntry[] = [];
  for (const line of text.split('\n')) {
    const match = /^\s*(\d+)\s+(\d+)\s+(\d+)\s+(\S+)\s+(\S.*)$/.exec(line);
    if (match === null) continue;
    const [, pid, parentPid, groupId, state = '', started] = match;
    const startedAt = Date.parse(`${started} UTC`) / 1000;
    if (!Number.isFinite(startedAt)) continue;
    entries.push({
      pid: Number(pid),
      parentPid: Number(parentPid),
      groupId: Number(groupId),
      sessionId: null,
      startedAt,
      ended: state.startsWith('Z'),
    });
  }
  return entries;
}

export function findPsMarkers(
  pids: ReadonlySet<number>,
  commands: string,
  withEnvironment: string,
  name: string,
): Map<number, string> {
  const commandOf = new Map(splitPsLines(commands));
  const found = new Map<number, string>();
  for (const [pid, text] of splitPsLines(withEnvironment)) {
    const command = commandOf.get(pid);
    if (!pids.has(pid) || command === undefined || !text.startsWith(command)) continue;
    const entry = text
      .slice(command.length)
      .split(' ')
      .find((word) => word.startsWith(`${name}=`));
    if (entry !== undefined) found.set(pid, entry.slice(name.length + 1));
  }
  return found;
}

function splitPsLines(text: string): [number, string][] {
  return text.split('\n').flatMap((line) => {
    const match = /^\s*(\d+) (.*)$/.exec(line);
    return match === null ? [] : [[Number(match[1]), (match[2] ?? '').trimEnd()] as [number, string]];
  });
}

async function runPs(args: string[]): Promise<string> {
  const { stdout } = await execFileAsync('ps', args, {
    env: PS_ENVIRONMENT,
    maxBuffer: PS_OUTPUT_BYTES_MAX,
  });
  return stdout;
}
