import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

export const BIN = fileURLToPath(new URL('../../bin/neolith.js', import.meta.url));

export interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The environment of a command under test: nothing of ours that would lead it somewhere. */
export function bareEnvironment(more: Record<string, string> = {}): Record<string, string | undefined> {
  const {
    NEOLITH_URL: _u,
    NEOLITH_TOKEN: _t,
    NEOLITH_TOKEN_FILE: _f,
    NEOLITH_HOME: _h,
    DATABASE_URL: _d,
    ...rest
  } = process.env;
  const { FORCE_COLOR: _c, NO_COLOR: _n, ...bare } = rest;
  return { ...bare, ...more };
}

/** Runs the real command to its end. */
export async function runNeolith(
  args: readonly string[],
  environment: Record<string, string> = {},
  cwd?: string,
): Promise<Ran> {
  const child = spawn(process.execPath, [BIN, ...args], {
    env: bareEnvironment(environment),
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(cwd === undefined ? {} : { cwd }),
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, stdout, stderr };
}
