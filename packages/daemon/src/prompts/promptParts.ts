import type { TaskExecutionContext } from '@neolith/contracts';
import type { AttemptWorktree } from '../git/repository.js';

/** What is known of the repository that an agent works in; all of it may be missing. */
export interface ProjectFacts {
  readonly name?: string;
  /** Such as `TypeScript`, `pnpm`, `vitest`: found by the files that are there. */
  readonly technologies: readonly string[];
  /** Text of the files that tell agents how to write here (AGENTS.md, CONTRIBUTING.md…), shortened. */
  readonly standards: readonly { readonly file: string; readonly text: string }[];
  /** How its tests, types and lint are run. */
  readonly commands: readonly { readonly purpose: string; readonly command: string }[];
}

/** Everything a prompt is made of. */
export interface PromptParts {
  readonly context: TaskExecutionContext;
  /** Null: the agent works in no repository. */
  readonly project: ProjectFacts | null;
  readonly worktree: AttemptWorktree | null;
  /** Which agent reads it: its own instructions are added. */
  readonly agent: string;
  /** Whether it finds the socket by which it can ask for resources. Default false. */
  readonly mayAsk?: boolean;
  /** Fences what comes from outside; drawn at random for each prompt, given in tests. */
  readonly delimiter: string;
  /** Takes secrets out of what comes from outside, before anything is shortened. Default: nothing is taken out. */
  readonly redact?: (text: string) => string;
}
