import { type ChildProcess, spawn } from 'node:child_process';
import type { FileHandle } from 'node:fs/promises';

export interface ChildSpec {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** A file, not a pipe: the child must be able to write when we were killed. */
  readonly log: FileHandle;
}

export interface ChildEvents {
  readonly onRestart: (ending: string, delayMs: number) => void;
}

export interface SupervisedChild {
  readonly name: string;
  pid(): number | null;
  /** How many times it ended by itself. */
  endings(): number;
  /** TERM, and KILL when it takes longer than `graceMs`. Resolves when it has ended. Called again it sends TERM again. */
  stop(graceMs: number): Promise<void>;
  /** Ends it and starts it anew, with other variables on top. */
  restart(environment: Readonly<Record<string, string>>): Promise<void>;
}

const DELAY_MS_MIN = 500;
const DELAY_MS_MAX = 30_000;
/** A child that lived so long was well: the next restart comes soon. */
const WELL_AFTER_MS = 30_000;

/** Starts a child in a group of its own, so that Ctrl-C reaches only us, and starts it again when it ends. */
export function superviseChild(spec: ChildSpec, events: ChildEvents): SupervisedChild {
  let child: ChildProcess | null = null;
  let environment = spec.environment;
  let ended: Promise<void> = Promise.resolve();
  let stopping = false;
  let endings = 0;
  let delayMs = DELAY_MS_MIN;
  let timer: NodeJS.Timeout | undefined;

  function begin(): void {
    const startedMs = performance.now();
    const process_ = spawn(spec.command, [...spec.args], {
      cwd: spec.cwd,
      env: { ...environment },
      detached: true,
      stdio: ['ignore', spec.log.fd, spec.log.fd],
    });
    child = process_;
    ended = new Promise((resolve) => {
      const settle = (ending: string): void => {
        if (child !== process_) return;
        child = null;
        resolve();
        if (stopping) return;
        endings += 1;
        delayMs =
          performance.now() - startedMs > WELL_AFTER_MS ? DELAY_MS_MIN : Math.min(delayMs * 2, DELAY_MS_MAX);
        events.onRestart(ending, delayMs);
        timer = setTimeout(begin, delayMs);
      };
      process_.once('exit', (code, signal) => settle(signal ?? `exit code ${code}`));
      process_.once('error', (error) => settle(error.message));
    });
  }

  async function stop(graceMs: number): Promise<void> {
    stopping = true;
    clearTimeout(timer);
    const current = child;
    if (current === null) return;
    current.kill('SIGTERM');
    const kill = setTimeout(() => current.kill('SIGKILL'), graceMs);
    await ended;
    clearTimeout(kill);
  }

  begin();
  return {
    name: spec.name,
    pid: () => child?.pid ?? null,
    endings: () => endings,
    stop,
    async restart(more) {
      environment = { ...environment, ...more };
      await stop(10_000);
      stopping = false;
      begin();
    },
  };
}
