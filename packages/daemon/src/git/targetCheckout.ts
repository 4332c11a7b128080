import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { askGit, askGitText, splitRecords } from './askGit.js';
import { listWorktrees } from './listWorktrees.js';
import { findOperation } from './operations.js';
import type { Repository } from './repository.js';

/** Whether the target branch can move, and where it is checked out. */
export type TargetCheckout =
  | { readonly kind: 'nowhere' }
  /** In a worktree that is clean, which has to move with it. */
  | { readonly kind: 'movable'; readonly directory: string }
  | { readonly kind: 'refused'; readonly reason: string };

/** Looks for worktrees, the user's own for example, that have the branch checked out or are rebasing it. Changes nothing. */
export async function findTargetCheckout(repository: Repository, branch: string): Promise<TargetCheckout> {
  const rebasing = findRebasing(repository, branch);
  if (rebasing !== null)
    return refuse(`${branch} is being rebased or bisected (${rebasing}). End that first.`);
  const holders = (await listWorktrees(repository))
    .filter((worktree) => worktree.branch === branch && !worktree.prunable && existsSync(worktree.path))
    .map((worktree) => worktree.path);
  const [directory, second] = holders;
  if (directory === undefined) return { kind: 'nowhere' };
  if (second !== undefined) {
    return refuse(`${branch} is checked out more than once, in ${holders.join(' and ')}. Leave one.`);
  }
  const admin = await askGitText(repository, ['rev-parse', '--absolute-git-dir'], { cwd: directory });
  const operation = findOperation(admin);
  if (operation !== null)
    return refuse(`A ${operation} of ${branch} is under way in ${directory}. End it first.`);
  if (existsSync(join(admin, 'index.lock'))) {
    return refuse(
      `Another git command is at work in ${directory}, where ${branch} is checked out. If none is, remove ${join(admin, 'index.lock')}`,
    );
  }
  const { stdout } = await askGit(
    repository,
    ['status', '--porcelain', '-z', '--untracked-files=no', '--no-renames'],
    { cwd: directory },
  );
  const changed = splitRecords(stdout).map((record) => record.toString('utf8').slice(3));
  if (changed.length > 0) {
    const names = changed.slice(0, 5).join(', ');
    return refuse(
      `${branch} is checked out in ${directory} with uncommitted changes (${names}${changed.length > 5 ? '…' : ''}). Commit or stash them, or check out another branch there.`,
    );
  }
  return { kind: 'movable', directory };
}

function refuse(reason: string): TargetCheckout {
  return { kind: 'refused', reason };
}

/**
 * The directory of git in which it is written down, or null. Looked up in git's own directories: a worktree that is
 * listed may be gone a moment later, such as that of another check.
 */
function findRebasing(repository: Repository, branch: string): string | null {
  const linked = join(repository.gitDirectory, 'worktrees');
  const admins = [repository.gitDirectory, ...readNames(linked).map((name) => join(linked, name))];
  for (const admin of admins) {
    for (const file of ['rebase-merge/head-name', 'rebase-apply/head-name', 'BISECT_START']) {
      if (readShort(join(admin, file)) === branch) return admin;
    }
  }
  return null;
}

function readNames(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    // No worktree but the main one.
    return [];
  }
}

function readShort(path: string): string | null {
  try {
    return readFileSync(path, 'utf8')
      .trim()
      .replace(/^refs\/heads\//, '');
  } catch {
    // Nothing of the kind is going on there.
    return null;
  }
}
