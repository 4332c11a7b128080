import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { askGit, askGitWhether, isContained, readCommit } from './askGit.js';
import { attachHead } from './attachHead.js';
import type { AttemptRecord } from './attemptRecord.js';
import { requireWorktree } from './checkWorktree.js';
import { clearIndexLock } from './clearIndexLock.js';
import { type CommitFacts, writeCommitMessage, writeSubject } from './commitMessage.js';
import { countChanges } from './countChanges.js';
import { findNestedRepositories } from './findNestedRepositories.js';
import { isLinkInside } from './followLink.js';
import { GitError } from './gitError.js';
import { identityVariables } from './identityVariables.js';
import { listChangedEntries, listHidden, listUnmerged, MODE_LINK, MODE_REPOSITORY } from './listIndex.js';
import { findOperation, isOneCommitAway } from './operations.js';
import type { AttemptWorktree, CommittedWork, Repository } from './repository.js';
import { requireSamePrograms } from './requireSamePrograms.js';

const STAGE_TIMEOUT_MS = 10 * 60_000;
const NAMES_SHOWN = 10;

/**
 * Commits what an agent left in its worktree on the attempt's branch, trailers in the message; what it committed itself
 * stays. Only when nothing of the agent is alive. Ignored files stay out. What can be put right is (`notes`), the rest
 * is refused, and lies where it was.
 * @throws GitError whose message tells the next attempt what to do otherwise: `OPERATION_IN_PROGRESS`,
 *   `WORK_CONFLICTED`, `HISTORY_REWRITTEN`, `NESTED_REPOSITORY`, `LINK_LEADS_OUT`, `WORKTREE_TAMPERED`;
 *   and `CONFIGURATION_CHANGED`, `REPOSITORY_LOCKED`, `DISK_FULL`…
 */
export async function commitWork(
  repository: Repository,
  worktree: AttemptWorktree,
  facts: CommitFacts,
): Promise<CommittedWork> {
  const record = await requireWorktree(repository, facts.attemptId);
  const { directory, branch, baseCommit } = record;
  if (directory !== worktree.directory) {
    throw new GitError(
      'ATTEMPT_UNKNOWN',
      `The attempt ${facts.attemptId} works in ${directory}, not in ${worktree.directory}.`,
    );
  }
  await requireSamePrograms(repository, record);
  const notes: string[] = [];
  const note = (text: string | null): void => {
    if (text !== null) notes.push(text);
  };
  note(await clearIndexLock(directory, record.adminDirectory));
  note(await checkOperation(repository, record));
  note(await showHiddenChanges(repository, directory));
  await requireNoNestedRepositories(repository, directory);
  await askGit(repository, ['add', '--all', '--', '.'], { cwd: directory, timeoutMs: STAGE_TIMEOUT_MS });
  await checkEntries(repository, directory, baseCommit);
  note(await attachHead(repository, record));
  // As the worktree was made for, whatever is said now: the merger goes by it.
  await commitStaged(repository, record, { ...facts, taskId: record.taskId, runId: record.runId });
  const tip = await readCommit(repository, `refs/heads/${branch}`);
  const extra = notes.length === 0 ? {} : { notes };
  if (tip === null || tip === baseCommit)
    return { commit: null, files: 0, insertions: 0, deletions: 0, ...extra };
  return { commit: tip, ...(await countChanges(repository, baseCommit, tip)), ...extra };
}

async function checkOperation(repository: Repository, record: AttemptRecord): Promise<string | null> {
  const { directory } = record;
  const unmerged = await listUnmerged(repository, directory);
  if (unmerged.length > 0) {
    throw new GitError(
      'WORK_CONFLICTED',
      `Conflicts were left unresolved in ${showNames(unmerged)}. Resolve them and end the merge, or abort it.`,
    );
  }
  const operation = findOperation(record.adminDirectory);
  if (operation === null) return null;
  if (isOneCommitAway(operation)) return `A ${operation} was left to be committed; it was.`;
  throw new GitError(
    'OPERATION_IN_PROGRESS',
    `A ${operation} was left half-way in ${directory}, so what belongs to the work can't be told. End it (git ${operation} --continue) or give it up (--abort) before ending.`,
  );
}

