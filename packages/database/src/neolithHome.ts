import { statSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';

/**
 * The directory of everything Neolith keeps on this machine: `NEOLITH_HOME` when set, else the `.neolith`
 * directory of the nearest ancestor of `cwd` that has one, else `~/.neolith`. It need not exist.
 */
export function neolithHome(env: NodeJS.ProcessEnv = process.env, cwd: string = process.cwd()): string {
  if (env.NEOLITH_HOME) return resolve(cwd, env.NEOLITH_HOME);

  for (let directory = resolve(cwd); ; directory = dirname(directory)) {
    const candidate = join(directory, '.neolith');
    if (statSync(candidate, { throwIfNoEntry: false })?.isDirectory()) return candidate;
    if (directory === dirname(directory)) return join(env.HOME || homedir(), '.neolith');
  }
}
