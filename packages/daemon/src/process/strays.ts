import { type EndingReport, endProcesses, type MemberScan } from './endProcesses.js';
import type { ProcessEntry } from './processEntry.js';
import { DAEMON_MARKER } from './processSpec.js';
import { readMarkers, readProcessTable, START_TOLERANCE } from './processTable.js';
import { processKey, selectAncestors, selectTree } from './selectTree.js';

export interface Stray {
  readonly pid: number;
  /** In the unit of the platform; with the pid it names one process for good. */
  readonly startedAt: number;
}

/**
 * The value for `ProcessSpec.daemonMarker`: which daemon, and which life of it. A life is the daemon's own pid
 * and start, so that one can tell whether it is over.
 * @param daemonId stable across restarts, different for each daemon of a machine.
 */
export async function describeDaemonLife(daemonId: string, pid: number = process.pid): Promise<string> {
  const { entries } = await readProcessTable();
  const daemon = entries.find((entry) => entry.pid === pid);
  if (daemon === undefined) throw new Error(`Process ${pid} is not running, so it has no life to describe`);
  return `${formatDaemonPrefix(daemonId)}${processKey(daemon)}`;
}

/** Whether the life that `describeDaemonLife` described has ended; a text that describes none counts as over. */
export async function isLifeOver(life: string): Promise<boolean> {
  const colon = life.indexOf(':');
  if (colon === -1) return true;
  const { entries } = await readProcessTable();
  return !isAlive(entries, life.slice(colon + 1));
}

/**
 * What earlier lives of this daemon left behind, found by the marker in the environment, with the descendants
 * of those. Nothing that belongs to a life which is not over yet (a second daemon started under the same id by
 * mistake, one that is stopped), and never ourselves or a process we descend from.
 */
export async function findStrays(daemonId: string): Promise<Stray[]> {
  const { alive } = await scanStrays(daemonId, new Set());
  return alive.map(({ pid, startedAt }) => ({ pid, startedAt }));
}

/**
 * Ends what `findStrays` finds: TERM, after the grace time KILL, until none is left.
 * @param options.graceMs default 5,000, so that a restarted daemon is free to work well within 30 s.
 */
export function endStrays(
  daemonId: string,
  options: { readonly graceMs?: number } = {},
): Promise<EndingReport> {
  const killAt = performance.now() + (options.graceMs ?? 5_000);
  const known = new Set<string>();
  return endProcesses(() => scanStrays(daemonId, known), { groupId: null, killAt: () => killAt });
}

async function scanStrays(daemonId: string, known: Set<string>): Promise<MemberScan> {
  const { entries, complete } = await readProcessTable();
  const markers = await readMarkers(
    entries.filter((entry) => !entry.ended).map((entry) => entry.pid),
    DAEMON_MARKER,
  );
  const prefix = formatDaemonPrefix(daemonId);
  const marked = new Set<number>();
  for (const [pid, value] of markers) {
    if (value.startsWith(prefix) && !isAlive(entries, value.slice(prefix.length))) marked.add(pid);
  }
  const members = selectTree(entries, {
    leader: null,
    marked,
    known,
    excluded: selectAncestors(entries, process.pid),
    startTolerance: START_TOLERANCE,
  });
  for (const member of members) known.add(processKey(member));
  return { alive: members.filter((member) => !member.ended), complete };
}

/** The colon ends the id, so that `host-1` is not found by looking for `host-10`'s beginning, and can't be in it. */
function formatDaemonPrefix(daemonId: string): string {
  return `${encodeURIComponent(daemonId)}:`;
}

function isAlive(entries: readonly ProcessEntry[], life: string): boolean {
  const [pid, startedAt] = life.split('.').map(Number);
  return entries.some(
    (entry) =>
      entry.pid === pid && !entry.ended && Math.abs(entry.startedAt - (startedAt ?? 0)) <= START_TOLERANCE,
  );
}
