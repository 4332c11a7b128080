import type { MemberScan } from './endProcesses.js';
import { ATTEMPT_MARKER } from './processSpec.js';
import { readMarkers, readProcessTable, START_TOLERANCE } from './processTable.js';
import { processKey, selectAncestors, selectTree } from './selectTree.js';

/**
 * Prepares a look at the living members of one child's tree. Whoever was a member once is remembered, so that
 * a descendant without marker stays known when the parent that linked it to the tree has gone.
 */
export function createTreeScanner(
  leader: { readonly pid: number; readonly startedAt: number },
  runMarker: string,
): () => Promise<MemberScan> {
  const known = new Set<string>();
  return async () => {
    const { entries, complete } = await readProcessTable();
    // A descendant can't be older than the leader, which spares us the environment of nearly everybody.
    const young = entries.filter(
      (entry) => !entry.ended && entry.startedAt >= leader.startedAt - START_TOLERANCE,
    );
    const markers = await readMarkers(
      young.map((entry) => entry.pid),
      ATTEMPT_MARKER,
    );
    const marked = new Set([...markers].filter(([, value]) => value === runMarker).map(([pid]) => pid));
    const members = selectTree(entries, {
      leader,
      marked,
      known,
      excluded: selectAncestors(entries, process.pid),
      startTolerance: START_TOLERANCE,
    });
    for (const member of members) known.add(processKey(member));
    return { alive: members.filter((member) => !member.ended), complete };
  };
}
