import { askGit } from './askGit.js';
import type { AttemptRecord } from './attemptRecord.js';
import {
  type CommitFacts,
  TRAILERS,
  writeCommitMessage,
  writeSubject,
  writeTrailers,
} from './commitMessage.js';
import { makeCommit, readCommitParts, readTree } from './makeCommit.js';
import { listWork } from './mergedWork.js';
import type { Repository } from './repository.js';
import { testMerge } from './testMerge.js';

/** `merge`: a commit of both parents for each task. `rebase`: the task's commits on top, one line. */
export type MergeStrategy = 'merge' | 'rebase';

export interface ResultInput {
  readonly record: AttemptRecord;
  readonly facts: CommitFacts;
  /** Tip of the target branch. */
  readonly target: string;
  /** Tip of the attempt's branch. */
  readonly tip: string;
  /** What both together are, by `testMerge`. */
  readonly tree: string;
}

/** Above this a task's commits become one: each costs several git commands. */
const COMMITS_MAX = 100;

/**
 * The commit that the target branch is to move to; nothing moves yet. Its files are those of `tree`, whatever the
 * strategy: what is checked is what comes in. It carries the attempt's trailers.
 */
export function buildResult(
  repository: Repository,
  strategy: MergeStrategy,
  input: ResultInput,
): Promise<string> {
  return strategy === 'merge' ? buildMerge(repository, input) : buildLine(repository, input);
}

function buildMerge(
  repository: Repository,
  { facts, target, tip, tree, record }: ResultInput,
): Promise<string> {
  const subject = `Merge ${writeSubject(facts)}`;
  return makeCommit(repository, {
    tree,
    parents: [target, tip],
    message: writeCommitMessage(`${subject}\n\nInto ${record.targetBranch}.`, facts, {
      [TRAILERS.source]: tip,
    }),
  });
}

async function buildLine(repository: Repository, input: ResultInput): Promise<string> {
  const { target, tip, facts, tree } = input;
  const commits = await listCommits(repository, target, tip);
  const first = commits[0];
  if (first !== undefined && commits.every((commit) => commit.parents.length === 1)) {
    if (first.parents[0] === target && (await saysWhoseItIs(repository, tip, facts.attemptId))) return tip;
    const line = commits.length > COMMITS_MAX ? null : await replay(repository, input, commits);
    if (line !== null) return line;
  }
  // Merges among them, or a step that conflicts where the whole doesn't: what was resolved there can't be told apart.
  return makeCommit(repository, {
    tree,
    parents: [target],
    message: writeCommitMessage(writeSubject(facts), facts, { [TRAILERS.source]: tip }),
  });
}

interface ListedCommit {
  readonly id: string;
  readonly parents: readonly string[];
}

/** Oldest first. */
async function listCommits(repository: Repository, target: string, tip: string): Promise<ListedCommit[]> {
  const { stdout } = await askGit(repository, [
    'rev-list',
    '--reverse',
    '--topo-order',
    '--parents',
    `--max-count=${10 * COMMITS_MAX}`,
    `${target}..${tip}`,
    '--',
  ]);
  return stdout
    .toString('utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [id = '', ...parents] = line.split(' ');
      return { id, parents };
    });
}

/** Null: a step conflicts, or the end is not what both together are. */
async function replay(
  repository: Repository,
  { target, tip, tree, facts }: ResultInput,
  commits: readonly ListedCommit[],
): Promise<string | null> {
  let at = target;
  let treeAt = await readTree(repository, target);
  for (const { id, parents } of commits) {
    const [parent = ''] = parents;
    // git before 2.40 can't be told the base of a test merge: a commit on the old parent says it.
    const ours = await makeCommit(repository, { tree: treeAt, parents: [parent], message: 'base\n' });
    const step = await testMerge(repository, ours, id);
    if (step.kind !== 'clean') return null;
    const isLast = id === tip;
    // What the target has by now needs no commit; the last one stays, to say whose work is in.
    if (step.tree === treeAt && !isLast) continue;
    treeAt = step.tree;
    const { author, message } = await readCommitParts(repository, id);
    at = await makeCommit(repository, {
      tree: treeAt,
      parents: [at],
      author,
      message: isLast ? seal(message, facts, tip) : `${message}\n`,
    });
  }
  return treeAt === tree ? at : null;
}

/** The trailers in a paragraph of their own, the last: what stood there before is ours and is written again. */
function seal(message: string, facts: CommitFacts, tip: string): string {
  const kept = message
    .split('\n')
    .filter((line) => !/^Neolith-[A-Za-z-]+:/i.test(line))
    .join('\n')
    .trim();
  return `${kept === '' ? writeSubject(facts) : kept}\n\n${writeTrailers(facts, { [TRAILERS.source]: tip })}`;
}

async function saysWhoseItIs(repository: Repository, tip: string, attemptId: string): Promise<boolean> {
  const [work] = await listWork(repository, tip, ['--max-count=1']);
  return work?.attemptId === attemptId;
}
