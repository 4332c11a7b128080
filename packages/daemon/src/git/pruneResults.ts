import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { askGitText } from './askGit.js';
import type { Repository } from './repository.js';
import { withRepositoryLock } from './repositoryLock.js';
import { forgetResult, RESULT_REFS } from './resultCache.js';

export interface PruneOptions {
  /** Default now. */
  readonly now?: Date;
  /** Older ones go. Default 30. */
  readonly daysMax?: number;
  /** Of more than so many the oldest go. Default 1,000. */
  readonly resultsMax?: number;
}

const DAY_MS = 24 * 60 * 60_000;

/**
 * Forgets results that are kept for too long, or too many, and refs without a result; git may then collect their commits.
 * @returns how many were forgotten.
 */
export function pruneResults(repository: Repository, options: PruneOptions = {}): Promise<number> {
  const { now = new Date(), daysMax = 30, resultsMax = 1_000 } = options;
  // A result is stored under the same lock: between ref and file it would look like a ref without one.
  return withRepositoryLock(repository, async () => {
    const stored = await listStored(repository.cacheDirectory);
    const isOld = (storedMs: number): boolean => now.getTime() - storedMs > daysMax * DAY_MS;
    const kept = stored.filter(({ storedMs }, place) => place < resultsMax && !isOld(storedMs));
    const keptKeys = new Set(kept.map(({ key }) => key));
    const keys = new Set([...stored.map(({ key }) => key), ...(await listRefs(repository))]);
    const forgotten = [...keys].filter((key) => !keptKeys.has(key));
    for (const key of forgotten) await forgetResult(repository, key);
    return forgotten.length;
  });
}

/** Newest first. */
async function listStored(directory: string): Promise<{ key: string; storedMs: number }[]> {
  const found: { key: string; storedMs: number }[] = [];
  for (const name of await readNames(directory)) {
    const [, key] = /^([0-9a-f]{64})\.json$/.exec(name) ?? [];
    if (key !== undefined) found.push({ key, storedMs: (await stat(join(directory, name))).mtimeMs });
  }
  return found.sort((a, b) => b.storedMs - a.storedMs || (a.key < b.key ? -1 : 1));
}

async function readNames(directory: string): Promise<string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

async function listRefs(repository: Repository): Promise<string[]> {
  const refs = await askGitText(repository, ['for-each-ref', '--format=%(refname)', RESULT_REFS]);
  return refs
    .split('\n')
    .map((ref) => ref.slice(RESULT_REFS.length))
    .filter((key) => /^[0-9a-f]{64}$/.test(key));
}
