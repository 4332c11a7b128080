import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { MergeRequest, MergeVerdict } from '../../../src/agents/merger.js';
import type { CommitFacts } from '../../../src/git/commitMessage.js';
import { commitWork } from '../../../src/git/commitWork.js';
import { createGitMerger, type GitMergerConfiguration } from '../../../src/git/gitMerger.js';
import { makeWorktree } from '../../../src/git/makeWorktree.js';
import { openRepository } from '../../../src/git/openRepository.js';
import type { AttemptWorktree, CommittedWork, Repository } from '../../../src/git/repository.js';
import { resolveTarget } from '../../../src/git/resolveTarget.js';

/** A real repository with a first commit, apart from all configuration of this machine. */
export interface Workshop {
  readonly root: string;
  readonly path: string;
  readonly worktreesDirectory: string;
  readonly environment: Record<string, string>;
  /** Runs git in the repository, or below it; trimmed output. */
  git(...args: string[]): string;
  gitIn(directory: string, ...args: string[]): string;
  write(files: Record<string, string>, directory?: string): void;
  open(): Promise<Repository>;
  remove(): void;
}

export const RUN = 'run_01';

export function makeWorkshop(files: Record<string, string> = { 'README.md': 'hello\n' }): Workshop {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'neolith-git-')));
  const path = join(root, 'project');
  const environment = {
    PATH: process.env.PATH ?? '',
    HOME: join(root, 'home'),
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_CONFIG_NOSYSTEM: '1',
  };
  const person = {
    GIT_AUTHOR_NAME: 'Ann',
    GIT_AUTHOR_EMAIL: 'ann@example.org',
    GIT_COMMITTER_NAME: 'Ann',
    GIT_COMMITTER_EMAIL: 'ann@example.org',
    GIT_EDITOR: 'true',
  };
  const gitIn = (directory: string, ...args: string[]): string =>
    execFileSync('git', args, {
      cwd: directory,
      env: { ...environment, ...person },
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    }).trim();
  const write = (content: Record<string, string>, directory = path): void => {
    for (const [name, text] of Object.entries(content)) {
      mkdirSync(dirname(join(directory, name)), { recursive: true });
      writeFileSync(join(directory, name), text);
    }
  };
  mkdirSync(path);
  mkdirSync(environment.HOME);
  gitIn(path, 'init', '--quiet', '--initial-branch=main');
  write(files);
  gitIn(path, 'add', '--all');
  gitIn(path, 'commit', '--quiet', '--message=Begin', '--allow-empty');
  const worktreesDirectory = join(root, 'worktrees');
  return {
    root,
    path,
    worktreesDirectory,
    environment,
    git: (...args) => gitIn(path, ...args),
    gitIn,
    write,
    open: () => openRepository({ path, worktreesDirectory, environment }),
    remove: () => rmSync(root, { recursive: true, force: true }),
  };
}

export function factsOf(attemptId: string, facts: Partial<CommitFacts> = {}): CommitFacts {
  return {
    taskId: `task_${attemptId}`,
    attemptId,
    runId: RUN,
    agent: 'claude',
    title: `Do ${attemptId}`,
    ...facts,
  };
}

export interface Attempted {
  readonly worktree: AttemptWorktree;
  readonly work: CommittedWork;
}

export async function beginAttempt(
  repository: Repository,
  attemptId: string,
  how: { readonly branch?: string; readonly taskId?: string } = {},
): Promise<AttemptWorktree> {
  const target = await resolveTarget(repository, { runId: RUN, branch: how.branch ?? null });
  return makeWorktree(repository, {
    taskId: how.taskId ?? `task_${attemptId}`,
    attemptId,
    runId: RUN,
    targetBranch: target.branch,
  });
}

/** An attempt whose agent wrote `files`, committed. */
export async function doAttempt(
  shop: Workshop,
  repository: Repository,
  attemptId: string,
  files: Record<string, string>,
  branch?: string,
): Promise<Attempted> {
  const worktree = await beginAttempt(repository, attemptId, branch === undefined ? {} : { branch });
  shop.write(files, worktree.directory);
  return { worktree, work: await commitWork(repository, worktree, factsOf(attemptId)) };
}

export interface Merging {
  readonly verdict: MergeVerdict;
  readonly log: string[];
  readonly warnings: string[];
}

export async function startMerge(
  configuration: Partial<GitMergerConfiguration> & { readonly repository: Repository },
  attemptId: string,
  request: Partial<MergeRequest> = {},
  timeoutMs = 30_000,
  mayStillMerge: () => Promise<boolean> = async () => true,
) {
  const log: string[] = [];
  const warnings: string[] = [];
  const merger = createGitMerger({ strategy: 'rebase', check: null, ...configuration });
  const run = await merger.start(
    {
      taskId: `task_${attemptId}`,
      attemptId,
      attemptDirectory: '/nowhere',
      workingDirectory: '/nowhere',
      context: { task: { title: `Do ${attemptId}` } },
      output: { summary: 'done' },
      agent: 'shell',
      ...request,
    },
    { timeoutMs, graceMs: 300, daemonMarker: `tests:${process.pid}.0`, secrets: ['planted-secret-value'] },
    { onLog: (line) => log.push(line.text), onWarning: (warning) => warnings.push(warning), mayStillMerge },
  );
  return { run, log, warnings };
}

export async function merge(
  configuration: Partial<GitMergerConfiguration> & { readonly repository: Repository },
  attemptId: string,
  request: Partial<MergeRequest> = {},
  timeoutMs = 30_000,
): Promise<Merging> {
  const { run, log, warnings } = await startMerge(configuration, attemptId, request, timeoutMs);
  return { verdict: await run.finished, log, warnings };
}
