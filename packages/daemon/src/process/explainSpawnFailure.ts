import { existsSync } from 'node:fs';
import type { ProcessSpec } from './processSpec.js';

export interface SpawnFailure {
  /** The system's code (`ENOENT`, `EACCES`, `E2BIG`…), or Node's for a refused argument. */
  readonly code: string;
  readonly message: string;
}

/** Says what could not be started and what to do about it. */
export function explainSpawnFailure(
  error: NodeJS.ErrnoException,
  spec: Pick<ProcessSpec, 'command' | 'cwd'>,
): SpawnFailure {
  const code = error.code ?? 'SPAWN_FAILED';
  return { code, message: `Cannot start ${JSON.stringify(spec.command)}: ${explain(code, error, spec)}` };
}

function explain(code: string, error: Error, { command, cwd }: Pick<ProcessSpec, 'command' | 'cwd'>): string {
  switch (code) {
    case 'ENOENT':
      // The system says ENOENT for both, and blames the command.
      if (!existsSync(cwd))
        return `its working directory ${cwd} does not exist. Create it, or choose another.`;
      return command.includes('/')
        ? 'there is no such file, or the interpreter in its first line is missing. Check the path.'
        : "it was not found in the agent's PATH. Install it, or configure its absolute path.";
    case 'ENOTDIR':
      return `a part of its path or of its working directory ${cwd} is not a directory.`;
    case 'EACCES':
      // The search through PATH ends like this, too, when one of its directories may not be entered.
      return command.includes('/')
        ? 'the file is not executable, or a directory on its way may not be entered. Try chmod +x.'
        : "no program of that name that may be executed was found in the agent's PATH. Install it, or configure its absolute path.";
    case 'ENOEXEC':
      return 'the file is not a program. Give a script a first line such as #!/bin/sh.';
    case 'E2BIG':
      return 'arguments and environment are too long for the system. Pass large texts by stdin or file.';
    case 'EAGAIN':
    case 'ENOMEM':
    case 'EMFILE':
    case 'ENFILE':
      return `the system has no room for another process now (${code}). Run fewer agents at once, or raise the limit.`;
    default:
      return `${error.message}.`;
  }
}
