import { askGit, askGitText, readCommit } from './askGit.js';
import { hasGitCode } from './gitError.js';
import type { Repository } from './repository.js';
import type { TargetCheckout } from './targetCheckout.js';

export type Move =
  | { readonly kind: 'moved' }
  /** Somebody else was quicker: what was built stands on an old tip. */
  | { readonly kind: 'overtaken' }
  | { readonly kind: 'refused'; readonly reason: string };

/**
 * Moves the target branch from `from` to `to`, or not at all. Where it is checked out, that worktree moves with it;
 * files that are in the way there, ignored ones too, are not overwritten.
 */
export async function moveTarget(
  repository: Repository,
  input: {
    readonly branch: string;
    readonly from: string;
    readonly to: string;
    readonly reason: string;
    readonly checkout: Exclude<TargetCheckout, { kind: 'refused' }>;
  },
): Promise<Move> {
  const { branch, from, to, checkout } = input;
  const ref = `refs/heads/${branch}`;
  if (from === to) return { kind: 'moved' };
  if (checkout.kind === 'nowhere') {
    try {
      await askGit(repository, ['update-ref', '-m', input.reason, ref, to, from]);
      return { kind: 'moved' };
    } catch (error) {
      if ((await readCommit(repository, ref)) !== from) return { kind: 'overtaken' };
      throw error;
    }
  }
  const cwd = checkout.directory;
  // Who switched branches there meanwhile would have another one moved.
  const { stdout } = await askGit(repository, ['symbolic-ref', '--quiet', 'HEAD'], { cwd, answers: [0, 1] });
  if (stdout.toString('utf8').trim() !== ref || (await readCommit(repository, ref)) !== from) {
    return { kind: 'overtaken' };
  }
  try {
    await askGitText(
      repository,
      [
        'merge',
        '--ff-only',
        '--no-autostash',
        '--no-overwrite-ignore',
        '--no-verify-signatures',
        '--no-stat',
        '--quiet',
        to,
      ],
      { cwd, variables: { GIT_REFLOG_ACTION: input.reason } },
    );
  } catch (error) {
    const now = await readCommit(repository, ref);
    if (now !== from && now !== to) return { kind: 'overtaken' };
    if (!hasGitCode(error, 'GIT_FAILED') && !hasGitCode(error, 'REPOSITORY_LOCKED')) throw error;
    return {
      kind: 'refused',
      reason: `${branch} is checked out in ${cwd}, which can't move with it: ${(error as Error).message}\nPut away what is in the way there, or check out another branch.`,
    };
  }
  return (await readCommit(repository, ref)) === to ? { kind: 'moved' } : { kind: 'overtaken' };
}
