import { releaseWorktree } from '../git/attemptRecord.js';
import { removeWorktree } from '../git/cleanup.js';
import { commitWork } from '../git/commitWork.js';
import { makeWorktree } from '../git/makeWorktree.js';
import type { Repository } from '../git/repository.js';
import { resolveTarget } from '../git/resolveTarget.js';
import { supersedeAttempts } from '../git/supersede.js';
import { readProjectFacts } from '../prompts/readProjectFacts.js';
import type { Workplace } from './workplace.js';

export interface GitWorkplaceOptions {
  readonly repository: Repository;
  /** An existing branch; null: one of the run, or of the task where it is in none. */
  readonly targetBranch: string | null;
}

/** A worktree and a branch for each attempt, begun where the target branch stands then. */
export function gitWorkplace({ repository, targetBranch }: GitWorkplaceOptions): Workplace {
  return {
    async open({ taskId, attemptId, runId, title, agent }) {
      const target = await resolveTarget(repository, { runId: runId ?? taskId, branch: targetBranch });
      const worktree = await makeWorktree(repository, {
        taskId,
        attemptId,
        runId,
        targetBranch: target.branch,
      });
      return {
        directory: worktree.directory,
        worktree,
        project: await readProjectFacts(worktree.directory),
        commit: () => commitWork(repository, worktree, { taskId, attemptId, runId, title, agent }),
        async close() {
          await releaseWorktree(repository, attemptId);
          for (const earlier of await supersedeAttempts(repository, { taskId, byAttemptId: attemptId }))
            await removeWorktree(repository, { attemptId: earlier });
          const kept = await removeWorktree(repository, { attemptId });
          return { kept: kept === null ? null : kept.message };
        },
      };
    },
  };
}
