import { askGit } from './askGit.js';
import type { AttemptRecord } from './attemptRecord.js';
import { TRAILERS } from './commitMessage.js';
import { requireSafeId } from './names.js';
import type { Repository } from './repository.js';

/** A commit that says whose work it is. */
export interface MergedWork {
  readonly commit: string;
  readonly taskId: string;
  readonly attemptId: string;
  /** The tip of the attempt's branch that it stands for, where that is another commit. */
  readonly source: string | null;
}

const FIELD = '\x1f';
const FORMAT = ['%H', ...[TRAILERS.task, TRAILERS.attempt, TRAILERS.source].map(readTrailer)].join(FIELD);

function readTrailer(name: string): string {
  return `%(trailers:key=${name},valueonly,separator=%x1e)`;
}

/**
 * Commits of a branch that say to be work of a task or of an attempt, newest first. What is in counts as merged, also
 * where the one who merged it died before he could tell.
 */
export function findMergedWork(
  repository: Pick<Repository, 'path' | 'environment'>,
  targetBranch: string,
  wanted: { readonly taskId: string } | { readonly attemptId: string },
): Promise<MergedWork[]> {
  const [name, id] =
    'taskId' in wanted
      ? [TRAILERS.task, requireSafeId(wanted.taskId, 'a task id')]
      : [TRAILERS.attempt, requireSafeId(wanted.attemptId, 'an attempt id')];
  return listWork(repository, `refs/heads/${targetBranch}`, [
    `--grep=${name}: ${id}`,
    '--fixed-strings',
  ]).then((found) => found.filter((work) => ('taskId' in wanted ? work.taskId : work.attemptId) === id));
}

/** Those of an attempt, and of the attempts whose place it took over. */
export async function findMergedWorkOf(
  repository: Pick<Repository, 'path' | 'environment'>,
  record: Pick<AttemptRecord, 'attemptId' | 'earlierAttemptIds' | 'targetBranch'>,
): Promise<MergedWork[]> {
  const found: MergedWork[] = [];
  for (const attemptId of [record.attemptId, ...record.earlierAttemptIds])
    found.push(...(await findMergedWork(repository, record.targetBranch, { attemptId })));
  return found;
}

/** Commits of `range` that say to be work of an attempt, or to stand for one. */
export async function listWork(
  repository: Pick<Repository, 'path' | 'environment'>,
  range: string,
  options: readonly string[] = [],
): Promise<MergedWork[]> {
  const { stdout } = await askGit(repository, [
    'log',
    '-z',
    `--format=${FORMAT}`,
    '--no-show-signature',
    ...options,
    '--end-of-options',
    range,
    '--',
  ]);
  return stdout
    .toString('utf8')
    .split('\0')
    .flatMap((record) => {
      const [commit = '', taskId = '', attemptId = '', source = ''] = record.replace(/^\n+/, '').split(FIELD);
      if (commit === '' || (attemptId === '' && source === '')) return [];
      return [{ commit, taskId, attemptId, source: source === '' ? null : source }];
    });
}
