import { askGitText } from './askGit.js';
import { GitError } from './gitError.js';
import { findOperation, isOneCommitAway } from './operations.js';
import type { Repository } from './repository.js';
import { resolveTarget } from './resolveTarget.js';
import { findTargetCheckout } from './targetCheckout.js';

/**
 * Whether a run could begin in a repository, and its work be merged, as things stand. Changes nothing.
 * @param branch into which it is to be merged; null: into one of the run, which begins at HEAD.
 * @throws GitError `TARGET_NOT_FOUND`, `TARGET_UNUSABLE`, `NAME_INVALID`; `OPERATION_IN_PROGRESS` where HEAD stands half-way
 */
export async function checkBeforeRun(repository: Repository, branch: string | null): Promise<void> {
  if (branch !== null) {
    await resolveTarget(repository, { runId: 'none', branch });
    const checkout = await findTargetCheckout(repository, branch);
    if (checkout.kind === 'refused') throw new GitError('TARGET_UNUSABLE', checkout.reason);
    return;
  }
  const { openedPath } = repository;
  const admin = await askGitText(repository, ['rev-parse', '--absolute-git-dir'], { cwd: openedPath });
  const operation = findOperation(admin);
  if (operation === null || isOneCommitAway(operation)) return;
  throw new GitError(
    'OPERATION_IN_PROGRESS',
    `A ${operation} is under way in ${openedPath}, so its HEAD stands half-way. End it first (git status says how), or name the branch to begin at and to merge into.`,
  );
}
