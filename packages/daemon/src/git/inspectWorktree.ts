import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { askGit, askGitText, askGitWhether, isContained, readCommit, splitRecords } from './askGit.js';
import type { AttemptRecord } from './attemptRecord.js';
import { findFault } from './checkWorktree.js';
import { findNestedRepositories } from './findNestedRepositories.js';
import { findProcessesIn, findProcessesOf } from './findProcessesIn.js';
import type { KeptReason } from './keptReasons.js';
import type { ListedWorktree } from './listWorktrees.js';
import { findMergedWorkOf } from './mergedWork.js';
import { findOperation } from './operations.js';
import { describeOwnLife, judgeLife } from './processLife.js';
import type { Repository } from './repository.js';
import { findOtherPrograms } from './requireSamePrograms.js';
import { isSuperseded } from './supersede.js';

/** What is left of an attempt, and whether it can go without anything being lost. */
export type Inspection =
  | {
      readonly kind: 'removable';
      /** What there is: a worktree, its entry without the directory, an empty directory, or none of them. */
      readonly worktree: 'whole' | 'entry' | 'empty' | 'none';
      /** Of the branch; null: there is none. */
      readonly tip: string | null;
    }
  | { readonly kind: 'kept'; readonly reason: KeptReason; readonly message: string };

export interface InspectionInput {
  readonly record: AttemptRecord;
  readonly worktrees: readonly ListedWorktree[];
  readonly activeAttemptIds: ReadonlySet<string>;
  readonly endedTaskIds: ReadonlySet<string>;
}

/**
 * Proves that a worktree of ours can be removed, or says why not: nobody works with it, nothing lies in it that is not
 * committed, and its commits are in the target branch, themselves or by a commit that names them. Changes nothing.
 */
export async function inspectWorktree(
  repository: Repository,
  { record, worktrees, activeAttemptIds, endedTaskIds }: InspectionInput,
): Promise<Inspection> {
  const { directory, attemptId } = record;
  if (activeAttemptIds.has(attemptId)) return keep('ACTIVE', `The attempt ${attemptId} is going on.`);
  const busy = await findUser(record);
  if (busy !== null) return keep('BUSY', busy);
  const isWaiting = record.handedOffAt !== null && !endedTaskIds.has(record.taskId);
  if (isWaiting && existsSync(directory)) {
    return keep('HANDED_OFF', `It waits for a person, who was asked to do the task ${record.taskId} in it.`);
  }
  const otherPrograms = await findOtherPrograms(repository, record);
  if (otherPrograms !== null) return keep('TAMPERED', otherPrograms.message);
  const listed = worktrees.find((worktree) => worktree.path === directory);
  if (listed?.locked != null) {
    return keep('LOCKED', `It is locked${listed.locked === '' ? '' : `: ${listed.locked}`}.`);
  }
  const present = existsSync(directory);
  if (present && listed === undefined) {
    if ((await readdir(directory)).length > 0) {
      return keep(
        'UNKNOWN',
        'git knows of no worktree there (any more), so what is in it can not be judged.',
      );
    }
    return (await judgeTips(repository, record, [])) ?? removable(repository, record, 'empty');
  }
  if (listed === undefined)
    return (await judgeTips(repository, record, [])) ?? removable(repository, record, 'none');
  if (!present && !existsSync(dirname(directory))) {
    return keep('NOT_REACHABLE', `${dirname(directory)} is not there now.`);
  }
  const kept = present
    ? await judgeFiles(repository, record)
    : await judgeStaged(repository, { variables: { GIT_DIR: record.adminDirectory } });
  if (kept !== null) return kept;
  const { head } = listed;
  if (head === null) return keep('UNMERGED', 'Its HEAD leads to no commit.');
  return (
    (await judgeTips(repository, record, [head])) ??
    removable(repository, record, present ? 'whole' : 'entry')
  );
}

async function removable(
  repository: Repository,
  record: AttemptRecord,
  worktree: 'whole' | 'entry' | 'empty' | 'none',
): Promise<Inspection> {
  return { kind: 'removable', worktree, tip: await readTip(repository, record) };
}

function keep(reason: KeptReason, message: string): Extract<Inspection, { kind: 'kept' }> {
  return { kind: 'kept', reason, message };
}

/** Null: nobody. */
async function findUser({ owner, attemptId, directory }: AttemptRecord): Promise<string | null> {
  if (owner !== null && owner.life !== (await describeOwnLife()).life) {
    const verdict = await judgeLife(owner);
    if (verdict === 'alive') return `A running daemon (process ${readPid(owner.life)}) has not released it.`;
    if (verdict === 'unknown')
      return `A daemon elsewhere (${owner.place.split(' ')[0] ?? ''}) has not released it.`;
  }
  const pids = new Set([...(await findProcessesOf(attemptId)), ...(await findProcessesIn(directory))]);
  return pids.size === 0 ? null : `Processes are at work there: ${[...pids].join(', ')}.`;
}

