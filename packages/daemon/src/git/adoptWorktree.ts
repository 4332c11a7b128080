import { askGit, isContained, readCommit } from './askGit.js';
import {
  type AttemptRecord,
  listAttemptRecords,
  releaseWorktree,
  removeAttemptRecord,
  writeAttemptRecord,
} from './attemptRecord.js';
import { findFault } from './checkWorktree.js';
import { GitError } from './gitError.js';
import { nameAttemptBranch } from './names.js';
import { describeOwnLife, judgeLife } from './processLife.js';
import type { AttemptWorktree, Repository } from './repository.js';
import { type LockOptions, withRepositoryLock } from './repositoryLock.js';
import { requireSamePrograms } from './requireSamePrograms.js';

export interface AdoptInput {
  readonly taskId: string;
  /** The new one, which nothing was made for yet. */
  readonly attemptId: string;
  readonly lock?: LockOptions;
}

/**
 * Gives a new attempt the worktree that a person was asked to work in for the same task (`handOffWorktree`), with all that
 * lies in it: directory and files stay, the branch gets the new attempt's name. Cut off at any point, nothing is lost, and
 * the next attempt takes it over the same way.
 * @returns null: nobody was asked to, or the worktree is not here any more.
 * @throws GitError `REPOSITORY_BUSY`: an attempt of before still holds it; `CONFIGURATION_CHANGED`: git would run other
 *   programs there than when the place was made. Nothing is taken over then.
 */
export function adoptWorktree(repository: Repository, input: AdoptInput): Promise<AttemptWorktree | null> {
  return withRepositoryLock(
    repository,
    async () => {
      const before = await findHandedOff(repository, input.taskId);
      const last = before.at(-1);
      return last === undefined ? null : takeOver(repository, { last, before, attemptId: input.attemptId });
    },
    input.lock,
  );
}

/**
 * The records of the worktree that was handed off last, oldest first: several where a take-over was cut off, all with the
 * same directory.
 */
async function findHandedOff(repository: Repository, taskId: string): Promise<AttemptRecord[]> {
  const records = (await listAttemptRecords(repository))
    .filter((record) => record.taskId === taskId && record.handedOffAt !== null && !record.scratch)
    // A take-over keeps the times and lengthens the list.
    .sort(
      (a, b) =>
        Number(a.createdAt > b.createdAt) - Number(a.createdAt < b.createdAt) ||
        a.earlierAttemptIds.length - b.earlierAttemptIds.length,
    );
  for (const last of records.toReversed()) {
    if ((await findFault(last)) !== null) continue;
    const same = records.filter(({ directory }) => directory === last.directory);
    for (const record of same) await requireLeft(record);
    return same;
  }
  return [];
}

async function requireLeft({ owner, attemptId, directory }: AttemptRecord): Promise<void> {
  if (owner === null || (await judgeLife(owner)) === 'over') return;
  throw new GitError(
    'REPOSITORY_BUSY',
    `${directory}, where a person works on this task, is still held by the attempt ${attemptId}. It can be taken over when that one has ended; if its daemon is gone for good, start it once more where it ran.`,
  );
}

interface TakeOver {
  readonly last: AttemptRecord;
  readonly before: readonly AttemptRecord[];
  readonly attemptId: string;
}

async function takeOver(
  repository: Repository,
  { last, before, attemptId }: TakeOver,
): Promise<AttemptWorktree> {
  // Agents may have worked there before the person, and others in the same repository since.
  const programs = last.programs ?? { shared: repository.programs, own: {} };
  await requireSamePrograms(repository, { ...last, programs });
  const record: AttemptRecord = {
    ...last,
    attemptId,
    branch: nameAttemptBranch(attemptId),
    owner: await describeOwnLife(),
    programs: { shared: repository.programs, own: programs.own },
    earlierAttemptIds: [...new Set(before.flatMap((one) => [...one.earlierAttemptIds, one.attemptId]))],
  };
  // The order counts: a branch is always checked out or known by a record, and a record that names the place remains.
  await writeAttemptRecord(repository, record);
  try {
    await moveBranch(repository, record, before);
    for (const one of before) await removeAttemptRecord(repository, one.attemptId);
    const { directory, branch, baseCommit, targetBranch } = record;
    return { directory, branch, baseCommit, targetBranch };
  } catch (error) {
    // Held by us it could not be taken over before we end.
    await releaseWorktree(repository, attemptId);
    throw error;
  }
}

/** Makes the new branch where the old one stands, checks it out in its place (no file changes), and removes the old. */
async function moveBranch(
  repository: Repository,
  { directory, branch, baseCommit }: AttemptRecord,
  before: readonly AttemptRecord[],
): Promise<void> {
  const names = before.map((record) => record.branch).reverse();
  const checkedOut = await readCheckedOut(repository, directory);
  const isOurs = checkedOut !== null && names.includes(checkedOut);
  // Where a take-over was cut off, the person went on with the one that is checked out.
  const ordered = isOurs ? [checkedOut, ...names.filter((name) => name !== checkedOut)] : names;
  const tips: { name: string; tip: string }[] = [];
  for (const name of ordered) {
    const tip = await readCommit(repository, `refs/heads/${name}`);
    if (tip !== null) tips.push({ name, tip });
  }
  const start = tips[0]?.tip ?? baseCommit;
  const reason = ['-m', 'neolith: hand over'];
  await askGit(repository, [
    'update-ref',
    ...reason,
    `refs/heads/${branch}`,
    start,
    '0'.repeat(start.length),
  ]);
  if (isOurs) {
    await askGit(repository, ['symbolic-ref', ...reason, 'HEAD', `refs/heads/${branch}`], { cwd: directory });
  }
  for (const { name, tip } of tips) {
    // What is on it alone stays, and is listed by every clean-up.
    if (!(await isContained(repository, tip, start))) continue;
    await askGit(repository, ['update-ref', '-d', `refs/heads/${name}`, tip]);
  }
}

async function readCheckedOut(repository: Repository, cwd: string): Promise<string | null> {
  const { stdout } = await askGit(repository, ['symbolic-ref', '--quiet', 'HEAD'], { cwd, answers: [0, 1] });
  const ref = stdout.toString('utf8').trim();
  return ref === '' ? null : ref.replace(/^refs\/heads\//, '');
}
