import { askGit, askGitWhether, readCommit } from './askGit.js';
import { GitError, hasGitCode } from './gitError.js';
import { ATTEMPT_BRANCHES, nameRunBranch } from './names.js';
import type { Repository } from './repository.js';

export interface TargetInput {
  readonly runId: string;
  /** A branch that exists. Default: one of the run, made from HEAD when it is first asked for. */
  readonly branch?: string | null;
}

export interface Target {
  readonly branch: string;
  /** Its tip now. */
  readonly commit: string;
}

/**
 * The branch that the work of a run is merged into. The user's checkout is never touched for it.
 * @throws GitError `TARGET_NOT_FOUND`, `TARGET_UNUSABLE`, `NAME_INVALID`.
 */
export async function resolveTarget(repository: Repository, input: TargetInput): Promise<Target> {
  if (typeof input.branch === 'string') return findBranch(repository, input.branch);
  const branch = nameRunBranch(input.runId);
  const existing = await readCommit(repository, `refs/heads/${branch}`);
  if (existing !== null) return { branch, commit: existing };
  const head = await readCommit(repository, 'HEAD', repository.openedPath);
  if (head === null) {
    throw new GitError(
      'REPOSITORY_EMPTY',
      `${repository.openedPath} has no commit to begin at. Make one first.`,
    );
  }
  try {
    // All zeros: only where there is none yet, so that of two daemons one makes it and both take it.
    await askGit(repository, [
      'update-ref',
      '-m',
      'neolith: begin run',
      `refs/heads/${branch}`,
      head,
      '0'.repeat(head.length),
    ]);
  } catch (cause) {
    if (!hasGitCode(cause, 'GIT_FAILED') && !hasGitCode(cause, 'REPOSITORY_LOCKED')) throw cause;
    const made = await readCommit(repository, `refs/heads/${branch}`);
    if (made !== null) return { branch, commit: made };
    throw new GitError(
      'TARGET_UNUSABLE',
      `The branch ${branch} can't be made: ${(cause as Error).message}\nIf there is a branch named "neolith", rename it, or name another branch to merge into.`,
      { cause },
    );
  }
  return { branch, commit: head };
}

async function findBranch(repository: Repository, branch: string): Promise<Target> {
  const shown = JSON.stringify(branch.slice(0, 200));
  const isName =
    !branch.startsWith('-') &&
    !branch.startsWith('refs/') &&
    !branch.includes('\0') &&
    (await askGitWhether(repository, ['check-ref-format', `refs/heads/${branch}`]));
  if (!isName)
    throw new GitError(
      'NAME_INVALID',
      `${shown} is not a name of a branch. Give one as git branch lists it.`,
    );
  if (branch.startsWith(ATTEMPT_BRANCHES)) {
    throw new GitError('TARGET_UNUSABLE', `${shown} belongs to an attempt. Name a branch of yours, or none.`);
  }
  const commit = await readCommit(repository, `refs/heads/${branch}`);
  if (commit === null) {
    throw new GitError(
      'TARGET_NOT_FOUND',
      `There is no branch ${shown} in ${repository.path}. Make it with git branch, or name one that exists.`,
    );
  }
  if (await askGitWhether(repository, ['symbolic-ref', '--quiet', `refs/heads/${branch}`])) {
    throw new GitError(
      'TARGET_UNUSABLE',
      `${shown} only stands for another branch. Name the one it stands for.`,
    );
  }
  return { branch, commit };
}
