import { askGit, isContained, readCommit } from './askGit.js';
import type { AttemptRecord } from './attemptRecord.js';
import { GitError } from './gitError.js';
import type { Repository } from './repository.js';

/**
 * Brings the attempt's branch to where its agent ended: detached, or on a branch that it made. The other branch stays.
 * @returns what was done, or null.
 * @throws GitError `HISTORY_REWRITTEN`: the commit it began at is no longer in the history, or work on the attempt's
 *   branch is not in what is checked out.
 */
export async function attachHead(repository: Repository, record: AttemptRecord): Promise<string | null> {
  const { directory, branch, baseCommit } = record;
  const ref = `refs/heads/${branch}`;
  const symbolic = await askGit(repository, ['symbolic-ref', '--quiet', 'HEAD'], {
    cwd: directory,
    answers: [0, 1],
  });
  const current = symbolic.stdout.toString('utf8').trim();
  const head = await readCommit(repository, 'HEAD', directory);
  const tip = await readCommit(repository, ref);
  if (head === null || !(await isContained(repository, baseCommit, head))) {
    throw new GitError(
      'HISTORY_REWRITTEN',
      `What is checked out in ${directory} does not contain the commit ${baseCommit} that it began at. Add commits to ${branch}; do not amend, rebase, reset or orphan what was there.`,
    );
  }
  if (current === ref) return null;
  if (tip !== null && !(await isContained(repository, tip, head))) {
    throw new GitError(
      'HISTORY_REWRITTEN',
      `${directory} was left on ${current === '' ? 'a detached HEAD' : current}, without the commits of ${branch}. End with everything committed on ${branch}.`,
    );
  }
  await askGit(repository, [
    'update-ref',
    '-m',
    'neolith: follow the agent',
    ref,
    head,
    tip ?? '0'.repeat(head.length),
  ]);
  // The same commit: neither index nor files change.
  await askGit(repository, ['symbolic-ref', '-m', 'neolith: follow the agent', 'HEAD', ref], {
    cwd: directory,
  });
  const where = current === '' ? 'a detached HEAD' : current.replace(/^refs\/heads\//, 'the branch ');
  return `The agent ended on ${where}; its commits are on ${branch} as well.`;
}
