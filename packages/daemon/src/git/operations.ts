import { existsSync } from 'node:fs';
import { join } from 'node:path';

export type GitOperation = 'merge' | 'cherry-pick' | 'revert' | 'rebase' | 'am' | 'bisect' | 'sequence';

const SIGNS: readonly (readonly [GitOperation, string])[] = [
  ['rebase', 'rebase-merge'],
  ['am', 'rebase-apply/applying'],
  ['rebase', 'rebase-apply'],
  ['bisect', 'BISECT_LOG'],
  ['sequence', 'sequencer/todo'],
  ['merge', 'MERGE_HEAD'],
  ['cherry-pick', 'CHERRY_PICK_HEAD'],
  ['revert', 'REVERT_HEAD'],
];

/** What was begun in a worktree and not ended; the first that is found. */
export function findOperation(adminDirectory: string): GitOperation | null {
  return SIGNS.find(([, file]) => existsSync(join(adminDirectory, file)))?.[0] ?? null;
}

/** Those in which one commit is left to be made, of what lies in the worktree; in the others more is to come. */
export function isOneCommitAway(operation: GitOperation): boolean {
  return operation === 'merge' || operation === 'cherry-pick' || operation === 'revert';
}
