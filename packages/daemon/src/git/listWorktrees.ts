import { askGit, splitRecords } from './askGit.js';
import type { Repository } from './repository.js';

export interface ListedWorktree {
  readonly path: string;
  /** Null without a commit, or in a bare repository. */
  readonly head: string | null;
  /** Short name; null when HEAD is detached. */
  readonly branch: string | null;
  readonly bare: boolean;
  /** Why, which may be empty; null: not locked. */
  readonly locked: string | null;
  /** git takes it for gone. */
  readonly prunable: boolean;
}

/** All worktrees of the repository, the main one first. */
export async function listWorktrees(
  repository: Pick<Repository, 'path' | 'environment'>,
): Promise<ListedWorktree[]> {
  const { stdout } = await askGit(repository, ['worktree', 'list', '--porcelain', '-z']);
  return parseWorktrees(splitRecords(stdout).map((record) => record.toString('utf8')));
}

/** Attributes of one worktree follow each other; an empty record ends it. */
function parseWorktrees(records: readonly string[]): ListedWorktree[] {
  const found: ListedWorktree[] = [];
  let attributes = new Map<string, string>();
  for (const record of [...records, '']) {
    if (record !== '') {
      const space = record.indexOf(' ');
      attributes.set(
        space === -1 ? record : record.slice(0, space),
        space === -1 ? '' : record.slice(space + 1),
      );
      continue;
    }
    const path = attributes.get('worktree');
    if (path !== undefined) {
      found.push({
        path,
        head: attributes.get('HEAD') ?? null,
        branch: attributes.get('branch')?.replace(/^refs\/heads\//, '') ?? null,
        bare: attributes.has('bare'),
        locked: attributes.get('locked') ?? null,
        prunable: attributes.has('prunable'),
      });
    }
    attributes = new Map();
  }
  return found;
}
