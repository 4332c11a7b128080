import type { AttemptWorktree, CommittedWork } from '../git/repository.js';
import type { ProjectFacts } from '../prompts/promptParts.js';
import type { MergedBefore, ResultStore } from './reuseWork.js';

export interface WorkFacts {
  readonly taskId: string;
  readonly attemptId: string;
  readonly runId: string | null;
  /** Of the task; becomes the subject of the commit. */
  readonly title: string;
  readonly agent: string;
  /** Of the attempt alone; goes with it. */
  readonly attemptDirectory: string;
}

/** Where one attempt works. */
export interface WorkSite {
  /** Absolute. */
  readonly directory: string;
  /** Null: in no repository. */
  readonly worktree: AttemptWorktree | null;
  readonly project: ProjectFacts | null;
  /**
   * The work of this task in the target branch already, by an attempt that could not tell any more. Null: there is none.
   */
  findMerged(): Promise<MergedBefore | null>;
  /** Null: no result is used again. */
  readonly results: ResultStore | null;
  /** Makes a commit of what the agent left. Null: in no repository. Throws when it can't; nothing is lost then. */
  commit(): Promise<CommittedWork | null>;
  /** Before the server is told that a person is to work here: keeps it for them, and for the next attempt at the task. */
  handOff(): Promise<void>;
  /**
   * When all is settled: removes what is provably merged, and keeps everything else. Answers why it was kept. `done`:
   * the task is, so that nothing waits here for a person any more.
   */
  close(how: { readonly done: boolean }): Promise<{ readonly kept: string | null }>;
}

/** Gives every attempt its place to work in. */
export interface Workplace {
  /** Throws when there is no place: that attempt fails, and the machine is to blame. */
  open(facts: WorkFacts): Promise<WorkSite>;
}

/** One directory for all; null: each attempt in its own, which goes with it. */
export function plainWorkplace(directory: string | null): Workplace {
  return {
    open: async ({ attemptDirectory }) => ({
      directory: directory ?? attemptDirectory,
      worktree: null,
      project: null,
      findMerged: async () => null,
      results: null,
      commit: async () => null,
      handOff: async () => undefined,
      close: async () => ({ kept: null }),
    }),
  };
}
