import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { isSafeId, nameAttemptBranch, requireSafeId } from './names.js';
import type { ProcessLife } from './processLife.js';
import type { Programs } from './readPrograms.js';
import type { AttemptWorktree, Repository } from './repository.js';
import { writeFileWhole } from './writeFileWhole.js';

/** What we know of a worktree that we made; kept in the repository until worktree and branch are gone. */
export interface AttemptRecord extends AttemptWorktree {
  readonly attemptId: string;
  readonly taskId: string;
  readonly runId: string | null;
  /** Of git, for this worktree alone: what its `.git` must lead to. */
  readonly adminDirectory: string;
  /** Who works with it; null once it is released. */
  readonly owner: ProcessLife | null;
  /** ISO 8601. */
  readonly createdAt: string;
  /** Only to run the check of a merge in; begun at a commit that we made and that nobody works on. */
  readonly scratch: boolean;
  /** What git was configured to run when it was made: for the repository, and for this worktree alone. Null: unknown. */
  readonly programs: { readonly shared: Programs; readonly own: Programs } | null;
  /**
   * Since when a person was asked to work in it, ISO 8601; null: nobody was. Until the task is done it stays, and the
   * next attempt at the task goes on in it.
   */
  readonly handedOffAt: string | null;
  /** Attempts whose place it was before: the first of them gave the directory its name. */
  readonly earlierAttemptIds: readonly string[];
}

export async function writeAttemptRecord(repository: Repository, record: AttemptRecord): Promise<void> {
  await mkdir(recordsDirectory(repository), { recursive: true, mode: 0o700 });
  await writeFileWhole(recordFile(repository, record.attemptId), `${JSON.stringify(record)}\n`);
}

/** Null: we made no worktree for it, or it is gone. */
export async function readAttemptRecord(
  repository: Repository,
  attemptId: string,
): Promise<AttemptRecord | null> {
  let text: string;
  try {
    text = await readFile(recordFile(repository, attemptId), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
  return parseRecord(text, attemptId);
}

/** Without those that are damaged: of them nothing is known, so nothing of theirs is removed. */
export async function listAttemptRecords(repository: Repository): Promise<AttemptRecord[]> {
  let names: string[];
  try {
    names = await readdir(recordsDirectory(repository));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
  const ids = names.flatMap((name) => (/^[\w-]+\.json$/.test(name) ? [name.slice(0, -'.json'.length)] : []));
  const records: AttemptRecord[] = [];
  for (const id of ids.sort()) {
    const record = await readAttemptRecord(repository, id);
    if (record !== null) records.push(record);
  }
  return records;
}

export async function removeAttemptRecord(repository: Repository, attemptId: string): Promise<void> {
  await rm(recordFile(repository, attemptId), { force: true });
}

/**
 * Says that a person was asked to go on in the worktree of an attempt: it stays as it is, and the next attempt at the
 * task takes it over (`adoptWorktree`).
 */
export async function handOffWorktree(repository: Repository, attemptId: string): Promise<void> {
  const record = await readAttemptRecord(repository, attemptId);
  if (record === null) return;
  await writeAttemptRecord(repository, { ...record, owner: null, handedOffAt: new Date().toISOString() });
}

/** Says that no person is expected there any more: the worktree is judged like all others. Fine when there is none. */
export async function takeBackWorktree(repository: Repository, attemptId: string): Promise<void> {
  const record = await readAttemptRecord(repository, attemptId);
  if (record !== null && record.handedOffAt !== null)
    await writeAttemptRecord(repository, { ...record, handedOffAt: null });
}

/**
 * Says that nobody works in the worktree of an attempt any more, so that any process may clean it up once it is safe.
 * Until then only this one may, while it lives. Fine when there is none.
 */
export async function releaseWorktree(repository: Repository, attemptId: string): Promise<void> {
  const record = await readAttemptRecord(repository, attemptId);
  if (record?.owner != null) await writeAttemptRecord(repository, { ...record, owner: null });
}

function recordsDirectory(repository: Repository): string {
  return join(repository.gitDirectory, 'neolith', 'attempts');
}

function recordFile(repository: Repository, attemptId: string): string {
  return join(recordsDirectory(repository), `${requireSafeId(attemptId, 'an attempt id')}.json`);
}

/** An agent could have written it: only a record that is one counts. */
function parseRecord(text: string, attemptId: string): AttemptRecord | null {
  try {
    const record = JSON.parse(text) as Partial<AttemptRecord>;
    const texts = [
      record.directory,
      record.branch,
      record.baseCommit,
      record.targetBranch,
      record.taskId,
      record.adminDirectory,
    ];
    if (record.attemptId !== attemptId || !texts.every((value) => typeof value === 'string')) return null;
    const earlier: unknown = record.earlierAttemptIds ?? [];
    if (!Array.isArray(earlier) || !earlier.every((id) => typeof id === 'string' && isSafeId(id)))
      return null;
    // One that names another directory or branch would have us remove that.
    const isOurs =
      [attemptId, ...earlier].includes(basename(record.directory ?? '')) &&
      record.branch === (record.scratch === true ? '' : nameAttemptBranch(attemptId));
    if (!isOurs) return null;
    const { programs = null, handedOffAt = null } = record;
    return { ...(record as AttemptRecord), programs, handedOffAt, earlierAttemptIds: earlier as string[] };
  } catch {
    return null;
  }
}
