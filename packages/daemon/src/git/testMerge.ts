import { askGit, splitRecords } from './askGit.js';
import type { Repository } from './repository.js';

export type TestMerge =
  | { readonly kind: 'clean'; readonly tree: string }
  | {
      readonly kind: 'conflict';
      /** Conflicting files are in it with conflict marks. */
      readonly tree: string;
      readonly files: readonly string[];
      /** `CONFLICT (content): Merge conflict in a.txt`… */
      readonly messages: readonly string[];
    }
  /** No common history, for example. */
  | { readonly kind: 'impossible'; readonly reason: string };

/** Merges two commits without touching a worktree, an index or a branch. */
export async function testMerge(
  repository: Pick<Repository, 'path' | 'environment'>,
  ours: string,
  theirs: string,
): Promise<TestMerge> {
  if ((await findMergeBase(repository, ours, theirs)) === null) {
    return { kind: 'impossible', reason: 'They have no common history.' };
  }
  const { exitCode, stdout } = await askGit(
    repository,
    ['merge-tree', '--write-tree', '-z', '--messages', ours, theirs],
    { answers: [0, 1] },
  );
  const records = splitRecords(stdout).map((record) => record.toString('utf8'));
  const tree = (records[0] ?? '').trim();
  if (exitCode === 0) return { kind: 'clean', tree };
  return { kind: 'conflict', tree, ...readConflicts(records.slice(1)) };
}

async function findMergeBase(
  repository: Pick<Repository, 'path' | 'environment'>,
  ours: string,
  theirs: string,
): Promise<string | null> {
  const { exitCode, stdout } = await askGit(repository, ['merge-base', ours, theirs], { answers: [0, 1] });
  return exitCode === 0 ? stdout.toString('utf8').trim() : null;
}

/**
 * `MODE ID STAGE\tPATH` for each conflicting stage, an empty record, then messages:
 * number of paths, the paths, kind, text.
 */
function readConflicts(records: readonly string[]): { files: string[]; messages: string[] } {
  const files = new Set<string>();
  let at = 0;
  for (; at < records.length && records[at] !== ''; at += 1) {
    files.add((records[at] ?? '').replace(/^[^\t]*\t/, ''));
  }
  at += 1;
  const messages: string[] = [];
  while (at < records.length) {
    const paths = Number(records[at]);
    if (!Number.isInteger(paths) || records[at] === '') break;
    const kind = records[at + paths + 1] ?? '';
    const text = records[at + paths + 2] ?? '';
    if (kind.startsWith('CONFLICT')) messages.push(text.trim());
    at += paths + 3;
  }
  return { files: [...files], messages };
}
