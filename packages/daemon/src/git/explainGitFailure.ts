import { cleanGitText } from './cleanGitText.js';
import { GitError, type GitErrorCode } from './gitError.js';

export interface GitFailure {
  /** `git commit`. */
  readonly what: string;
  readonly cwd: string;
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** The end of stderr. */
  readonly errors: string;
}

interface Kind {
  readonly code: GitErrorCode;
  readonly sign: RegExp;
  readonly remedy: (match: RegExpExecArray) => string;
}

/** git has one exit code for everything that went wrong; what it was, only its words say. First match counts. */
const KINDS: readonly Kind[] = [
  {
    code: 'DISK_FULL',
    sign: /No space left on device|Disk quota exceeded|file write error|unable to write (?:loose object )?file/i,
    remedy: () => 'Free some space there (neolith cleanup lists finished worktrees), then retry the task.',
  },
  {
    code: 'REPOSITORY_NOT_TRUSTED',
    sign: /detected dubious ownership in repository at '([^'\n]+)'/i,
    remedy: (match) =>
      `It belongs to another user. If you trust it: git config --global --add safe.directory '${match[1] ?? ''}'`,
  },
  {
    code: 'NOT_A_REPOSITORY',
    sign: /not a git repository/i,
    remedy: () => 'Give a directory inside a git repository, or make one with: git init',
  },
  {
    code: 'REPOSITORY_LOCKED',
    sign: /Unable to create '([^'\n]+\.lock)': File exists|cannot lock ref '([^'\n]+)'.*File exists/i,
    remedy: (match) =>
      `Another git command is at work there, or one was cut off. If none is running, remove ${match[1] ?? `the lock of ${match[2] ?? 'the ref'}`} and try again.`,
  },
];

/** Turns what git said into an error with a stable code and a remedy. Pure. */
export function explainGitFailure(failure: GitFailure): GitError {
  const said = cleanGitText(failure.errors).trim();
  const ending =
    failure.code === null ? `was ended by ${failure.signal ?? 'a signal'}` : `failed (exit ${failure.code})`;
  for (const { code, sign, remedy } of KINDS) {
    const match = sign.exec(said);
    if (match !== null)
      return new GitError(code, `${failure.what} ${ending} in ${failure.cwd}: ${said}\n${remedy(match)}`);
  }
  return new GitError(
    'GIT_FAILED',
    `${failure.what} ${ending} in ${failure.cwd}${said === '' ? '.' : `: ${said}`}`,
  );
}
