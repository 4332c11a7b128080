import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const SCRIPT = fileURLToPath(new URL('./child.mjs', import.meta.url));

export interface Child {
  readonly process: ChildProcess;
  /** What it printed, as JSON; rejects when it failed. */
  readonly result: Promise<unknown>;
  readonly ended: Promise<void>;
}

export function startChild(input: object, environment: Record<string, string>): Child {
  const child = spawn(process.execPath, [SCRIPT, JSON.stringify(input)], {
    env: environment,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  let errors = '';
  child.stdout.on('data', (piece: Buffer) => {
    output += piece.toString('utf8');
  });
  child.stderr.on('data', (piece: Buffer) => {
    errors += piece.toString('utf8');
  });
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const result = ended.then(() => {
    if (child.exitCode !== 0) throw new Error(`The child failed: ${errors}`);
    return JSON.parse(output) as unknown;
  });
  // One that is killed on purpose is asked for nothing.
  result.catch(() => undefined);
  return { process: child, result, ended };
}
