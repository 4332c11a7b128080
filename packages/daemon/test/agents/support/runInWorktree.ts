import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach } from 'vitest';
import type { AgentAdapter, AgentRequest, AgentSignal } from '../../../src/agents/agentAdapter.js';
import { prepareAttemptDirectory } from '../../../src/agents/attemptDirectory.js';
import {
  type AgentRun,
  type AgentRunOptions,
  type AgentRunReport,
  runAgent,
} from '../../../src/agents/runAgent.js';

let made = 0;
const folders: string[] = [];
const runs: AgentRun[] = [];

afterEach(async () => {
  await Promise.all(runs.splice(0).map((run) => run.terminate('shutdown', { graceMs: 0 })));
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

/** Of this test alone; removed after it. */
export function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'neolith-agents-'));
  folders.push(folder);
  return folder;
}

export interface Worktree {
  /** Holds everything else. */
  readonly root: string;
  readonly directory: string;
  /** An own home, so that no settings of this machine's user play a part. */
  readonly home: string;
  /** What git says has changed: `?? new.txt`, ` M old.txt`. */
  changes(): string[];
}

/** A repository with one commit, and a worktree of it, as an attempt has it. */
export function makeWorktree(): Worktree {
  const root = makeFolder();
  const repository = join(root, 'repository');
  const directory = join(root, 'worktree');
  const home = join(root, 'home');
  mkdirSync(home);
  const git = (cwd: string, ...args: string[]): string =>
    execFileSync('git', ['-c', 'user.name=Test', '-c', 'user.email=test@example.org', ...args], {
      cwd,
      encoding: 'utf8',
    });
  mkdirSync(repository);
  git(repository, 'init', '--quiet', '--initial-branch=main');
  writeFileSync(join(repository, 'greeting.txt'), 'Hello\n');
  git(repository, 'add', '.');
  git(repository, 'commit', '--quiet', '--message=Begin');
  git(repository, 'worktree', 'add', '--quiet', '--no-track', '-b', 'attempt-1', directory);
  return {
    root,
    directory,
    home,
    changes: () => git(directory, 'status', '--porcelain').split('\n').filter(Boolean),
  };
}

export interface Started {
  readonly run: AgentRun;
  readonly signals: AgentSignal[];
  readonly log: string[];
  readonly attemptDirectory: string;
}

/** Starts one attempt with coherent defaults; it is ended after the test, however that went. */
export async function startAttempt(
  adapter: AgentAdapter,
  worktree: Pick<Worktree, 'root' | 'directory'>,
  request: Partial<AgentRequest> = {},
  options: Partial<AgentRunOptions> = {},
): Promise<Started> {
  made += 1;
  const attemptId = `attempt_${process.pid}_${made}`;
  const attemptDirectory = await prepareAttemptDirectory(join(worktree.root, 'attempts'), attemptId);
  const signals: AgentSignal[] = [];
  const log: string[] = [];
  const run = await runAgent(
    adapter,
    {
      taskId: 'task_1',
      attemptId,
      attemptDirectory,
      workingDirectory: worktree.directory,
      context: { task: { id: 'task_1', title: 'A task' } },
      prompt: 'Do the task.',
      ...request,
    },
    { timeoutMs: 60_000, graceMs: 1_000, ...options },
    {
      onSignal: (signal) => signals.push(signal),
      onLog: ({ stream, text }) => log.push(`${stream}: ${text}`),
    },
  );
  runs.push(run);
  return { run, signals, log, attemptDirectory };
}

export async function runAttempt(
  ...args: Parameters<typeof startAttempt>
): Promise<Started & { readonly report: AgentRunReport }> {
  const started = await startAttempt(...args);
  return { ...started, report: await started.run.finished };
}
