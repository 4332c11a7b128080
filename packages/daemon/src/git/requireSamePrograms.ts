import { existsSync } from 'node:fs';
import { readFile, realpath } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { AttemptRecord } from './attemptRecord.js';
import { GitError } from './gitError.js';
import { isForPeople } from './programKeys.js';
import { comparePrograms, readPrograms } from './readPrograms.js';
import type { Repository } from './repository.js';

const NAMES_SHOWN = 10;

/**
 * Makes sure that git runs no other programs (filters, merge drivers…) than when the repository was opened and the
 * worktree was made: agents share the repository's configuration, and git would start what they plant there outside of
 * all supervision. To be called before commands that look at files, write them or merge.
 * @throws GitError `CONFIGURATION_CHANGED` with the keys and the remedy. It may have been the user himself: nobody's
 *   attempt is to blame.
 */
export async function requireSamePrograms(
  repository: Repository,
  record: Pick<AttemptRecord, 'programs' | 'adminDirectory'> | null,
): Promise<void> {
  const fault = await findOtherPrograms(repository, record);
  if (fault !== null) throw fault;
}

/**
 * Null: they are the same. With what a worktree was made with, only those keys are compared that could have a command of
 * ours run a program: a daemon that was started since can't tell a user's new alias from an agent's, and runs neither.
 */
export async function findOtherPrograms(
  repository: Repository,
  record: Pick<AttemptRecord, 'programs' | 'adminDirectory'> | null,
): Promise<GitError | null> {
  const shared = await readPrograms(repository, null);
  const names = comparePrograms(repository.programs, shared);
  if (names.length > 0) return describeChange(repository, names, 'opened');
  if (record?.programs != null) {
    const older = [
      ...comparePrograms(record.programs.shared, shared).filter((name) => !isForPeople(name)),
      ...comparePrograms(record.programs.own, await readPrograms(repository, record.adminDirectory)),
    ];
    if (older.length > 0) return describeChange(repository, [...new Set(older)], 'made');
  }
  return (await leadsElsewhere(repository, record)) ? describeLink(repository) : null;
}

/** A file named `commondir` has git read the configuration of another directory. */
async function leadsElsewhere(
  { gitDirectory }: Repository,
  record: Pick<AttemptRecord, 'adminDirectory'> | null,
): Promise<boolean> {
  if (existsSync(join(gitDirectory, 'commondir'))) return true;
  if (record === null) return false;
  const link = join(record.adminDirectory, 'commondir');
  if (!existsSync(link)) return existsSync(record.adminDirectory);
  try {
    const target = resolve(record.adminDirectory, (await readFile(link, 'utf8')).trim());
    return (await realpath(target)) !== gitDirectory;
  } catch {
    // Unreadable, or it leads to nothing: not what git wrote in any case.
    return true;
  }
}

/** What the user can do about a change of his own: it is known to the next daemon, but not to a worktree of before. */
const REMEDIES = {
  opened: { when: 'while agents were at work', remedy: 'start the daemon again' },
  made: {
    when: 'since the worktree was made',
    remedy:
      'take it back until the worktree is gone, or look through the worktree and remove it (git worktree remove --force)',
  },
} as const;

function describeChange(
  { path }: Repository,
  names: readonly string[],
  since: keyof typeof REMEDIES,
): GitError {
  const { when, remedy } = REMEDIES[since];
  const shown = names.slice(0, NAMES_SHOWN).map((name) => JSON.stringify(name.slice(0, 200)));
  const rest = names.length > shown.length ? ` and ${names.length - shown.length} more` : '';
  const first = names[0] ?? '';
  return new GitError(
    'CONFIGURATION_CHANGED',
    `The git configuration of ${path} was changed ${when}, in keys by which git runs programs: ${shown.join(', ')}${rest}. Nothing of it was run. If it was not you, take it out (git -C '${path}' config --show-origin --get-all ${JSON.stringify(first)} shows where it is) and look at what else was done; if it was you, ${remedy}.`,
  );
}

function describeLink({ gitDirectory }: Repository): GitError {
  return new GitError(
    'CONFIGURATION_CHANGED',
    `A file "commondir" in ${gitDirectory} or in its worktrees/ has git read the configuration of another directory. Nothing was run. Remove it if it was not you, and look at what else was done.`,
  );
}
