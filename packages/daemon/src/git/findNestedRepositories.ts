import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { askGit, splitRecords } from './askGit.js';
import type { Repository } from './repository.js';

/**
 * Repositories inside a worktree, other than those that the commit it began at has as submodules: relative paths. What
 * they hold would be no part of a commit, only a number that names it, or nothing at all.
 */
export async function findNestedRepositories(
  repository: Pick<Repository, 'path' | 'environment'>,
  directory: string,
): Promise<string[]> {
  const found = new Set<string>();
  // Untracked ones are shown as a directory, of which otherwise every file is named.
  const status = await askGit(
    repository,
    ['status', '--porcelain', '-z', '--untracked-files=all', '--ignored=no', '--no-renames'],
    { cwd: directory },
  );
  for (const record of splitRecords(status.stdout)) {
    const text = record.toString('utf8');
    if (text.startsWith('?? ') && text.endsWith('/')) found.add(text.slice(3, -1));
  }
  // Below tracked directories they don't show at all.
  const files = await askGit(repository, ['ls-files', '--stage', '-z'], { cwd: directory });
  const directories = new Set<string>();
  for (const record of splitRecords(files.stdout)) {
    const text = record.toString('utf8');
    const name = text.slice(text.indexOf('\t') + 1);
    for (let slash = name.lastIndexOf('/'); slash > 0; slash = name.lastIndexOf('/', slash - 1)) {
      const parent = name.slice(0, slash);
      if (directories.has(parent)) break;
      directories.add(parent);
    }
  }
  for (const name of directories) if (existsSync(join(directory, name, '.git'))) found.add(name);
  return [...found].sort();
}
