import { askGit, isContained, readCommit } from './askGit.js';
import { type AttemptRecord, listAttemptRecords, takeBackWorktree } from './attemptRecord.js';
import { findMergedWork } from './mergedWork.js';
import { judgeLife } from './processLife.js';
import type { Repository } from './repository.js';
import { withRepositoryLock } from './repositoryLock.js';

/** Keeps the commits of an attempt that another one has taken the place of; out of the way of `git branch`. */
export function nameSupersededRef(attemptId: string): string {
  return `refs/neolith/superseded/${attemptId}`;
}

/**
 * Of a task whose work is in the target branch by another attempt, the other attempts' commits are kept by a ref of their
 * own, so that their worktrees may go without anything being lost. What lies there uncommitted is not touched by it, and
 * neither is an attempt that is held by a living process, this one included: it may have begun just now.
 * @returns the attempts whose commits are kept so now.
 */
export async function supersedeAttempts(
  repository: Repository,
  input: { readonly taskId: string; readonly byAttemptId: string },
): Promise<string[]> {
  if ((await listLeft(repository, input)).length === 0) return [];
  // Under it no other attempt takes a place over between the look at its record and the change to it.
  return withRepositoryLock(repository, async () => {
    const kept: string[] = [];
    for (const record of await listLeft(repository, input)) {
      const merged = await findMergedWork(repository, record.targetBranch, { attemptId: input.byAttemptId });
      if (merged.length === 0) continue;
      await takeBackWorktree(repository, record.attemptId);
      if (await keepCommits(repository, record)) kept.push(record.attemptId);
    }
    return kept;
  });
}

/** Records of the task's other attempts that nobody holds any more. */
async function listLeft(
  repository: Repository,
  { taskId, byAttemptId }: { readonly taskId: string; readonly byAttemptId: string },
): Promise<AttemptRecord[]> {
  const left: AttemptRecord[] = [];
  for (const record of await listAttemptRecords(repository)) {
    const { owner, attemptId, scratch } = record;
    if (record.taskId !== taskId || attemptId === byAttemptId || scratch) continue;
    if (owner === null || (await judgeLife(owner)) === 'over') left.push(record);
  }
  return left;
}

async function keepCommits(repository: Repository, { attemptId, branch }: AttemptRecord): Promise<boolean> {
  const tip = branch === '' ? null : await readCommit(repository, `refs/heads/${branch}`);
  if (tip === null) return false;
  await askGit(repository, ['update-ref', '-m', 'neolith: superseded', nameSupersededRef(attemptId), tip]);
  return true;
}

/** Whether a commit of an attempt is kept by its ref. */
export async function isSuperseded(
  repository: Repository,
  attemptId: string,
  commit: string,
): Promise<boolean> {
  const kept = await readCommit(repository, nameSupersededRef(attemptId));
  return kept !== null && (await isContained(repository, commit, kept));
}