/** Flags on files hide their changes from every other command. */
async function showHiddenChanges(repository: Repository, directory: string): Promise<string | null> {
  const names = await listHidden(repository, directory, (name) =>
    existsSync(Buffer.concat([Buffer.from(`${directory}/`), name])),
  );
  if (names.length === 0) return null;
  const input = Buffer.concat(names.flatMap((name) => [name, Buffer.of(0)]));
  for (const flag of ['--no-assume-unchanged', '--no-skip-worktree']) {
    await askGit(repository, ['update-index', flag, '-z', '--stdin'], { cwd: directory, input });
  }
  return `Changes in ${showNames(names)} were hidden from git (assume-unchanged, skip-worktree); they are shown again.`;
}

async function requireNoNestedRepositories(repository: Repository, directory: string): Promise<void> {
  const nested = await findNestedRepositories(repository, directory);
  if (nested.length > 0) refuseNested(nested);
}

function refuseNested(names: readonly (string | Buffer)[]): never {
  throw new GitError(
    'NESTED_REPOSITORY',
    `There is a git repository of its own in ${showNames(names)}, whose files can't be committed here. Remove its .git, or add it to .gitignore. Changed submodules are not supported.`,
  );
}

/** Of all that differs from the base, whoever committed it. */
async function checkEntries(repository: Repository, directory: string, baseCommit: string): Promise<void> {
  const entries = await listChangedEntries(repository, directory, baseCommit);
  const nested = entries.filter((entry) => [entry.oldMode, entry.newMode].includes(MODE_REPOSITORY));
  if (nested.length > 0) refuseNested(nested.map((entry) => entry.name));
  const leadingOut = entries
    .filter((entry) => entry.newMode === MODE_LINK && !isLinkInside(directory, entry.name))
    .map((entry) => entry.name);
  if (leadingOut.length > 0) {
    throw new GitError(
      'LINK_LEADS_OUT',
      `Symbolic links lead out of the worktree, where nobody else has what they mean: ${showNames(leadingOut)}. Make them relative, to files of the repository, or leave them out.`,
    );
  }
}

async function commitStaged(
  repository: Repository,
  record: AttemptRecord,
  facts: CommitFacts,
): Promise<void> {
  const { directory, adminDirectory, branch } = record;
  const cwd = directory;
  const nothingStaged = await askGitWhether(
    repository,
    ['diff-index', '--cached', '--quiet', '--ignore-submodules=none', 'HEAD'],
    { cwd },
  );
  if (nothingStaged && !existsSync(join(adminDirectory, 'MERGE_HEAD'))) return;
  const before = await readCommit(repository, `refs/heads/${branch}`);
  await askGit(
    repository,
    ['commit', '--quiet', '--no-verify', '--no-gpg-sign', '--allow-empty', '--cleanup=verbatim', '-F', '-'],
    {
      cwd,
      input: writeCommitMessage(writeSubject(facts), facts),
      variables: identityVariables(repository.identity),
      timeoutMs: STAGE_TIMEOUT_MS,
    },
  );
  const after = await readCommit(repository, `refs/heads/${branch}`);
  if (
    after === null ||
    after === before ||
    (before !== null && !(await isContained(repository, before, after)))
  ) {
    throw new GitError(
      'GIT_FAILED',
      `The commit of ${directory} did not arrive on ${branch}. Look at git -C ${directory} log.`,
    );
  }
}

function showNames(names: readonly (string | Buffer)[]): string {
  const shown = names.slice(0, NAMES_SHOWN).map((name) => JSON.stringify(name.toString('utf8')));
  const rest = names.length - shown.length;
  return `${shown.join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`;
}
