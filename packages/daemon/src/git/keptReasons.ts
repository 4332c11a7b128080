/** Why something is not removed. Stable, for programs. */
export type KeptReason =
  | 'ACTIVE'
  | 'BUSY'
  | 'HANDED_OFF'
  | 'LOCKED'
  | 'DIRTY'
  | 'UNMERGED'
  | 'OPERATION_IN_PROGRESS'
  | 'NESTED_REPOSITORY'
  | 'OWN_REFS'
  | 'TAMPERED'
  | 'TARGET_GONE'
  | 'CHECKED_OUT'
  | 'UNKNOWN'
  | 'NOT_REACHABLE'
  | 'GIT_REFUSED';

/** For people: what to do so that it can go, or stay for good. */
const REMEDIES: Readonly<Record<KeptReason, string>> = {
  ACTIVE: 'Nothing: its attempt is still going on.',
  BUSY: 'End what is at work there, then clean up again.',
  HANDED_OFF:
    'Answer the task once it is done. If it never will be: git worktree remove PATH and git branch -D BRANCH',
  LOCKED: 'If nobody needs the lock: git worktree unlock PATH',
  DIRTY:
    'Look at git -C PATH status; commit what is worth it, or remove it: git worktree remove --force PATH',
  UNMERGED: 'Merge the branch, or give its commits up: git worktree remove PATH and git branch -D BRANCH',
  OPERATION_IN_PROGRESS: 'End or abort it there: git -C PATH status says how.',
  NESTED_REPOSITORY: 'Look whether that repository holds work; move it away or remove it.',
  OWN_REFS: 'Look at git -C PATH for-each-ref refs/worktree refs/bisect; delete those refs.',
  TAMPERED: 'Look through its files, then remove the directory and run: git worktree prune',
  TARGET_GONE: 'Make the target branch again, or merge the branch by hand.',
  CHECKED_OUT: 'Check out another branch in that worktree.',
  UNKNOWN: 'We did not make it, or know nothing of it any more. Look through it, then remove it by hand.',
  NOT_REACHABLE: 'Mount the disk that it lies on, or run: git worktree prune',
  GIT_REFUSED: 'See the reason; clean up again once it is gone.',
};

export function tellRemedy(reason: KeptReason, path: string | null, branch: string | null): string {
  return REMEDIES[reason]
    .replaceAll('PATH', path === null ? 'PATH' : `'${path}'`)
    .replaceAll('BRANCH', branch ?? 'BRANCH');
}
