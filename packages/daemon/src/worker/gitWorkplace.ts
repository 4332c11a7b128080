import { adoptWorktree } from '../git/adoptWorktree.js';
import { handOffWorktree, releaseWorktree, takeBackWorktree } from '../git/attemptRecord.js';
import { removeWorktree } from '../git/cleanup.js';
import { commitWork } from '../git/commitWork.js';
import { makeWorktree } from '../git/makeWorktree.js';
import { findMergedWork } from '../git/mergedWork.js';
import { pruneResults } from '../git/pruneResults.js';
import type { AttemptWorktree, Repository } from '../git/repository.js';
import { resolveTarget } from '../git/resolveTarget.js';
import { computeCacheKey, lookUpResult, reuseResult, storeResult } from '../git/resultCache.js';
import { supersedeAttempts } from '../git/supersede.js';
import type { ProjectFacts } from '../prompts/promptParts.js';
import { readProjectFacts } from '../prompts/readProjectFacts.js';
import type { ResultParts, ResultStore } from './reuseWork.js';
import type { WorkFacts, Workplace } from './workplace.js';

export interface GitWorkplaceOptions {
  readonly repository: Repository;
  /** An existing branch; null: one of the run, or of the task where it is in none. */
  readonly targetBranch: string | null;
  /** Whether a task that is the same as one that succeeded from the same commit takes over its result. Default false. */
  readonly reuseResults?: boolean;
}

/** A worktree and a branch for each attempt, begun where the target branch stands then. */
export function gitWorkplace(options: GitWorkplaceOptions): Workplace {
  const { repository, targetBranch, reuseResults = false } = options;
  let isPruned = false;
  /** Once, and only where results are kept; when it fails, the next one tries again. */
  async function prune(): Promise<void> {
    if (isPruned) return;
    isPruned = true;
    try {
      await pruneResults(repository);
    } catch (error) {
      isPruned = false;
      throw error;
    }
  }
  return {
    async open({ taskId, attemptId, runId, title, agent }) {
      const target = await resolveTarget(repository, { runId: runId ?? taskId, branch: targetBranch });
      const adopted = await adoptWorktree(repository, { taskId, attemptId });
      const worktree =
        adopted ??
        (await makeWorktree(repository, { taskId, attemptId, runId, targetBranch: target.branch }));
      const project = await readFacts(repository, worktree, attemptId);
      return {
        directory: worktree.directory,
        worktree,
        project,
        async findMerged() {
          const [work] = await findMergedWork(repository, target.branch, { taskId });
          return work === undefined
            ? null
            : { branch: target.branch, commit: work.commit, attemptId: work.attemptId };
        },
        // What a person did is no result of an agent, and one must not be put on top of it.
        results:
          reuseResults && adopted === null
            ? storeIn(repository, worktree, prune, { taskId, attemptId, runId, title, agent })
            : null,
        commit: () => commitWork(repository, worktree, { taskId, attemptId, runId, title, agent }),
        handOff: () => handOffWorktree(repository, attemptId),
        async close({ done }) {
          if (done) await takeBackWorktree(repository, attemptId);
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

async function readFacts(
  repository: Repository,
  { directory }: AttemptWorktree,
  attemptId: string,
): Promise<ProjectFacts> {
  try {
    return await readProjectFacts(directory);
  } catch (error) {
    // Nobody closes what was never opened, and held by us it could not be taken over.
    await releaseWorktree(repository, attemptId);
    throw error;
  }
}

function storeIn(
  repository: Repository,
  worktree: AttemptWorktree,
  prune: () => Promise<void>,
  facts: Omit<WorkFacts, 'attemptDirectory'>,
): ResultStore {
  const { baseCommit } = worktree;
  const keyOf = (parts: ResultParts) => computeCacheKey({ ...parts, baseCommit });
  return {
    async recall(parts) {
      const found = await lookUpResult(repository, keyOf(parts));
      if (found.kind === 'miss') return { reused: null, reason: found.reason ?? null };
      return { reused: await reuseResult(repository, worktree, facts, found.result), reason: null };
    },
    async keep(parts, { commit, output }) {
      const { taskId, attemptId } = facts;
      await storeResult(repository, keyOf(parts), { commit, baseCommit, output, taskId, attemptId });
      await prune();
    },
  };
}
