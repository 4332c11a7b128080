import { askGit, splitRecords } from './askGit.js';
import type { Repository } from './repository.js';

type GitPlace = Pick<Repository, 'path' | 'environment'>;

/** Files with a conflict that was not resolved. */
export async function listUnmerged(repository: GitPlace, directory: string): Promise<string[]> {
  const { stdout } = await askGit(repository, ['ls-files', '--unmerged', '-z'], { cwd: directory });
  const names = splitRecords(stdout).map((record) => record.toString('utf8').replace(/^[^\t]*\t/, ''));
  return [...new Set(names)];
}

/**
 * Files whose changes git was told not to see (`assume-unchanged`, `skip-worktree`); names as bytes. Of a sparse
 * checkout those are left out that are not on disk, which is as it should be.
 */
export async function listHidden(
  repository: GitPlace,
  directory: string,
  isOnDisk: (name: Buffer) => boolean,
): Promise<Buffer[]> {
  const { stdout } = await askGit(repository, ['ls-files', '-v', '-z'], { cwd: directory });
  return splitRecords(stdout).flatMap((record) => {
    const tag = String.fromCharCode(record[0] ?? 0);
    const name = record.subarray(2);
    const isSkipped = tag.toUpperCase() === 'S';
    if (isSkipped) return isOnDisk(name) ? [name] : [];
    return tag === tag.toLowerCase() ? [name] : [];
  });
}

export interface ChangedEntry {
  /** `000000` where it is gone. */
  readonly oldMode: string;
  readonly newMode: string;
  readonly name: Buffer;
}

/** What the index has other than `commit`; with `null` for the index, what `to` has other than it. */
export async function listChangedEntries(
  repository: GitPlace,
  directory: string,
  commit: string,
): Promise<ChangedEntry[]> {
  const { stdout } = await askGit(
    repository,
    ['diff-index', '--cached', '--raw', '-z', '--no-renames', '--ignore-submodules=none', commit],
    { cwd: directory },
  );
  const records = splitRecords(stdout);
  const entries: ChangedEntry[] = [];
  for (let index = 0; index + 1 < records.length; index += 2) {
    const [oldMode = '', newMode = ''] = (records[index]?.toString('latin1') ?? '').slice(1).split(' ');
    entries.push({ oldMode, newMode, name: records[index + 1] ?? Buffer.alloc(0) });
  }
  return entries;
}

export const MODE_LINK = '120000';
export const MODE_REPOSITORY = '160000';
