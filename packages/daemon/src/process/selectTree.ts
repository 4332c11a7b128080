import type { ProcessEntry } from './processEntry.js';

/** What is known about a tree before looking at the table. */
export interface TreeRoots {
  /** The process that led the tree, alive or not: we made it the leader of a session and a group of its own. */
  readonly leader: { readonly pid: number; readonly startedAt: number } | null;
  /** Pids whose environment carries the marker of this tree. */
  readonly marked: ReadonlySet<number>;
  /** Members seen before (`processKey`), which stay members when their parent is gone. */
  readonly known: ReadonlySet<string>;
  /** Never members: ourselves and those we descend from. */
  readonly excluded: ReadonlySet<number>;
  /** See `START_TOLERANCE`. */
  readonly startTolerance: number;
}

export function processKey(entry: Pick<ProcessEntry, 'pid' | 'startedAt'>): string {
  return `${entry.pid}.${entry.startedAt}`;
}

/**
 * The members of a tree: the leader, its session and group, whoever carries the marker, and from there every
 * child, and every session and group led by a member. Includes zombies; pure.
 *
 * A pid can be given out again. While a group or session lives its number is not, so a member of the leader's
 * group is ours unless another process with the leader's pid shows that the group had died out before.
 */
export function selectTree(entries: readonly ProcessEntry[], roots: TreeRoots): ProcessEntry[] {
  const { leader } = roots;
  const holder = entries.find((entry) => entry.pid === leader?.pid);
  const isLeader = (entry: ProcessEntry): boolean =>
    leader !== null && Math.abs(entry.startedAt - leader.startedAt) <= roots.startTolerance;
  const groupIsOurs = leader !== null && (holder === undefined || isLeader(holder));
  const children = groupBy(entries, (entry) => entry.parentPid);
  const followers = groupBy(entries, (entry) => entry.groupId);
  const sessions = groupBy(entries, (entry) => entry.sessionId ?? -1);

  const members = new Map<number, ProcessEntry>();
  const open: ProcessEntry[] = [];
  const add = (entry: ProcessEntry): void => {
    if (members.has(entry.pid) || roots.excluded.has(entry.pid) || entry.pid <= 1) return;
    members.set(entry.pid, entry);
    open.push(entry);
  };

  for (const entry of entries) {
    if (roots.marked.has(entry.pid) || roots.known.has(processKey(entry))) add(entry);
    if (groupIsOurs && (entry.groupId === leader.pid || entry.sessionId === leader.pid)) add(entry);
  }
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    for (const entry of children.get(next.pid) ?? []) add(entry);
    if (next.groupId === next.pid) for (const entry of followers.get(next.pid) ?? []) add(entry);
    if (next.sessionId === next.pid) for (const entry of sessions.get(next.pid) ?? []) add(entry);
  }
  return [...members.values()];
}

function groupBy(
  entries: readonly ProcessEntry[],
  keyOf: (entry: ProcessEntry) => number,
): Map<number, ProcessEntry[]> {
  const groups = new Map<number, ProcessEntry[]>();
  for (const entry of entries) {
    const key = keyOf(entry);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [entry]);
    else group.push(entry);
  }
  return groups;
}

/** `pid` and all it descends from. */
export function selectAncestors(entries: readonly ProcessEntry[], pid: number): Set<number> {
  const parentOf = new Map(entries.map((entry) => [entry.pid, entry.parentPid]));
  const line = new Set<number>();
  for (let next: number | undefined = pid; next !== undefined && !line.has(next); next = parentOf.get(next)) {
    line.add(next);
  }
  return line;
}
