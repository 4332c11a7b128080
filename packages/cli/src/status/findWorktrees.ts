import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { GitError } from '@neolith/daemon/errors';
import { listAttemptRecords, openRepository } from '@neolith/daemon/git';

export interface FoundWorktree {
  readonly attemptId: string;
  readonly taskId: string;
  readonly branch: string;
  readonly directory: string;
  readonly targetBranch: string;
  readonly createdAt: Date;
  /** A daemon has not let go of it: its attempt goes on, or the daemon was killed. */
  readonly isHeld: boolean;
}

export interface FoundWorktrees {
  /** The repository that we are in; null: in none. */
  readonly repository: string | null;
  readonly worktrees: readonly FoundWorktree[];
  /** How many lie below NEOLITH_HOME for other repositories. */
  readonly elsewhere: number;
}

/** Worktrees of attempts: of the repository that we are in each, of the others how many. Changes nothing. */
export async function findWorktrees(directory: string, home: string): Promise<FoundWorktrees> {
  const root = join(home, 'worktrees');
  const repository = await openRepository({
    path: directory,
    worktreesDirectory: root,
    lookOnly: true,
    environment: process.env,
  }).catch((error: unknown) => {
    // Whatever is wrong with it: it has no worktrees then that could be told of.
    if (error instanceof GitError) return null;
    throw error;
  });
  const records = repository === null ? [] : await listAttemptRecords(repository);
  const own = repository?.worktreesDirectory;
  let elsewhere = 0;
  for (const name of await namesIn(root)) {
    const place = join(root, name);
    if (place !== own) elsewhere += (await namesIn(place)).length;
  }
  return {
    repository: repository?.path ?? null,
    worktrees: records
      .filter(({ scratch }) => !scratch)
      .map(({ attemptId, taskId, branch, directory: place, targetBranch, createdAt, owner }) => ({
        ...{ attemptId, taskId, branch, directory: place, targetBranch },
        createdAt: new Date(createdAt),
        isHeld: owner !== null,
      })),
    elsewhere,
  };
}

async function namesIn(directory: string): Promise<string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return [];
    throw error;
  }
}
