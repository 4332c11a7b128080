import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { JsonValue } from '../agents/agentAdapter.js';
import { askGit, askGitWhether, isContained, readCommit } from './askGit.js';
import { requireWorktree } from './checkWorktree.js';
import { type CommitFacts, TRAILERS, writeCommitMessage, writeSubject } from './commitMessage.js';
import { countChanges } from './countChanges.js';
import { GitError } from './gitError.js';
import { makeCommit, readTree } from './makeCommit.js';
import { preparePrivateDirectory } from './privateDirectory.js';
import type { AttemptWorktree, CommittedWork, Repository } from './repository.js';
import { withRepositoryLock } from './repositoryLock.js';
import { requireSamePrograms } from './requireSamePrograms.js';
import { writeFileWhole } from './writeFileWhole.js';

/** All that decides what an agent brings. */
export interface CacheKeyParts {
  /** As the agent is given it. */
  readonly prompt: string;
  /** Texts in the prompt that differ from attempt to attempt and mean nothing: the random delimiter, the worktree's directory and branch, ids. */
  readonly volatile: readonly string[];
  /** What else the task gets, such as the results of its prerequisites. */
  readonly inputs: JsonValue;
  readonly baseCommit: string;
  readonly agent: string;
  /** Null: the agent's own default. */
  readonly model: string | null;
}

/** A result that was stored, for the same key. */
export interface CachedResult {
  readonly key: string;
  /** Null: nothing was to be changed. */
  readonly commit: string | null;
  readonly baseCommit: string;
  readonly output: JsonValue;
  /** Whose result it is. */
  readonly taskId: string;
  readonly attemptId: string;
  /** ISO 8601. */
  readonly storedAt: string;
}

export type CacheLookup =
  | { readonly kind: 'hit'; readonly result: CachedResult }
  /** `reason`: why something that is there can't be used; absent where there is nothing. */
  | { readonly kind: 'miss'; readonly reason?: string };

export interface ReusedFrom {
  readonly taskId: string;
  readonly attemptId: string;
  readonly commit: string | null;
  readonly storedAt: string;
}

export interface ReusedWork {
  readonly work: CommittedWork;
  /** The stored output, with `reusedFrom` in it where it is an object or null. */
  readonly output: JsonValue;
  readonly reusedFrom: ReusedFrom;
}

/** A change of what is stored, or of what goes into the key, makes all that is older a miss. */
const FORMAT = 1;
export const RESULT_REFS = 'refs/neolith/cache/';
const FILE_BYTES_MAX = 8 * 1024 * 1024;

/** SHA-256 in hex. The same task, on the same commit, for the same agent and model, has the same key. Pure. */
export function computeCacheKey(parts: CacheKeyParts): string {
  // Longest first: a directory before an id in it. The place stays marked, so that two texts don't become one.
  const volatile = [...new Set(parts.volatile)]
    .filter((text) => text !== '')
    .sort((a, b) => b.length - a.length);
  const prompt = volatile.reduce((text, part) => text.replaceAll(part, '\0'), parts.prompt);
  const { inputs, baseCommit, agent, model } = parts;
  return digest({ format: FORMAT, prompt, inputs, baseCommit, agent, model });
}

/**
 * Keeps the result of a task that succeeded, for tasks that are the same in all of `CacheKeyParts`. The commit is kept
 * by a ref, whatever becomes of its branch. An older result of the same key is replaced.
 */
export async function storeResult(
  repository: Repository,
  key: string,
  result: Pick<CachedResult, 'commit' | 'baseCommit' | 'output' | 'taskId' | 'attemptId'>,
): Promise<void> {
  requireKey(key);
  const directory = await preparePrivateDirectory(repository.cacheDirectory, 'The directory for results');
  const { commit, baseCommit, output, taskId, attemptId } = result;
  const stored: CachedResult = {
    key,
    commit,
    baseCommit,
    output,
    taskId,
    attemptId,
    storedAt: new Date().toISOString(),
  };
  const content = JSON.stringify({ format: FORMAT, digest: digest(stored), result: stored });
  await withRepositoryLock(repository, async () => {
    const kept = commit ?? baseCommit;
    await askGit(repository, ['update-ref', '-m', 'neolith: keep result', cacheRef(key), kept]);
    await writeFileWhole(join(directory, `${key}.json`), `${content}\n`);
  });
}

