import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

const execute = promisify(execFile);

/** Every process of a chaos run, none of which may outlive it. */
export interface Processes {
  /** Each leads a group of its own, so that Ctrl-C in a terminal reaches only us. */
  start(file: string, args: readonly string[], options: StartOptions): ChildProcess;
  /** One that somebody else started for us; null: it is gone. */
  watch(name: string, pid: number | null): void;
  /** SIGKILL to all that were started here and are left, and to their groups. */
  endAll(): Promise<void>;
  /** Nobody has to be ended any more. */
  close(): Promise<void>;
}

export interface StartOptions {
  readonly cwd?: string;
  readonly env: NodeJS.ProcessEnv;
  /** Told all that it prints. */
  readonly onOutput: (text: string) => void;
}

/**
 * @param directory where the list of what lives is kept. A small shell waits for our end, however we end, SIGKILL
 *   included, and then kills what is still on the list.
 */
export function openProcesses(directory: string): Processes {
  const list = join(directory, 'processes');
  const children = new Set<ChildProcess>();
  const watched = new Map<string, number>();
  let over = false;
  const write = (): void => {
    const pids = [...[...children].map(({ pid }) => pid), ...watched.values()];
    writeFileSync(list, pids.map((pid) => `${pid}\n`).join(''));
  };
  write();
  const guard = spawn(
    '/bin/sh',
    ['-c', 'read -r _; while read -r pid; do kill -KILL "-$pid" "$pid"; done < "$0"', list],
    { detached: true, stdio: ['pipe', 'ignore', 'ignore'] },
  );
  guard.unref();

  return {
    start(file, args, { cwd, env, onOutput }) {
      // Whoever was about to bring somebody back must not, after all were ended.
      if (over) throw new Error('The run is over.');
      const child = spawn(file, [...args], {
        ...(cwd === undefined ? {} : { cwd }),
        env,
        detached: true,
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      for (const stream of [child.stdout, child.stderr]) stream?.setEncoding('utf8').on('data', onOutput);
      children.add(child);
      write();
      child.once('exit', () => {
        children.delete(child);
        write();
      });
      return child;
    },
    watch(name, pid) {
      if (pid === null) watched.delete(name);
      else watched.set(name, pid);
      write();
    },
    async endAll() {
      over = true;
      const left = [...children];
      for (const { pid } of left) if (pid !== undefined) killGroup(pid);
      await Promise.all(left.map(ended));
    },
    async close() {
      watched.clear();
      write();
      guard.ref();
      guard.stdin?.end();
      await ended(guard);
    },
  };
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** Resolves when the process is gone. */
export function ended(child: ChildProcess): Promise<unknown> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => child.once('exit', resolve));
}

/** What still runs with `word` in its command line. */
export async function findProcesses(word: string): Promise<string[]> {
  const { stdout } = await execute('ps', ['-A', '-ww', '-o', 'pid=,stat=,args='], {
    maxBuffer: 10_000_000,
  });
  return stdout
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line.includes(word) && !/^\d+ Z/.test(line) && !line.includes('read -r _;'));
}
