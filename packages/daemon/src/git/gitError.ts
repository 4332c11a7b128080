export type GitErrorCode =
  | 'GIT_NOT_FOUND'
  | 'GIT_TOO_OLD'
  | 'GIT_FAILED'
  | 'GIT_TIMED_OUT'
  | 'GIT_OUTPUT_TOO_LARGE'
  | 'DISK_FULL'
  | 'NOT_A_REPOSITORY'
  | 'REPOSITORY_BARE'
  | 'REPOSITORY_EMPTY'
  | 'REPOSITORY_NOT_TRUSTED'
  | 'REPOSITORY_LOCKED'
  | 'REPOSITORY_BUSY'
  | 'DIRECTORY_UNUSABLE'
  | 'NAME_INVALID'
  | 'TARGET_NOT_FOUND'
  | 'TARGET_UNUSABLE'
  | 'ATTEMPT_UNKNOWN'
  | 'WORKTREE_EXISTS'
  | 'WORKTREE_MISSING'
  | 'WORKTREE_DIRTY'
  | 'CACHE_UNUSABLE'
  | 'WORKTREE_TAMPERED'
  | 'CONFIGURATION_CHANGED'
  | 'OPERATION_IN_PROGRESS'
  | 'WORK_CONFLICTED'
  | 'HISTORY_REWRITTEN'
  | 'NESTED_REPOSITORY'
  | 'LINK_LEADS_OUT';

/** What an agent did to its worktree; everything else has to do with the machine or the repository. */
const CAUSED_BY_THE_AGENT: ReadonlySet<GitErrorCode> = new Set([
  'WORKTREE_TAMPERED',
  'OPERATION_IN_PROGRESS',
  'WORK_CONFLICTED',
  'HISTORY_REWRITTEN',
  'NESTED_REPOSITORY',
  'LINK_LEADS_OUT',
]);

/** Something with the repository is not as it must be; the message names it and the remedy, secrets taken out. */
export class GitError extends Error {
  override readonly name = 'GitError';
  constructor(
    readonly code: GitErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }

  /** Which budget an attempt that ends by this uses up. */
  get failureClass(): 'task' | 'infrastructure' {
    return CAUSED_BY_THE_AGENT.has(this.code) ? 'task' : 'infrastructure';
  }
}

export function hasGitCode(error: unknown, code: GitErrorCode): boolean {
  return error instanceof GitError && error.code === code;
}
