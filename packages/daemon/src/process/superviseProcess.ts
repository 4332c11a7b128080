import { type ChildProcess, spawn } from 'node:child_process';
import { createBoundedText } from './boundedText.js';
import { type EndingReport, endProcesses } from './endProcesses.js';
import { explainSpawnFailure } from './explainSpawnFailure.js';
import type { ProcessEntry } from './processEntry.js';
import type { ProcessEnding, ProcessOutcome } from './processOutcome.js';
import {
  ATTEMPT_MARKER,
  DAEMON_MARKER,
  DEFAULT_GRACE_MS,
  DEFAULT_LINE_LIMIT_BYTES,
  DEFAULT_LINGER_MS,
  DEFAULT_OUTPUT_LIMIT_BYTES,
  LEFTOVER_GRACE_MS_MAX,
  type OutputLine,
  type ProcessCallbacks,
  type ProcessSpec,
  type TerminationReason,
} from './processSpec.js';
import { readStartOfOwnChild, readUsage } from './processTable.js';
import type { TreeUsage } from './processUsage.js';
import { type OutputReader, readOutput } from './readOutput.js';
import { createRedactor } from './redactSecrets.js';
import { createTreeScanner } from './scanTree.js';
import { processKey } from './selectTree.js';
import { waitAtMost } from './waitAtMost.js';

export interface SupervisedProcess {
  /** `null` when it could not be started; `exited` then says why. */
  readonly pid: number | null;
  /** Never rejects. Resolves once the process has ended and no descendant of it is alive. */
  readonly exited: Promise<ProcessOutcome>;
  /**
   * TERM to the whole tree, KILL after the grace time; resolves with `exited`. The first reason stands; a
   * repeated call with a shorter grace brings the KILL forward. After the end it changes nothing.
   */
  terminate(reason: TerminationReason, options?: { readonly graceMs?: number }): Promise<ProcessOutcome>;
  /** What the process and all it started use now. Rejects where the platform's source can't be read. */
  usage(): Promise<TreeUsage>;
  /** When it printed something last, by `performance.now()`; null where it hasn't yet. */
  lastOutputMs(): number | null;
}

/** Longer timers fire at once. */
const TIMER_MS_MAX = 2 ** 31 - 1;

interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/**
 * Starts a program in a session of its own and sees to it that it ends, with everything it started: by itself,
 * by `terminate`, or by its time limit. Settles on the exit of the program, whoever still holds its streams.
 */
export function superviseProcess(spec: ProcessSpec, callbacks: ProcessCallbacks = {}): SupervisedProcess {
  const startedAt = new Date();
  const startedMs = performance.now();
  const graceMs = spec.graceMs ?? DEFAULT_GRACE_MS;
  let problem: Error | null = null;
  const notice = (error: unknown): void => {
    problem ??= error instanceof Error ? error : new Error(String(error));
  };
  const empty = createBoundedText(0).read();
  const settleFailed = (error: NodeJS.ErrnoException): ProcessOutcome => ({
    kind: 'spawn_failed',
    ...explainSpawnFailure(error, spec),
    pid: null,
    stdout: empty,
    stderr: empty,
    startedAt,
    durationMs: performance.now() - startedMs,
    endedDescendants: 0,
    survivors: [],
    problem,
  });

  let child: ChildProcess;
  try {
    child = start(spec);
  } catch (error) {
    return neverStarted(Promise.resolve(settleFailed(error as NodeJS.ErrnoException)));
  }
  const { pid } = child;
  if (pid === undefined) {
    return neverStarted(new Promise((resolve) => child.once('error', (e) => resolve(settleFailed(e)))));
  }

  const exit = new Promise<Exit>((resolve) =>
    child.once('exit', (code, signal) => resolve({ code, signal })),
  );
  child.on('error', notice);
  const scan = createTreeScanner({ pid, startedAt: readStartOfOwnChild(pid) }, spec.runMarker);
  const streams = readStreams(child, spec, callbacks, notice);
  feed(child, spec.input ?? '', notice);

  let verdict: ProcessEnding | null = null;
  let killAt = Number.POSITIVE_INFINITY;
  let ending: Promise<EndingReport> | null = null;
  let hasExited = false;
  let abandon: (exit: null) => void = () => undefined;
  const abandoned = new Promise<null>((resolve) => {
    abandon = resolve;
  });

  function end(withinMs: number): Promise<EndingReport> {
    killAt = Math.min(killAt, performance.now() + withinMs);
    ending ??= endProcesses(scan, { groupId: pid ?? null, killAt: () => killAt }).catch((error: unknown) => {
      notice(error);
      killGroup(pid, notice);
      return { signalled: 1, survivors: [] };
    });
    return ending;
  }

  function terminate(reason: ProcessEnding, withinMs: number): Promise<ProcessOutcome> {
    if (!hasExited) verdict ??= reason;
    if (!hasExited || ending !== null) {
      void end(withinMs).then((report) => {
        if (report.survivors.includes(pid ?? 0)) abandon(null);
      });
    }
    return exited;
  }

  const { timeoutMs } = spec;
  const timer =
    timeoutMs === null
      ? undefined
      : setTimeout(
          () => {
            void terminate({ kind: 'timed_out', timeoutMs }, graceMs);
          },
          Math.min(timeoutMs, TIMER_MS_MAX),
        );

  async function settle(): Promise<ProcessOutcome> {
    const last = await Promise.race([exit, abandoned]);
    hasExited = true;
    clearTimeout(timer);
    child.stdin?.destroy();
    const lingerMs = spec.lingerMs ?? DEFAULT_LINGER_MS;
    const settled = Promise.all(streams.map((stream) => stream.settle(lingerMs)));
    // What the tree still writes while it winds up is read; longer than this nothing waits for it.
    if (ending === null) await waitAtMost(settled, lingerMs);
    // An ending under way keeps its own grace time: the leader may be gone sooner than those it started.
    const report = await (ending ?? end(Math.min(graceMs, LEFTOVER_GRACE_MS_MAX)));
    await settled;
    return {
      ...(verdict ?? describeExit(last)),
      pid: pid ?? null,
      stdout: streams[0]?.read() ?? empty,
      stderr: streams[1]?.read() ?? empty,
      startedAt,
      durationMs: performance.now() - startedMs,
      endedDescendants: report.signalled,
      survivors: report.survivors,
      problem,
    };
  }

  const exited = settle();
  return {
    pid,
    exited,
    terminate: (reason, options) => terminate({ kind: 'terminated', reason }, options?.graceMs ?? graceMs),
    usage: async () => sumUsage((await scan()).alive),
    lastOutputMs: () => {
      const times = streams.map((stream) => stream.lastReadMs()).filter((time) => time !== null);
      return times.length === 0 ? null : Math.max(...times);
    },
  };
}

