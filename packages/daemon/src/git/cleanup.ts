import { readdir, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { askGit, askGitText } from './askGit.js';
import {
  type AttemptRecord,
  listAttemptRecords,
  readAttemptRecord,
  removeAttemptRecord,
} from './attemptRecord.js';
import { GitError } from './gitError.js';
import { type Inspection, inspectWorktree } from './inspectWorktree.js';
import { isInside } from './isInside.js';
import { type KeptReason, tellRemedy } from './keptReasons.js';
import { type ListedWorktree, listWorktrees } from './listWorktrees.js';
import { ATTEMPT_BRANCHES } from './names.js';
import type { Repository } from './repository.js';
import { withRepositoryLock } from './repositoryLock.js';

export interface CleanupInput {
  /** Attempts that go on, as the server knows; nothing of theirs is touched. */
  readonly activeAttemptIds: Iterable<string>;
  /** Tasks that wait for nobody any more, as the server knows: done, cancelled or failed. Default none. */
  readonly endedTaskIds?: Iterable<string>;
}

export interface RemovableItem {
  readonly attemptId: string;
  readonly taskId: string;
  readonly runId: string | null;
  /** Null: only its branch is left. */
  readonly path: string | null;
  readonly branch: string | null;
}

export interface KeptItem {
  /** Null where it is of no attempt that we know. */
  readonly attemptId: string | null;
  readonly path: string | null;
  readonly branch: string | null;
  readonly reason: KeptReason;
  /** For people. */
  readonly message: string;
  readonly remedy: string;
}

export interface CleanupPlan {
  readonly activeAttemptIds: readonly string[];
  readonly endedTaskIds: readonly string[];
  readonly removable: readonly RemovableItem[];
  readonly kept: readonly KeptItem[];
}

export interface CleanupReport {
  readonly removed: readonly RemovableItem[];
  /** Those of the plan, and what was no longer removable. */
  readonly kept: readonly KeptItem[];
}

/** Tells what of our worktrees, directories and branches can go without anything being lost, and why the rest can't. Changes nothing. */
export async function planCleanup(repository: Repository, input: CleanupInput): Promise<CleanupPlan> {
  const known = { active: new Set(input.activeAttemptIds), ended: new Set(input.endedTaskIds ?? []) };
  const worktrees = await listWorktrees(repository);
  const records = await listAttemptRecords(repository);
  const removable: RemovableItem[] = [];
  const kept: KeptItem[] = [];
  for (const record of records) {
    const inspection = await inspectSafely(repository, record, worktrees, known);
    if (inspection.kind === 'kept') kept.push(describeKept(record, inspection.reason, inspection.message));
    else removable.push(describeRemovable(record, inspection));
  }
  kept.push(...(await findUnknown(repository, records, worktrees)));
  return { activeAttemptIds: [...known.active], endedTaskIds: [...known.ended], removable, kept };
}

/** Removes what a plan names, each after another look; what has changed since is kept. */
export async function applyCleanup(repository: Repository, plan: CleanupPlan): Promise<CleanupReport> {
  const removed: RemovableItem[] = [];
  const kept: KeptItem[] = [...plan.kept];
  for (const item of plan.removable) {
    const still = await removeWorktree(repository, {
      attemptId: item.attemptId,
      activeAttemptIds: plan.activeAttemptIds,
      endedTaskIds: plan.endedTaskIds,
    });
    if (still === null) removed.push(item);
    else kept.push(still);
  }
  return { removed, kept };
}

/**
 * Removes the worktree and the branch of one attempt, if nothing is lost by it. Fine when they are gone.
 * @returns null, or what is kept and why.
 */
export async function removeWorktree(
  repository: Repository,
  input: { readonly attemptId: string } & Partial<CleanupInput>,
): Promise<KeptItem | null> {
  const known = { active: new Set(input.activeAttemptIds ?? []), ended: new Set(input.endedTaskIds ?? []) };
  return withRepositoryLock(repository, async () => {
    const record = await readAttemptRecord(repository, input.attemptId);
    if (record === null) return null;
    const worktrees = await listWorktrees(repository);
    const inspection = await inspectSafely(repository, record, worktrees, known);
    if (inspection.kind === 'kept') return describeKept(record, inspection.reason, inspection.message);
    try {
      await removeFiles(repository, record, inspection.worktree);
    } catch (error) {
      return describeKept(record, 'GIT_REFUSED', error instanceof Error ? error.message : String(error));
    }
    const holder = worktrees.find(
      (worktree) => worktree.branch === record.branch && worktree.path !== record.directory,
    );
    if (inspection.tip !== null && holder !== undefined) {
      return {
        ...describeKept(record, 'CHECKED_OUT', `The branch is checked out in ${holder.path}.`),
        path: null,
      };
    }
    if (inspection.tip !== null) {
      // Only while it stands where it was proved to be merged.
      await askGit(repository, ['update-ref', '-d', `refs/heads/${record.branch}`, inspection.tip]);
    }
    await removeAttemptRecord(repository, record.attemptId);
    return null;
  });
}

type Removable = Extract<Inspection, { kind: 'removable' }>;

async function removeFiles(
  repository: Repository,
  { directory }: AttemptRecord,
  worktree: Removable['worktree'],
): Promise<void> {
  // Neither is forced: git looks for changes once more, and a directory must be empty.
  if (worktree === 'empty') await rmdir(directory);
  if (worktree === 'whole' || worktree === 'entry') {
    await askGit(repository, ['worktree', 'remove', '--end-of-options', directory], {
      timeoutMs: 10 * 60_000,
    });
  }
}

/** What can't be judged is kept. */
async function inspectSafely(
  repository: Repository,
  record: AttemptRecord,
  worktrees: readonly ListedWorktree[],
  known: { readonly active: ReadonlySet<string>; readonly ended: ReadonlySet<string> },
): Promise<Inspection> {
  try {
    return await inspectWorktree(repository, {
      record,
      worktrees,
      activeAttemptIds: known.active,
      endedTaskIds: known.ended,
    });
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return { kind: 'kept', reason: error instanceof GitError ? 'GIT_REFUSED' : 'UNKNOWN', message };
  }
}

/** Directories, worktrees and branches that look like ours, of which no record is left. */
async function findUnknown(
  repository: Repository,
  records: readonly AttemptRecord[],
  worktrees: readonly ListedWorktree[],
): Promise<KeptItem[]> {
  const paths = new Set(records.map((record) => record.directory));
  const branches = new Set(records.map((record) => record.branch));
  const found: KeptItem[] = [];
  const add = (path: string | null, branch: string | null, message: string): void => {
    const remedy = tellRemedy('UNKNOWN', path, branch);
    found.push({ attemptId: null, path, branch, reason: 'UNKNOWN', message, remedy });
  };
  for (const worktree of worktrees) {
    const isOurs =
      isInside(worktree.path, repository.worktreesDirectory) && worktree.path !== repository.path;
    if (!isOurs || paths.has(worktree.path)) continue;
    add(worktree.path, worktree.branch, 'A worktree of which no record is left.');
    paths.add(worktree.path);
    if (worktree.branch !== null) branches.add(worktree.branch);
  }
  for (const name of await readNames(repository.worktreesDirectory)) {
    const path = join(repository.worktreesDirectory, name);
    if (!paths.has(path)) add(path, null, 'It lies among our worktrees and is none that git or we know.');
  }
  const refs = await askGitText(repository, ['for-each-ref', '--format=%(refname)', 'refs/heads/neolith']);
  for (const ref of refs.split('\n')) {
    const branch = ref.replace(/^refs\/heads\//, '');
    if (branch.startsWith(ATTEMPT_BRANCHES) && !branches.has(branch)) {
      add(null, branch, 'A branch of an attempt of which no record is left.');
    }
  }
  return found;
}

async function readNames(directory: string): Promise<string[]> {
  try {
    return (await readdir(directory)).sort();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

function describeRemovable(record: AttemptRecord, inspection: Removable): RemovableItem {
  const { attemptId, taskId, runId } = record;
  return {
    attemptId,
    taskId,
    runId,
    path: inspection.worktree === 'none' ? null : record.directory,
    branch: inspection.tip === null ? null : record.branch,
  };
}

function describeKept(record: AttemptRecord, reason: KeptReason, message: string): KeptItem {
  const branch = record.branch === '' ? null : record.branch;
  return {
    attemptId: record.attemptId,
    path: record.directory,
    branch,
    reason,
    message,
    remedy: tellRemedy(reason, record.directory, branch),
  };
}
