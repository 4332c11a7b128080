import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { askGit, askGitText, readCommit } from './askGit.js';
import { type AttemptRecord, removeAttemptRecord, writeAttemptRecord } from './attemptRecord.js';
import { GitError } from './gitError.js';
import { nameAttemptBranch, requireSafeId } from './names.js';
import { describeOwnLife } from './processLife.js';
import { readPrograms } from './readPrograms.js';
import type { AttemptWorktree, Repository } from './repository.js';
import { type LockOptions, withRepositoryLock } from './repositoryLock.js';
import { requireSamePrograms } from './requireSamePrograms.js';

export interface MakeWorktreeInput {
  readonly taskId: string;
  readonly attemptId: string;
  readonly runId: string | null;
  /** See `resolveTarget`. */
  readonly targetBranch: string;
  readonly lock?: LockOptions;
}

/** Large repositories take their time to be written out. */
const CHECKOUT_TIMEOUT_MS = 15 * 60_000;

/**
 * Makes the worktree and the branch of one attempt, at the tip that the target branch has then. One at a time per
 * repository, over all processes. Submodules stay empty; files of LFS are written out where git-lfs is set up.
 *
 * When it fails nothing of it is left, and only this attempt is concerned.
 * @throws GitError `DISK_FULL`, `REPOSITORY_LOCKED`, `REPOSITORY_BUSY`, `WORKTREE_EXISTS`, `TARGET_NOT_FOUND`…
 */
export async function makeWorktree(
  repository: Repository,
  input: MakeWorktreeInput,
): Promise<AttemptWorktree> {
  requireSafeId(input.taskId, 'a task id');
  if (input.runId !== null) requireSafeId(input.runId, 'a run id');
  const branch = nameAttemptBranch(input.attemptId);
  const directory = join(repository.worktreesDirectory, input.attemptId);
  return withRepositoryLock(
    repository,
    async () => {
      const baseCommit = await readCommit(repository, `refs/heads/${input.targetBranch}`);
      if (baseCommit === null) {
        throw new GitError(
          'TARGET_NOT_FOUND',
          `There is no branch ${JSON.stringify(input.targetBranch.slice(0, 200))} in ${repository.path} to begin at.`,
        );
      }
      if ((await readCommit(repository, `refs/heads/${branch}`)) !== null)
        throw alreadyThere(`The branch ${branch}`);
      const worktree = { directory, branch, baseCommit, targetBranch: input.targetBranch };
      await addWorktree(
        repository,
        { ...worktree, attemptId: input.attemptId, taskId: input.taskId, runId: input.runId, scratch: false },
        ['--no-track', '-b', branch],
      );
      return worktree;
    },
    input.lock,
  );
}

/** What no worktree begins with. */
type Fresh = 'programs' | 'handedOffAt' | 'earlierAttemptIds';

/** Adds it and its record, or leaves nothing. Only while the repository's lock is held. */
export async function addWorktree(
  repository: Repository,
  facts: Omit<AttemptRecord, 'adminDirectory' | 'owner' | 'createdAt' | Fresh>,
  how: readonly string[],
): Promise<AttemptRecord> {
  const { directory, baseCommit } = facts;
  // Files are written out by filters.
  await requireSamePrograms(repository, null);
  await makeOwnDirectory(directory);
  let record: AttemptRecord = {
    ...facts,
    // Where git puts it, unless something is there; asked for below.
    adminDirectory: join(repository.gitDirectory, 'worktrees', facts.attemptId),
    owner: await describeOwnLife(),
    createdAt: new Date().toISOString(),
    programs: null,
    handedOffAt: null,
    earlierAttemptIds: [],
  };
  try {
    await writeAttemptRecord(repository, record);
    await askGit(
      repository,
      ['worktree', 'add', '--quiet', ...how, '--end-of-options', directory, baseCommit],
      { timeoutMs: CHECKOUT_TIMEOUT_MS },
    );
    const adminDirectory = await askGitText(repository, ['rev-parse', '--absolute-git-dir'], {
      cwd: directory,
    });
    const own = await readPrograms(repository, adminDirectory);
    record = { ...record, adminDirectory, programs: { shared: repository.programs, own } };
    await writeAttemptRecord(repository, record);
    return record;
  } catch (error) {
    await undo(repository, facts);
    throw (error as NodeJS.ErrnoException).code === 'ENOSPC'
      ? new GitError(
          'DISK_FULL',
          `There is no space for the worktree ${directory}. Free some, then retry the task.`,
          {
            cause: error,
          },
        )
      : error;
  }
}

/** Fails where something is already: what is removed when the rest fails was made by us, and nobody has worked in it. */
async function makeOwnDirectory(directory: string): Promise<void> {
  try {
    await mkdir(directory, { mode: 0o700 });
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code === 'EEXIST') throw alreadyThere(directory);
    throw new GitError(
      code === 'ENOSPC' ? 'DISK_FULL' : 'DIRECTORY_UNUSABLE',
      `The worktree ${directory} can't be made: ${message}. Check permissions and free space there, then retry the task.`,
      { cause },
    );
  }
}

function alreadyThere(what: string): GitError {
  return new GitError(
    'WORKTREE_EXISTS',
    `${what} is there already, with work of an earlier try perhaps. Every attempt needs an id of its own; neolith cleanup tells what can go.`,
  );
}

async function undo(
  repository: Repository,
  facts: Pick<AttemptRecord, 'attemptId' | 'directory' | 'branch' | 'baseCommit' | 'scratch'>,
): Promise<void> {
  // What fails here is found and listed by the next clean-up; the error that led here says more.
  const quietly = (work: Promise<unknown>): Promise<unknown> => work.catch(() => undefined);
  // Twice forced: cut off in the making it is still locked.
  await quietly(
    askGit(repository, ['worktree', 'remove', '--force', '--force', '--end-of-options', facts.directory]),
  );
  await quietly(rm(facts.directory, { recursive: true, force: true }));
  if (!facts.scratch) {
    await quietly(askGit(repository, ['update-ref', '-d', `refs/heads/${facts.branch}`, facts.baseCommit]));
  }
  await quietly(removeAttemptRecord(repository, facts.attemptId));
}
