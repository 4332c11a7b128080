import { askGit, splitRecords } from './askGit.js';
import type { CommittedWork, Repository } from './repository.js';

/** What differs between two commits. Binary files count as files only. */
export async function countChanges(
  repository: Pick<Repository, 'path' | 'environment'>,
  from: string,
  to: string,
): Promise<Pick<CommittedWork, 'files' | 'insertions' | 'deletions'>> {
  const { stdout } = await askGit(repository, [
    'diff',
    '--numstat',
    '-z',
    '--no-renames',
    '--no-ext-diff',
    '--no-textconv',
    '--end-of-options',
    from,
    to,
    '--',
  ]);
  let insertions = 0;
  let deletions = 0;
  const records = splitRecords(stdout);
  for (const record of records) {
    const [added, removed] = record.toString('latin1').split('\t');
    insertions += Number(added) || 0;
    deletions += Number(removed) || 0;
  }
  return { files: records.length, insertions, deletions };
}