function readPid(life: string): string {
  return /:(\d+)/.exec(life)?.[1] ?? '?';
}

async function judgeFiles(repository: Repository, record: AttemptRecord) {
  const { directory, adminDirectory } = record;
  const fault = await findFault(record);
  if (fault !== null) return keep('TAMPERED', fault.message);
  const operation = findOperation(adminDirectory);
  if (operation !== null)
    return keep('OPERATION_IN_PROGRESS', `A ${operation} was begun there and not ended.`);
  if (existsSync(join(adminDirectory, 'index.lock'))) {
    return keep(
      'BUSY',
      `A git command is at work there, or was cut off: ${join(adminDirectory, 'index.lock')}`,
    );
  }
  const nested = await findNestedRepositories(repository, directory);
  if (nested.length > 0)
    return keep('NESTED_REPOSITORY', `There is a repository of its own in ${nested[0]}.`);
  const refs = await askGitText(
    repository,
    ['for-each-ref', '--format=%(refname)', 'refs/worktree', 'refs/bisect', 'refs/rewritten'],
    { cwd: directory },
  );
  if (refs !== '')
    return keep('OWN_REFS', `It has refs of its own: ${refs.split('\n').slice(0, 3).join(', ')}.`);
  return (await judgeStaged(repository, { cwd: directory })) ?? (await judgeUncommitted(repository, record));
}

/** What is only in the index would go with it. */
async function judgeStaged(
  repository: Repository,
  where: { readonly cwd: string } | { readonly variables: Readonly<Record<string, string>> },
) {
  const same = await askGitWhether(
    repository,
    ['diff-index', '--cached', '--quiet', '--ignore-submodules=none', 'HEAD'],
    where,
  );
  return same ? null : keep('DIRTY', 'It has changes that are staged and not committed.');
}

/**
 * Compares every file with HEAD by its content, through an index that knows nothing yet: neither flags that hide
 * changes nor times and sizes that look unchanged are believed.
 */
async function judgeUncommitted(repository: Repository, { directory, adminDirectory }: AttemptRecord) {
  const index = join(adminDirectory, `neolith-inspect-${randomUUID()}`);
  const options = { cwd: directory, variables: { GIT_INDEX_FILE: index }, timeoutMs: 10 * 60_000 };
  try {
    await askGit(repository, ['read-tree', 'HEAD'], options);
    const { stdout } = await askGit(
      repository,
      ['status', '--porcelain', '-z', '--untracked-files=all', '--no-renames', '--ignore-submodules=none'],
      options,
    );
    const names = splitRecords(stdout).map((record) => record.toString('utf8'));
    if (names.length === 0) return null;
    const shown = names.slice(0, 3).map((name) => JSON.stringify(name.slice(3)));
    return keep(
      'DIRTY',
      `It has files that are not committed: ${shown.join(', ')}${names.length > shown.length ? ` and ${names.length - shown.length} more` : ''}.`,
    );
  } finally {
    await rm(index, { force: true });
    await rm(`${index}.lock`, { force: true });
  }
}

/** Null: the commits, and the branch's, are safe. */
async function judgeTips(repository: Repository, record: AttemptRecord, commits: readonly string[]) {
  const tip = await readTip(repository, record);
  const target = await readCommit(repository, `refs/heads/${record.targetBranch}`);
  for (const commit of new Set(tip === null ? commits : [...commits, tip])) {
    // Begun there by us, and in the target or made again by a merger when it is needed.
    if (record.scratch && commit === record.baseCommit) continue;
    if (target === null)
      return keep(
        'TARGET_GONE',
        `The branch ${record.targetBranch} is gone, into which it was to be merged.`,
      );
    if (await isContained(repository, commit, target)) continue;
    const merged = await findMergedWorkOf(repository, record);
    if (merged.some((work) => work.source === commit)) continue;
    // Another attempt's work took its place, and its commits are kept elsewhere.
    if (await isSuperseded(repository, record.attemptId, commit)) continue;
    return keep('UNMERGED', `The commit ${commit} is not in ${record.targetBranch}.`);
  }
  return null;
}

async function readTip(repository: Repository, record: AttemptRecord): Promise<string | null> {
  return record.branch === '' ? null : readCommit(repository, `refs/heads/${record.branch}`);
}