function start(spec: ProcessSpec): ChildProcess {
  return spawn(spec.command, spec.args, {
    cwd: spec.cwd,
    env: {
      ...spec.environment,
      [ATTEMPT_MARKER]: spec.runMarker,
      ...(spec.daemonMarker === undefined ? {} : { [DAEMON_MARKER]: spec.daemonMarker }),
    },
    // A session and process group of its own, which one signal reaches.
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe'],
    shell: false,
    windowsHide: true,
  });
}

function neverStarted(exited: Promise<ProcessOutcome>): SupervisedProcess {
  return {
    pid: null,
    exited,
    terminate: () => exited,
    usage: () => sumUsage([]),
    lastOutputMs: () => null,
  };
}

async function sumUsage(members: readonly ProcessEntry[]): Promise<TreeUsage> {
  const usages = await readUsage(members.map(({ pid }) => pid));
  let [cpuMs, memoryBytes] = [0, 0];
  for (const usage of usages.values()) {
    cpuMs += usage.cpuMs;
    memoryBytes += usage.memoryBytes;
  }
  return { cpuMs, memoryBytes, keys: members.map(processKey).sort() };
}

function readStreams(
  child: ChildProcess,
  spec: ProcessSpec,
  callbacks: ProcessCallbacks,
  notice: (error: unknown) => void,
): OutputReader[] {
  const redactor = createRedactor(spec.secrets ?? []);
  const onLine = (line: OutputLine): void => {
    try {
      callbacks.onLine?.(line);
    } catch (error) {
      // Thrown inside a stream's event it would end the daemon, and all its other agents with it.
      notice(error);
    }
  };
  const readers: OutputReader[] = [];
  for (const name of ['stdout', 'stderr'] as const) {
    const stream = child[name];
    if (stream === null) continue;
    readers.push(
      readOutput({
        stream,
        name,
        redactor,
        outputLimitBytes: spec.outputLimitBytes ?? DEFAULT_OUTPUT_LIMIT_BYTES,
        lineLimitBytes: spec.lineLimitBytes ?? DEFAULT_LINE_LIMIT_BYTES,
        onLine,
        onProblem: notice,
      }),
    );
  }
  return readers;
}

function feed(child: ChildProcess, input: string, notice: (error: unknown) => void): void {
  child.stdin?.on('error', (error: NodeJS.ErrnoException) => {
    // A program need not read its input, and may end before it is through.
    if (error.code !== 'EPIPE' && error.code !== 'ECONNRESET') notice(error);
  });
  child.stdin?.end(input);
}

function describeExit(exit: Exit | null): ProcessEnding {
  if (exit?.code !== null && exit?.code !== undefined) return { kind: 'exited', code: exit.code };
  return { kind: 'signalled', signal: exit?.signal ?? 'SIGKILL' };
}

/** The last resort when the process table can't be read. */
function killGroup(pid: number | undefined, notice: (error: unknown) => void): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') notice(error);
  }
}
