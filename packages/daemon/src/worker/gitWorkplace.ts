import { commitWork } from '../git/commitWork.js';
import { makeWorktree } from '../git/makeWorktree.js';
import { removeWorktree } from '../git/removeWorktree.js';
import type { Repository } from '../git/repository.js';
import { resolveTarget } from '../git/resolveTarget.js';
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
          const removal = await removeWorktree(repository, worktree);
          return { kept: removal.kept };
        },
      };
    },
  };
}
