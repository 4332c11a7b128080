import { access } from 'node:fs/promises';
import { join } from 'node:path';
import type { AgentLogin } from './agentAdapter.js';

export interface LoginPlaces {
  readonly login: string;
  readonly credentials: {
    readonly variables: readonly string[];
    /** Below the home directory. */
    readonly files: readonly string[];
  };
}

/** Folders below the home directory that these variables put elsewhere. */
const MOVED_BY = [
  ['CLAUDE_CONFIG_DIR', '.claude'],
  ['CODEX_HOME', '.codex'],
  ['COPILOT_HOME', '.copilot'],
  ['XDG_DATA_HOME', '.local/share'],
] as const;

/** Looks whether anything is there to log in with. Asks no provider, and opens no file. */
export async function detectLogin(
  host: Readonly<Record<string, string | undefined>>,
  home: string,
  { login, credentials }: LoginPlaces,
): Promise<AgentLogin> {
  const variable = credentials.variables.find((name) => (host[name] ?? '') !== '');
  if (variable !== undefined) return { state: 'found', by: variable };
  for (const file of credentials.files) {
    const path = locate(file, host, home);
    if (await isThere(path)) return { state: 'found', by: path };
  }
  return { state: 'unknown', remedy: login };
}

function locate(file: string, host: Readonly<Record<string, string | undefined>>, home: string): string {
  for (const [variable, folder] of MOVED_BY) {
    const moved = host[variable] ?? '';
    if (moved !== '' && file.startsWith(`${folder}/`)) return join(moved, file.slice(folder.length + 1));
  }
  return join(home, file);
}

async function isThere(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch {
    // Not there, or not for us: both mean that nothing was found.
    return false;
  }
}
