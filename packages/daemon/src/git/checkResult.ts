import { join } from 'node:path';
import { buildAgentEnvironment } from '../agents/agentEnvironment.js';
import type { MergeCallbacks, MergeLimits } from '../agents/merger.js';
import { listSecretValues } from '../agents/secretVariables.js';
import { keepLastBytes } from '../process/boundedText.js';
import type { ProcessOutcome } from '../process/processOutcome.js';
import { type SupervisedProcess, superviseProcess } from '../process/superviseProcess.js';
import { askGit } from './askGit.js';
import { type AttemptRecord, removeAttemptRecord } from './attemptRecord.js';
import { addWorktree } from './makeWorktree.js';
import type { Repository } from './repository.js';
import { withRepositoryLock } from './repositoryLock.js';

export interface CheckConfiguration {
  /**
   * Run on the merged result before it comes in: exit 0 is green. A line for `/bin/sh -c`, or a command with its
   * arguments; from configuration and nowhere else. The checkout is a fresh one: what it needs (dependencies) the
   * command itself has to fetch.
   */
  readonly command: string | readonly string[];
  /** The daemon's environment, of which a few variables are handed on. */
  readonly hostEnvironment: Readonly<Record<string, string | undefined>>;
  /** Further ones. Default none. */
  readonly environmentNames?: readonly string[];
}

export interface CheckInput {
  readonly record: AttemptRecord;
  readonly commit: string;
  /** Milliseconds left. */
  readonly timeoutMs: number;
  readonly limits: MergeLimits;
  readonly callbacks: MergeCallbacks;
  /** Told the process while it runs, to end it. */
  readonly onProcess: (process: SupervisedProcess | null) => void;
}

export type CheckVerdict =
  | { readonly kind: 'green' }
  | { readonly kind: 'red'; readonly error: string }
  | { readonly kind: 'terminated' };

const TAIL_BYTES = 8 * 1024;

/** Runs the check in a worktree of its own, made for it and removed after it. */
export async function checkResult(
  repository: Repository,
  configuration: CheckConfiguration,
  input: CheckInput,
): Promise<CheckVerdict> {
  const { record, commit, limits, callbacks } = input;
  const environment = buildAgentEnvironment(
    configuration.hostEnvironment,
    configuration.environmentNames ?? [],
  );
  const id = `check_${record.attemptId.slice(0, 100)}_${process.pid}_${Date.now().toString(36)}`;
  const scratch = await withRepositoryLock(repository, () =>
    addWorktree(
      repository,
      {
        ...record,
        attemptId: id,
        directory: join(repository.worktreesDirectory, id),
        branch: '',
        baseCommit: commit,
        scratch: true,
      },
      ['--detach'],
    ),
  );
  try {
    const [command = '/bin/sh', ...args] =
      typeof configuration.command === 'string'
        ? ['/bin/sh', '-c', configuration.command]
        : configuration.command;
    const running = superviseProcess(
      {
        command,
        args,
        cwd: scratch.directory,
        environment,
        timeoutMs: Math.max(1, input.timeoutMs),
        graceMs: limits.graceMs,
        runMarker: id,
        daemonMarker: limits.daemonMarker,
        secrets: [...limits.secrets, ...listSecretValues(environment)],
      },
      { onLine: (line) => callbacks.onLog(line) },
    );
    input.onProcess(running);
    return judge(await running.exited);
  } finally {
    input.onProcess(null);
    await removeScratch(repository, scratch, callbacks);
  }
}

/** What a check leaves in it (reports, builds) is nobody's work: we made it, and nobody was told of it. */
async function removeScratch(
  repository: Repository,
  scratch: AttemptRecord,
  callbacks: MergeCallbacks,
): Promise<void> {
  try {
    await withRepositoryLock(repository, () =>
      askGit(repository, ['worktree', 'remove', '--force', '--end-of-options', scratch.directory]),
    );
    await removeAttemptRecord(repository, scratch.attemptId);
  } catch (error) {
    callbacks.onWarning(
      `The checkout for the check stays at ${scratch.directory}: ${(error as Error).message}`,
    );
  }
}

function judge(outcome: ProcessOutcome): CheckVerdict {
  if (outcome.kind === 'exited' && outcome.code === 0) return { kind: 'green' };
  if (outcome.kind === 'terminated') return { kind: 'terminated' };
  const said = [outcome.stdout.text, outcome.stderr.text]
    .map((text) => text.trimEnd())
    .filter((text) => text !== '')
    .join('\n');
  const tail = keepLastBytes(said, TAIL_BYTES).trimStart();
  return { kind: 'red', error: `${explain(outcome)}${tail === '' ? '' : `\n${tail}`}` };
}

function explain(outcome: ProcessOutcome): string {
  const what = 'The check of the merged result';
  switch (outcome.kind) {
    case 'exited':
      return `${what} is red: it exited with code ${outcome.code}.`;
    case 'signalled':
      return `${what} was ended by ${outcome.signal}, which did not come from the daemon.`;
    case 'timed_out':
      return `${what} was ended after its time limit of ${Math.round(outcome.timeoutMs / 1_000)} s.`;
    case 'terminated':
      return `${what} was ended by the daemon (${outcome.reason}).`;
    case 'spawn_failed':
      return `${what} can't be started: ${outcome.message}`;
  }
}
