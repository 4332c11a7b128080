import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * What lies in a directory under names that an agent's command makes for itself. `*` at the end of a name stands for
 * any ending. None where the directory can't be listed.
 */
export async function findScratch(directory: string, names: readonly string[]): Promise<string[]> {
  if (names.length === 0) return [];
  let entries: string[];
  try {
    entries = await readdir(directory);
  } catch {
    // The start of the agent, or the commit, says more about it.
    return [];
  }
  return entries.filter((entry) =>
    names.some((name) => (name.endsWith('*') ? entry.startsWith(name.slice(0, -1)) : entry === name)),
  );
}

/** Removes what has come since `before`; a link goes, and not what it leads to. */
export async function removeScratch(
  directory: string,
  names: readonly string[],
  before: readonly string[],
): Promise<void> {
  for (const entry of await findScratch(directory, names)) {
    if (!before.includes(entry)) await rm(join(directory, entry), { recursive: true, force: true });
  }
}
