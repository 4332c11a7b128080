import { askGit, askGitText } from './askGit.js';
import { committerVariables, identityVariables } from './identityVariables.js';
import type { Repository } from './repository.js';

/** Makes a commit object; no branch moves. @returns its id. */
export function makeCommit(
  repository: Repository,
  commit: {
    readonly tree: string;
    readonly parents: readonly string[];
    readonly message: string;
    /** `GIT_AUTHOR_NAME`, `_EMAIL`, `_DATE`. Default: who commits. */
    readonly author?: Readonly<Record<string, string>>;
  },
): Promise<string> {
  const { identity } = repository;
  return askGitText(
    repository,
    ['commit-tree', '-F', '-', ...commit.parents.flatMap((parent) => ['-p', parent]), commit.tree],
    {
      input: commit.message,
      variables:
        commit.author === undefined
          ? identityVariables(identity)
          : { ...committerVariables(identity), ...commit.author },
    },
  );
}

export function readTree(repository: Repository, commit: string): Promise<string> {
  return askGitText(repository, ['rev-parse', '--verify', `${commit}^{tree}`]);
}

export interface ReadCommit {
  readonly parents: readonly string[];
  readonly author: Readonly<Record<string, string>>;
  readonly message: string;
}

export async function readCommitParts(repository: Repository, commit: string): Promise<ReadCommit> {
  const { stdout } = await askGit(repository, [
    'log',
    '-1',
    '--no-show-signature',
    '--format=%P%x00%an%x00%ae%x00%ad%x00%B',
    '--date=raw',
    '--end-of-options',
    commit,
    '--',
  ]);
  const [parents = '', name = '', email = '', date = '', ...message] = stdout.toString('utf8').split('\0');
  return {
    parents: parents.split(' ').filter((parent) => parent !== ''),
    author: { GIT_AUTHOR_NAME: name || 'unknown', GIT_AUTHOR_EMAIL: email, GIT_AUTHOR_DATE: date },
    message: message.join('\0').trimEnd(),
  };
}
