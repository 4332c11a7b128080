import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { keepLastBytes } from '../process/boundedText.js';
import { waitAtMost } from '../process/waitAtMost.js';
import { explainGitFailure } from './explainGitFailure.js';
import { GitError } from './gitError.js';

export interface GitCall {
  /** Where it runs; must exist. */
  readonly cwd: string;
  /**
   * Subcommand first. Whatever comes from outside stands behind `--end-of-options`, or is a full name of ours
   * (`refs/heads/…`, an object id).
   */
  readonly args: readonly string[];
  /** See `buildGitEnvironment`. */
  readonly environment: Readonly<Record<string, string>>;
  /** Of this call alone. */
  readonly variables?: Readonly<Record<string, string>>;
  /** For stdin. Default: empty. */
  readonly input?: string | Buffer;
  /** Default 120,000. */
  readonly timeoutMs?: number;
  /** Of stdout; beyond it the command is ended and the call fails. Default 64 MiB. */
  readonly outputLimitBytes?: number;
  /** Exit codes that are an answer and no failure. Default 0 only. */
  readonly answers?: readonly number[];
}

export interface GitAnswer {
  readonly exitCode: number;
  readonly stdout: Buffer;
}

const DEFAULT_TIMEOUT_MS = 120_000;
const DEFAULT_OUTPUT_LIMIT_BYTES = 64 * 1024 * 1024;
const ERROR_TAIL_BYTES = 8 * 1024;
/** Ended by TERM git removes its lock files, by KILL it leaves them. */
const GRACE_MS = 5_000;
/** How long what git started may hold its output open once git has ended. */
const LINGER_MS = 1_000;

/**
 * Before every subcommand. Agents share the repository's configuration and its hooks with us: no hook and no monitor is
 * started, nothing is rewritten behind our back. Filters, merge drivers and their like can't be turned off here, since
 * files are not what they should be without them: see `requireSamePrograms`.
 */
const SETTINGS = [
  'core.hooksPath=/dev/null',
  'core.fsmonitor=false',
  'core.untrackedCache=false',
  // A copy of who is whose parent, beside the commits themselves.
  'core.commitGraph=false',
  // What tells whether a file has changed must not be loosened by the repository.
  'core.trustctime=true',
  'core.checkStat=default',
  'core.ignoreStat=false',
  'core.safecrlf=false',
  'core.askPass=',
  'core.pager=cat',
  'core.logAllRefUpdates=true',
  // Refs change while agents commit beside us; waiting is cheaper than failing.
  'core.filesRefLockTimeout=5000',
  'core.packedRefsTimeout=10000',
  'gc.auto=0',
  'maintenance.auto=false',
  'commit.gpgSign=false',
  'i18n.commitEncoding=UTF-8',
  'i18n.logOutputEncoding=UTF-8',
  'advice.addEmbeddedRepo=false',
  'advice.detachedHead=false',
  'protocol.ext.allow=never',
].flatMap((setting) => ['-c', setting]);

/**
 * Runs one git command: no shell, nothing inherited but `environment`, within its time limit and in bounded memory.
 * @throws GitError with a code, what git said (redacted) and the remedy.
 */
export async function runGit(call: GitCall): Promise<GitAnswer> {
  const what = `git ${call.args[0] ?? ''}`;
  const limit = call.outputLimitBytes ?? DEFAULT_OUTPUT_LIMIT_BYTES;
  const timeoutMs = call.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  const child = spawn('git', ['--no-pager', '--literal-pathspecs', ...SETTINGS, ...call.args], {
    cwd: call.cwd,
    env: { ...call.environment, ...call.variables },
    // A group of its own: it is ended with its filters, and Ctrl-C in the terminal doesn't cut it off half-way.
    detached: true,
    shell: false,
    windowsHide: true,
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const output: Buffer[] = [];
  let outputBytes = 0;
  let errors = '';
  let pieces = 0;
  let stopped: 'time' | 'size' | null = null;
  let killTimer: NodeJS.Timeout | undefined;

  const stop = (why: 'time' | 'size'): void => {
    if (stopped !== null) return;
    stopped = why;
    signalGroup(child, 'SIGTERM');
    killTimer = setTimeout(() => {
      signalGroup(child, 'SIGKILL');
    }, GRACE_MS);
  };
  const timer = setTimeout(() => stop('time'), timeoutMs);

  child.stdout.on('data', (piece: Buffer) => {
    pieces += 1;
    outputBytes += piece.length;
    if (outputBytes <= limit) output.push(piece);
    else stop('size');
  });
  child.stderr.on('data', (piece: Buffer) => {
    pieces += 1;
    errors = keepLastBytes(errors + piece.toString('utf8'), ERROR_TAIL_BYTES);
  });
  // It need not read its input; what is wrong then, its exit code says.
  child.stdin.on('error', () => undefined);
  child.stdin.end(call.input ?? '');
  const closed = new Promise<void>((resolve) => {
    child.once('close', () => resolve());
  });

  /** A filter that went into the background may hold them for as long as it likes. */
  async function letGoOfOutput(): Promise<void> {
    if (await waitAtMost(closed, LINGER_MS)) return;
    // A timer comes before what lies ready to be read: on a busy machine git's own words may be among that.
    let before = -1;
    while (before !== pieces && stopped === null) {
      before = pieces;
      await nextTurn();
      await nextTurn();
    }
    signalGroup(child, 'SIGTERM');
    child.stdout.destroy();
    child.stderr.destroy();
  }

  try {
    const exit = await new Promise<{ code: number | null; signal: NodeJS.Signals | null }>(
      (resolve, reject) => {
        child.once('error', reject);
        child.once('exit', (code, signal) => resolve({ code, signal }));
      },
    );
    await letGoOfOutput();
    if (stopped === 'time') {
      throw new GitError(
        'GIT_TIMED_OUT',
        `${what} was ended after ${timeoutMs / 1_000} s in ${call.cwd}. Look for a slow disk or filter there, and try again.`,
      );
    }
    if (stopped === 'size') {
      throw new GitError(
        'GIT_OUTPUT_TOO_LARGE',
        `${what} in ${call.cwd} printed more than ${limit} bytes. A directory of generated files is probably missing from .gitignore.`,
      );
    }
    if (exit.code === null || !(call.answers ?? [0]).includes(exit.code)) {
      throw explainGitFailure({ what, cwd: call.cwd, ...exit, errors });
    }
    return { exitCode: exit.code, stdout: Buffer.concat(output) };
  } catch (error) {
    if (error instanceof GitError) throw error;
    throw explainSpawn(error as NodeJS.ErrnoException, what, call.cwd);
  } finally {
    child.stdin.destroy();
    clearTimeout(timer);
    clearTimeout(killTimer);
  }
}

function explainSpawn(cause: NodeJS.ErrnoException, what: string, cwd: string): GitError {
  // The system says ENOENT for both, and blames the command.
  if (cause.code === 'ENOENT' && existsSync(cwd)) {
    return new GitError(
      'GIT_NOT_FOUND',
      'The git command was not found in PATH. Install git 2.38 or newer.',
      { cause },
    );
  }
  if (cause.code === 'ENOENT' || cause.code === 'ENOTDIR') {
    return new GitError('DIRECTORY_UNUSABLE', `There is no directory ${cwd} to run ${what} in.`, { cause });
  }
  return new GitError('GIT_FAILED', `${what} can't be started in ${cwd}: ${cause.message}`, { cause });
}

function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch {
    // It has ended meanwhile.
    child.kill(signal);
  }
}
