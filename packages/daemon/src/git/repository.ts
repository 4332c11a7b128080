import type { Programs } from './readPrograms.js';

/** A git repository in which agents work, each attempt in a worktree and on a branch of its own. */
export interface Repository {
  /** Absolute, of the main worktree. */
  readonly path: string;
  /** The worktree that was opened, whose HEAD a run's branch begins at: the main one, or another of the user's. */
  readonly openedPath: string;
  /** Absolute: what all worktrees share (`.git` of the main one). */
  readonly gitDirectory: string;
  /** Where its attempts' worktrees lie, of this repository alone; outside of the repository. */
  readonly worktreesDirectory: string;
  /** Where results lie that may be used again; made when the first is stored. */
  readonly cacheDirectory: string;
  /** Complete, for git commands. */
  readonly environment: Readonly<Record<string, string>>;
  /** Who commits. */
  readonly identity: GitIdentity;
  /** What its own configuration had git run when it was opened; see `requireSamePrograms`. */
  readonly programs: Programs;
}

export interface GitIdentity {
  readonly name: string;
  readonly email: string;
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
  /** The tip of the branch; null where nothing was committed since the base. */
  readonly commit: string | null;
  readonly files: number;
  readonly insertions: number;
  readonly deletions: number;
  /** What the agent had left behind and was put right: a branch of its own, a cut-off lock… Default none. */
  readonly notes?: readonly string[];
}
