import { type SpawnOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import { compiledSources } from './compileSources.js';

export type Outcome<T> =
  | { value: T; error?: undefined }
  | { value?: undefined; error: { code?: string; message: string } };

export interface Child<T> {
  readonly pid: number;
  /** What it printed: one line, when its work is done. */
  readonly outcome: Promise<Outcome<T>>;
  /** Sends a signal and waits for the end. */
  kill(signal: NodeJS.Signals): Promise<void>;
  /** Settles when it has ended. */
  readonly ended: Promise<void>;
}

/** Starts child.mjs; ended with the test. */
export function startChild<T>(operation: string, input: object, options: SpawnOptions = {}): Child<T> {
  const script = join(dirname(fileURLToPath(import.meta.url)), 'child.mjs');
  const child = spawn(process.execPath, [script, compiledSources, operation, JSON.stringify(input)], {
    cwd: '/',
    ...options,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const { pid, stdout } = child;
  if (pid === undefined || stdout === null) throw new Error('The child could not be started.');
  const ended = once(child, 'exit').then(() => undefined);
  const outcome = once(createInterface(stdout), 'line').then(
    ([line]) => JSON.parse(String(line)) as Outcome<T>,
  );
  const kill = async (signal: NodeJS.Signals) => {
    child.kill(signal);
    await ended;
  };
  onTestFinished(() => kill('SIGKILL'));
  return { pid, outcome, kill, ended };
}
