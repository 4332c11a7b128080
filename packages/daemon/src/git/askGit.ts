import type { Repository } from './repository.js';
import { type GitAnswer, type GitCall, runGit } from './runGit.js';

type CallOptions = Omit<GitCall, 'args' | 'cwd' | 'environment'> & { readonly cwd?: string };
type GitPlace = Pick<Repository, 'path' | 'environment'>;

/** Object ids: SHA-1 or SHA-256. */
const OBJECT_ID = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/;

/** Runs git in the main worktree, or in `options.cwd`. */
export function askGit(
  repository: GitPlace,
  args: readonly string[],
  options: CallOptions = {},
): Promise<GitAnswer> {
  return runGit({ cwd: repository.path, environment: repository.environment, ...options, args });
}

/** Its output as text, without the line break at the end. */
export async function askGitText(
  repository: GitPlace,
  args: readonly string[],
  options: CallOptions = {},
): Promise<string> {
  const { stdout } = await askGit(repository, args, options);
  return stdout.toString('utf8').replace(/\r?\n$/, '');
}

/** Whether it exits with 0 rather than 1. */
export async function askGitWhether(
  repository: GitPlace,
  args: readonly string[],
  options: CallOptions = {},
): Promise<boolean> {
  return (await askGit(repository, args, { ...options, answers: [0, 1] })).exitCode === 0;
}

/** The commit that a ref (`refs/heads/…`, `HEAD`) or an object id leads to; null where there is none. */
export async function readCommit(repository: GitPlace, name: string, cwd?: string): Promise<string | null> {
  const { stdout, exitCode } = await askGit(
    repository,
    ['rev-parse', '--verify', '--quiet', '--end-of-options', `${name}^{commit}`],
    { answers: [0, 1, 128], ...(cwd === undefined ? {} : { cwd }) },
  );
  // Some versions print `--end-of-options` as well.
  const id = stdout.toString('utf8').trim().split('\n').at(-1) ?? '';
  return exitCode === 0 && OBJECT_ID.test(id) ? id : null;
}

/** Whether `commit` is `tip`, or in its history. */
export function isContained(repository: GitPlace, commit: string, tip: string): Promise<boolean> {
  return askGitWhether(repository, ['merge-base', '--is-ancestor', commit, tip]);
}

/** The records of `-z` output, as bytes: names of files need not be UTF-8. */
export function splitRecords(output: Buffer): Buffer[] {
  const records: Buffer[] = [];
  let start = 0;
  for (let end = output.indexOf(0); end !== -1; end = output.indexOf(0, start)) {
    records.push(output.subarray(start, end));
    start = end + 1;
  }
  if (start < output.length) records.push(output.subarray(start));
  return records;
}
