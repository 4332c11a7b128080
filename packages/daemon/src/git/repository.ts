/** A git repository in which agents work, each attempt in a worktree and on a branch of its own. */
export interface Repository {
  /** Absolute, of the main worktree. */
  readonly path: string;
  /** Where its attempts' worktrees lie; outside of the repository. */
  readonly worktreesDirectory: string;
}

export interface AttemptWorktree {
  /** Absolute. */
  readonly directory: string;
  /** Ours, made from ids: nothing of a task's text is in it. */
  readonly branch: string;
  /** The commit it began at. */
  readonly baseCommit: string;
  /** The branch that its work is to be merged into. */
  readonly targetBranch: string;
}

/** What an attempt changed, committed on its branch. */
export interface CommittedWork {
  /** The tip of the branch; null where nothing differs from the base. */
  readonly commit: string | null;
  readonly files: number;
  readonly insertions: number;
  readonly deletions: number;
}
