import { lstat, readFile, realpath } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { type AttemptRecord, readAttemptRecord } from './attemptRecord.js';
import { GitError } from './gitError.js';
import type { Repository } from './repository.js';

/**
 * The record of an attempt whose worktree is what we made: a directory, no link, whose `.git` leads to where ours leads.
 * An agent that ran `git init` in it, or replaced it, would have us commit into another repository.
 * @throws GitError `ATTEMPT_UNKNOWN`, `WORKTREE_MISSING`, `WORKTREE_TAMPERED`.
 */
export async function requireWorktree(repository: Repository, attemptId: string): Promise<AttemptRecord> {
  const record = await readAttemptRecord(repository, attemptId);
  if (record === null) {
    throw new GitError(
      'ATTEMPT_UNKNOWN',
      `No worktree of ${repository.path} was made for the attempt ${attemptId}.`,
    );
  }
  const fault = await findFault(record);
  if (fault !== null) throw fault;
  return record;
}

/** Null: it is what we made. */
export async function findFault(record: AttemptRecord): Promise<GitError | null> {
  const { directory } = record;
  const tampered = (what: string): GitError =>
    new GitError(
      'WORKTREE_TAMPERED',
      `${what}, so it is not the worktree that was made for the attempt ${record.attemptId}. Its files are left as they are; do not run git init or replace .git there.`,
    );
  try {
    const stat = await lstat(directory);
    if (!stat.isDirectory() || (await realpath(directory)) !== directory)
      return tampered(`${directory} is a link`);
  } catch (cause) {
    return new GitError(
      'WORKTREE_MISSING',
      `The worktree ${directory} is gone: ${(cause as Error).message}.`,
      { cause },
    );
  }
  try {
    const link = join(directory, '.git');
    if (!(await lstat(link)).isFile()) return tampered(`${link} is not the file that git wrote`);
    const [, target = ''] = /^gitdir: (.+?)\s*$/.exec(await readFile(link, 'utf8')) ?? [];
    if (
      target === '' ||
      (await realpath(resolve(directory, target))) !== (await realpath(record.adminDirectory))
    ) {
      return tampered(`${link} leads somewhere else`);
    }
    return null;
  } catch (cause) {
    return tampered(`${directory} has lost its .git (${(cause as Error).message})`);
  }
}