/** Looks a result up and checks that file and commit belong together and are whole. Never throws for what it finds. */
export async function lookUpResult(repository: Repository, key: string): Promise<CacheLookup> {
  requireKey(key);
  const file = join(repository.cacheDirectory, `${key}.json`);
  if (!existsSync(file)) return { kind: 'miss' };
  const miss = (reason: string): CacheLookup => ({ kind: 'miss', reason });
  const result = parseStored(await readFile(file, 'utf8'));
  if (result === null || result.key !== key) return miss(`${file} is damaged.`);
  const kept = await readCommit(repository, cacheRef(key));
  if (kept === null) return miss(`Its commit is gone (${cacheRef(key)}).`);
  if (kept !== (result.commit ?? result.baseCommit)) return miss('File and commit are of different results.');
  if (!(await isContained(repository, result.baseCommit, kept))) return miss('Its commit has another base.');
  return { kind: 'hit', result };
}

/**
 * Puts a stored result into a fresh worktree that begins at the same commit: its changes as one commit of the new
 * attempt, which names the attempt it comes from.
 * @throws GitError `WORKTREE_DIRTY` where something was done in the worktree before, `CACHE_UNUSABLE`.
 */
export async function reuseResult(
  repository: Repository,
  worktree: AttemptWorktree,
  facts: CommitFacts,
  cached: CachedResult,
): Promise<ReusedWork> {
  const record = await requireWorktree(repository, facts.attemptId);
  await requireSamePrograms(repository, record);
  if (cached.baseCommit !== record.baseCommit || worktree.directory !== record.directory) {
    throw new GitError(
      'CACHE_UNUSABLE',
      `The result of ${cached.attemptId} begins at ${cached.baseCommit}, the worktree at ${record.baseCommit}. Let the agent do the task.`,
    );
  }
  const reusedFrom: ReusedFrom = {
    taskId: cached.taskId,
    attemptId: cached.attemptId,
    commit: cached.commit,
    storedAt: cached.storedAt,
  };
  const output = addReusedFrom(cached.output, reusedFrom);
  if (cached.commit === null) {
    return { work: { commit: null, files: 0, insertions: 0, deletions: 0 }, output, reusedFrom };
  }
  const cwd = record.directory;
  const status = await askGit(repository, ['status', '--porcelain', '-z', '--untracked-files=all'], { cwd });
  const isFresh =
    status.stdout.length === 0 && (await readCommit(repository, 'HEAD', cwd)) === record.baseCommit;
  if (!isFresh) {
    throw new GitError(
      'WORKTREE_DIRTY',
      `Something was done in ${cwd} already, so no result is put into it. Let the agent go on.`,
    );
  }
  const commit = await makeCommit(repository, {
    tree: await readTree(repository, cached.commit),
    parents: [record.baseCommit],
    message: writeCommitMessage(writeSubject(facts), facts, { [TRAILERS.reusedFrom]: cached.attemptId }),
  });
  await askGit(repository, ['merge', '--ff-only', '--no-autostash', '--no-stat', '--quiet', commit], { cwd });
  const changes = await countChanges(repository, record.baseCommit, commit);
  return { work: { commit, ...changes }, output, reusedFrom };
}

/** Forgets a result; its commit may then be collected. Fine when there is none. */
export async function forgetResult(repository: Repository, key: string): Promise<void> {
  requireKey(key);
  await rm(join(repository.cacheDirectory, `${key}.json`), { force: true });
  if (await askGitWhether(repository, ['show-ref', '--verify', '--quiet', cacheRef(key)])) {
    await askGit(repository, ['update-ref', '-d', cacheRef(key)]);
  }
}

function cacheRef(key: string): string {
  return `${RESULT_REFS}${key}`;
}

function requireKey(key: string): void {
  if (!/^[0-9a-f]{64}$/.test(key)) {
    throw new GitError(
      'NAME_INVALID',
      'A key of the result cache is a SHA-256 in hex, as computeCacheKey makes it.',
    );
  }
}

function addReusedFrom(output: JsonValue, reusedFrom: ReusedFrom): JsonValue {
  if (output === null) return { reusedFrom: { ...reusedFrom } };
  if (typeof output !== 'object' || Array.isArray(output)) return output;
  return { ...output, reusedFrom: { ...reusedFrom } };
}

function parseStored(text: string): CachedResult | null {
  if (text.length > FILE_BYTES_MAX) return null;
  try {
    const {
      format,
      digest: expected,
      result,
    } = JSON.parse(text) as {
      format?: unknown;
      digest?: unknown;
      result?: CachedResult;
    };
    if (format !== FORMAT || result === undefined || digest(result) !== expected) return null;
    return result;
  } catch {
    // Not JSON, or nothing that can be read as a result: the caller says so.
    return null;
  }
}

function digest(value: object): string {
  return createHash('sha256').update(canonical(value)).digest('hex');
}

/** JSON with the keys of objects in order: two equal values are one text. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value).filter(([, field]) => field !== undefined);
    entries.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
    return `{${entries.map(([name, field]) => `${JSON.stringify(name)}:${canonical(field)}`).join(',')}}`;
  }
  return JSON.stringify(value) ?? 'null';
}
